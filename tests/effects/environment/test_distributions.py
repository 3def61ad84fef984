"""What is installed in an environment, told from its files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.environment.distributions import requirements


def _installed(environment: Path, name: str, version: str, *, origin: object = None) -> Path:
    site = environment / "lib/python3.11/site-packages"
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if origin is not None:
        (folder / "direct_url.json").write_text(json.dumps(origin))
    return folder


def test_every_distribution_is_named_with_its_version(tmp_path: Path) -> None:
    """Sorted, each once, also where lib64 is a link to lib."""
    for name, version in (("zebra", "1.0"), ("apple", "2.0rc1"), ("mcp", "1.19.0")):
        _installed(tmp_path, name, version)
    (tmp_path / "lib64").symlink_to("lib")
    assert requirements(tmp_path) == "apple==2.0rc1\nmcp==1.19.0\nzebra==1.0\n"


def test_what_did_not_come_from_an_index_keeps_its_address(tmp_path: Path) -> None:
    """A checkout, an editable folder and a file can be installed from there again."""
    git = {"url": "https://example.org/a.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}}
    _installed(tmp_path, "a", "1", origin=git)
    _installed(tmp_path, "b", "1", origin={"url": "file:///b", "dir_info": {"editable": True}})
    _installed(tmp_path, "c", "1", origin={"url": "file:///c.whl", "archive_info": {}})
    _installed(tmp_path, "d", "1", origin={})
    assert set(requirements(tmp_path).splitlines()) == {
        "-e file:///b#egg=b",
        "a @ git+https://example.org/a.git@c0ffee",
        "c @ file:///c.whl",
        "d==1",
    }


def test_a_broken_environment_tells_what_it_can(tmp_path: Path) -> None:
    """What a failed installation left behind is passed over."""
    (_installed(tmp_path, "broken", "1") / "METADATA").unlink()
    (_installed(tmp_path, "cut", "1") / "METADATA").write_text("Name: cut\n")
    (_installed(tmp_path, "torn", "1", origin={}) / "direct_url.json").write_text("{")
    assert requirements(tmp_path) == "torn==1\n"


@pytest.mark.parametrize(
    "about",
    [
        b"Name: a b\nVersion: 1\n",
        b"Name: ../a\nVersion: 1\n",
        b"Name: a\nVersion: 1 \x1b[2J\n",
        b"Name: \xff\nVersion: 1\n",
        b"\0",
    ],
)
def test_what_is_no_package_is_passed_over(about: bytes, tmp_path: Path) -> None:
    """Whatever lies in an environment, nothing of it reaches a list or a terminal unseen."""
    (_installed(tmp_path, "hostile", "1") / "METADATA").write_bytes(about)
    _installed(tmp_path, "good", "1", origin={"url": "file:///a\n-e file:///evil"})
    assert requirements(tmp_path) == "good==1\n"


def test_no_environment_is_said(tmp_path: Path) -> None:
    """A fresh installation may have none; an empty list would say that nothing is needed."""
    assert requirements(tmp_path / "venv").startswith("# nothing is installed")


def test_it_agrees_with_pip(tmp_path: Path) -> None:
    """A real environment is told as pip tells it."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    frozen = subprocess.run(
        [tmp_path / "venv/bin/python", "-m", "pip", "freeze", "--all"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert requirements(tmp_path / "venv") == frozen.stdout
