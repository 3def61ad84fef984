"""Which version a source is of: one rule, and everything that it claims."""

import json

import pytest

from aos_upgrade_plugin.decide.content.version import claims, version_in


def test_the_order_of_belief() -> None:
    """All are reported, the most trusted first."""
    files = {
        "pyproject.toml": b'[project]\nversion = "1.0.0"\n',
        "universal/.universal-manifest.json": json.dumps({"version": "1.4.0-dev"}).encode(),
        "mcp_server/CHANGELOG.md": b"# Log\n\n## [Unreleased] - 2025-10-24\n\n## [1.6.0] - x\n",
        "VERSION.txt": b"Agent OS 1.7.0\n",
    }
    found = claims(files=files, tags=("v1.6.5", "nightly"))
    assert [(claim.where, claim.version) for claim in found] == [
        ("VERSION.txt", "1.7.0"),
        ("tag v1.6.5", "1.6.5"),
        ("mcp_server/CHANGELOG.md", "1.6.0"),
        ("universal/.universal-manifest.json", "1.4.0-dev"),
        ("pyproject.toml", "1.0.0"),
    ]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"VERSION.txt": b"soon\n", "CHANGELOG.md": b"\xff\xfe"},
        {"universal/.universal-manifest.json": b"not json", "pyproject.toml": b"= broken"},
        {"universal/.universal-manifest.json": b"[]", "pyproject.toml": b"project = 1"},
        {"universal/.universal-manifest.json": b'{"version": 3}'},
    ],
)
def test_what_cannot_be_read_claims_nothing(files: dict[str, bytes]) -> None:
    """A broken file is not an error: the commit is what counts."""
    assert claims(files=files, tags=()) == ()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (b"1.2.0\n", "1.2.0"),
        (b"v1.2.0-rc.1", "1.2.0-rc.1"),
        (b"Previous Version: 1.3.0\nCurrent Version: v1.4.0\n", "1.4.0"),
        (b"Last Updated: 2025-10-06 19:12:58\n", None),
        (b"", None),
    ],
)
def test_version_in(text: bytes, version: str | None) -> None:
    """The version that a version file calls current counts, else the first in it."""
    assert version_in(text) == version
