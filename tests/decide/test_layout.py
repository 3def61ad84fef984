"""Whose a path is, and which generation of the product a folder holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.layout import (
    classify,
    lay_out,
    recognise,
    recognise_source,
    signs,
)
from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.errors import NotFoundError, RefusedError
from aos_upgrade_plugin.models.layout import Layout, PathClass

LAYOUTS = {layout.name: layout for layout in known()}
OLD, NEW, NEWEST = LAYOUTS.values()
names = st.text("abcdexyz._-", min_size=1, max_size=8).filter(lambda name: name.strip("."))
paths = st.lists(names, min_size=1, max_size=5).map("/".join)


@pytest.mark.parametrize("layout", [OLD, NEW], ids=["agent_os", "praxis_os"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("standards/universal/testing/test-pyramid.md", PathClass.SYSTEM),
        ("standards/development/python.md", PathClass.USER),
        ("standards/.rebuild_index", PathClass.DERIVED),
        ("standards/.rebuild_index2", PathClass.USER),
        ("mcp_server/__main__.py", PathClass.SYSTEM),
        ("mcp_server/__pycache__/x.cpython-311.pyc", PathClass.DERIVED),
        ("mcp_server", PathClass.SYSTEM),
        ("mcp_server_notes.md", PathClass.USER),
        ("scripts/build_rag_index.py", PathClass.SYSTEM),
        ("workflows/spec_creation_v1/metadata.json", PathClass.MIXED),
        ("workflows/__pycache__", PathClass.DERIVED),
        ("specs/2025/__pycache__/x.pyc", PathClass.DERIVED),
        ("specs/review/.DS_Store", PathClass.DERIVED),
        ("specs/review/a.md", PathClass.USER),
        ("workspace/.cache/kept.md", PathClass.USER),
        (".cache", PathClass.DERIVED),
        (".cache/state/1.json", PathClass.DERIVED),
        (".mcp_server_state.json", PathClass.DERIVED),
        ("state/workflows/a.json", PathClass.CONTROL),
        ("state/workflows", PathClass.CONTROL),
        ("state/0f.json", PathClass.DERIVED),
        (".backups/2025-01-01-000000/config.json", PathClass.CONTROL),
        (".upgrades", PathClass.CONTROL),
        (".upgrade-lock", PathClass.CONTROL),
        (".upgrade-lock.md", PathClass.USER),
        (".venv-stage/bin/python", PathClass.CONTROL),
        ("specs/.git/config", PathClass.CONTROL),
        ("specs/.GIT/config", PathClass.CONTROL),
        ("mcp_server/GIT~1", PathClass.CONTROL),
        (r".g\xe2\x80\x8cit/config", PathClass.CONTROL),
        ("specs/.gitignore", PathClass.USER),
        (r"specs/\xffgit", PathClass.USER),
        ("venv/lib/python3.11/site-packages/x.py", PathClass.ENVIRONMENT),
        ("venv", PathClass.ENVIRONMENT),
        ("venvy", PathClass.USER),
        ("config.json", PathClass.USER),
        ("VERSION.txt", PathClass.MIXED),
        ("line\\x0abreak/venv", PathClass.USER),
    ],
)
def test_a_path_belongs_to_one_class(layout: Layout, path: str, expected: PathClass) -> None:
    """A pattern covers what it names and everything below, and nothing that only begins so."""
    assert classify(path, layout) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("ouroboros/__main__.py", PathClass.SYSTEM),
        ("ouroboros/__pycache__/a.pyc", PathClass.DERIVED),
        ("standards/universal/a.md", PathClass.SYSTEM),
        ("workflows/spec_creation_v1/metadata.json", PathClass.MIXED),
        ("config/mcp.yaml", PathClass.USER),
        ("config/mcp.yaml.backup", PathClass.USER),
        ("mcp_server/__main__.py", PathClass.USER),
        ("state/workflow/active/1.json", PathClass.DERIVED),
        (".cache/indexes/code/graph.duckdb", PathClass.DERIVED),
        ("state/workflows/a.json", PathClass.CONTROL),
    ],
)
def test_the_server_moved_once(path: str, expected: PathClass) -> None:
    """What an earlier server left behind is the user's; the configuration always was."""
    assert classify(path, NEWEST) is expected


def test_usage_was_the_products_once() -> None:
    """What a generation does not bring is the user's there."""
    assert classify("usage/operating-model.md", OLD) is PathClass.MIXED
    assert classify("usage/operating-model.md", NEW) is PathClass.USER


@given(paths)
def test_what_is_ours_stays_ours_below(path: str) -> None:
    """Below a folder that is not backed up nothing is."""
    for layout in LAYOUTS.values():
        for folder in (".backups", ".upgrades", "venv", ".cache", "state/workflows"):
            assert classify(f"{folder}/{path}", layout) is classify(folder, layout)


