"""The product is told by what a commit holds."""

import pytest

from aos_upgrade_plugin.decide.content.product import (
    below_roots,
    looked_for,
    only_parts,
    places_of,
    recognise_product,
    that_came,
)
from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.errors import NotFoundError
from aos_upgrade_plugin.models.layout import Layout, Part
from tests.decide.three_sides import versions

AGENT_OS, PRAXIS_OS, OUROBOROS = known()
CONTENT, SERVER = "universal/standards/a.md", "mcp_server/__main__.py"


def test_each_generation_is_recognised() -> None:
    """A sign of its own and every part of the product: that is the product."""
    assert recognise_product([".agent-os/x", CONTENT, SERVER], known()) == AGENT_OS
    assert (
        recognise_product(["scripts/install-praxis-os.py", CONTENT, SERVER], known()) == PRAXIS_OS
    )
    assert recognise_product(["dist/ouroboros/__main__.py", CONTENT], known()) == OUROBOROS


@pytest.mark.parametrize(
    ("paths", "missing"),
    [
        ([], "scripts/install-agent-os.py"),
        ([CONTENT, SERVER], "scripts/install-praxis-os.py"),
        ([".agent-os/standards/universal/a.md", SERVER], "universal/standards"),
        ([".agent-os/mcp_server/__main__.py", CONTENT], "mcp_server"),
    ],
)
def test_what_is_missing_is_said(paths: list[str], missing: str) -> None:
    """A project that only uses the product bears its sign, and is refused in words."""
    with pytest.raises(NotFoundError, match=missing):
        recognise_product(paths, known())


def test_what_is_looked_for_can_be_listed() -> None:
    """A check can say where it looked, before it looks."""
    assert {"universal/standards", "mcp_server", ".praxis-os"} <= set(looked_for(known()))


def test_one_part_is_its_roots_only() -> None:
    """Content alone plans nothing of the server."""
    content = only_parts(AGENT_OS, Part.CONTENT)
    assert places_of([CONTENT, SERVER], content) == {CONTENT: "standards/universal/a.md"}
    standing = versions({"usage/a": 1, "usage": 1, "usages/a": 1, "mcp_server/a": 1})
    assert set(below_roots(standing, content)) == {"usage/a", "usage"}


def test_every_former_place_is_known() -> None:
    """A file that moved inside the source is recognised under both of its names."""
    old, new = ".agent-os/scripts/build_rag_index.py", "scripts/build_rag_index.py"
    assert places_of([old, new], AGENT_OS) == {old: new, new: new}


def test_a_forgotten_folder_of_the_server_is_not_taken_for_removed() -> None:
    """The product's own instructions left out its scripts for a time, and never its content."""
    came = that_came(AGENT_OS, versions({"mcp_server/a.py": 1, "scripts/a.py": 1}))
    assert _gone(came) == {".agent-os/scripts/build_rag_index.py"}
    assert _gone(that_came(AGENT_OS, versions({"scripts/build_rag_index.py": 1}))) == {"mcp_server"}


def _gone(came: Layout) -> set[str]:
    return {root.source for root in AGENT_OS.roots} - {root.source for root in came.roots}