@pytest.mark.parametrize(
    ("name", "listing", "expected"),
    [
        (".agent-os", {"mcp_server", "standards"}, "agent_os"),
        (".agent-os", {"standards"}, "agent_os"),
        (".praxis-os", {"mcp_server"}, "praxis_os"),
        (".praxis-os", {"ouroboros", "standards"}, "praxis_os_ouroboros"),
        (".praxis-os", {"config/mcp.yaml", "mcp_server"}, "praxis_os_ouroboros"),
    ],
)
def test_an_installation_is_recognised(name: str, listing: set[str], expected: str) -> None:
    """The name and one sign are enough: a broken installation can still be restored."""
    assert recognise(name=name, listing=listing, layouts=known()).name == expected


@pytest.mark.parametrize(
    ("name", "listing", "said"),
    [
        (".agent-os", set(), "none of mcp_server, standards"),
        (".agent-os", {"workflows"}, "none of mcp_server, standards"),
        (".praxis-os", {"later"}, "none of config/mcp.yaml, mcp_server, ouroboros, standards"),
        ("praxis", {"mcp_server"}, "not .agent-os or .praxis-os"),
    ],
)
def test_what_is_no_installation_is_refused(name: str, listing: set[str], said: str) -> None:
    """The refusal says what was looked for."""
    with pytest.raises(NotFoundError, match=said):
        recognise(name=name, listing=listing, layouts=known())


def test_a_later_generation_with_the_old_signs_is_refused() -> None:
    """A layout may name what tells that a folder is of another one, which nobody described yet."""
    later = [each.model_copy(update={"foreign_signs": ("next",)}) for each in known()]
    with pytest.raises(RefusedError, match=r"holds next: a generation of prAxIs OS"):
        recognise(name=".praxis-os", listing={"next", "mcp_server"}, layouts=later)
    assert signs(later) == signs(known()) | {"next"}


def test_everything_that_tells_is_asked_for() -> None:
    """Whoever lists only the signs learns as much as one who lists everything."""
    assert signs(known()) == {"config/mcp.yaml", "mcp_server", "ouroboros", "standards"}


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ({".agent-os", "universal"}, "agent_os"),
        ({"scripts/install-agent-os.py"}, "agent_os"),
        ({".praxis-os", "scripts/install-agent-os.py"}, "praxis_os"),
        ({"scripts/install-praxis-os.py"}, "praxis_os"),
        ({"dist/ouroboros", ".praxis-os", "scripts/install-praxis-os.py"}, "praxis_os_ouroboros"),
    ],
)
def test_a_source_says_what_it_installs(listing: set[str], expected: str) -> None:
    """Where a source bears the signs of two generations it installs the newer."""
    assert recognise_source(listing=listing, layouts=known()).name == expected


def test_a_folder_that_is_no_source_is_refused() -> None:
    """The refusal says what was looked for."""
    with pytest.raises(NotFoundError, match=r"none of dist/ouroboros, \.praxis-os, scripts/"):
        recognise_source(listing={"README.md"}, layouts=known())


def test_a_source_is_laid_out() -> None:
    """Content changes its folder, what stays behind stays behind, a later root wins."""
    source = [
        ".agent-os/scripts/build_rag_index.py",
        "README.md",
        "mcp_server/.agent-os/workflows/x.json",
        "mcp_server/__init__.py",
        "mcp_server/__pycache__/a.pyc",
        "scripts/build_rag_index.py",
        "scripts/pre-commit/a",
        "universal/.universal-manifest.json",
        "universal/standards/testing/a.md",
        "universal/standards.md",
        "universal/usage/u.md",
        "universal/workflows/w/metadata.json",
    ]
    assert lay_out(source, OLD) == {
        "standards/universal/testing/a.md": "universal/standards/testing/a.md",
        "usage/u.md": "universal/usage/u.md",
        "workflows/w/metadata.json": "universal/workflows/w/metadata.json",
        "mcp_server/__init__.py": "mcp_server/__init__.py",
        "scripts/build_rag_index.py": "scripts/build_rag_index.py",
        "scripts/pre-commit/a": "scripts/pre-commit/a",
    }
    assert "usage/u.md" not in lay_out(source, NEW)
    assert lay_out(source[:1], OLD) == {
        "scripts/build_rag_index.py": ".agent-os/scripts/build_rag_index.py"
    }


@given(st.lists(paths))
def test_what_is_laid_out_is_the_products(source: list[str]) -> None:
    """No content of a source ever lands on a path that is ours, or the user's but for settings."""
    for layout in LAYOUTS.values():
        below = [f"{root.source}/{path}" for root in layout.roots for path in source]
        for path in lay_out(below, layout):
            expected = {PathClass.SYSTEM, PathClass.MIXED, PathClass.DERIVED}
            settings = f"{path}/".startswith(f"{layout.config}/")
            assert settings or classify(path, layout) in expected
