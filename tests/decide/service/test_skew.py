"""Content and a server of different versions."""

import pytest

from aos_upgrade_plugin.decide.service.skew import Release, skews
from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.models.layout import Need

TOOL = Need(what="new_tool", content="new_tool", server=r"\bdef new_tool\b")
GATES = Need(what="gates", content="gate.yaml", by_path=True, server="gate[.]yaml")
OLD = Release({"s/a.md": b"call old_tool"}, {"m/a.py": b"def old_tool(): ..."})
NEW = Release(
    {"s/a.md": b"call new_tool", "w/gate.yaml": b""},
    {"m/a.py": b"def new_tool(): ...", "m/b.py": b"read('gate.yaml')"},
)
LOST = Release(NEW.content, {"m/a.py": b"", "m/b.py": b"read('gate.yaml')"})


@pytest.mark.parametrize(
    ("before", "after", "whole", "named"),
    [
        pytest.param(OLD, NEW, NEW, (), id="together"),
        pytest.param(OLD, Release(NEW.content, OLD.server), NEW, ("new_tool", "gates"), id="new"),
        pytest.param(OLD, Release(OLD.content, NEW.server), NEW, (), id="the-server-has-more"),
        pytest.param(
            NEW, Release(NEW.content, OLD.server), OLD, ("new_tool", "gates"), id="a-tool-goes"
        ),
        pytest.param(
            Release(NEW.content, {}), Release(NEW.content, OLD.server), NEW, (), id="broken-before"
        ),
        pytest.param(OLD, LOST, LOST, (), id="upstream-lost-it"),
        pytest.param(
            OLD,
            Release({"s/a.md": b"new_tools"}, {"m/a.md": b"def new_tool"}),
            NEW,
            (),
            id="another-word",
        ),
    ],
)
def test_only_what_leaving_a_part_out_breaks_is_named(
    before: Release, after: Release, whole: Release, named: tuple[str, ...]
) -> None:
    """A need that was unmet before, or would be by everything, is no reason."""
    assert skews((TOOL, GATES), before=before, after=after, whole=whole) == named


@pytest.mark.parametrize("layout", ["agent_os", "praxis_os"])
def test_the_layouts_know_the_tools_that_were_renamed(layout: str) -> None:
    """And the folder that a search stopped to read; of a later server nothing is upgraded alone."""
    needs = {need.content: need for each in known() if each.name == layout for need in each.needs}
    assert {"aos_workflow", "pos_workflow", "usage/"} <= {*needs}
    code = Release({"usage/a.md": b""}, {"m/loader.py": b'rag.get("usage_path", x)'})
    gone = code._replace(server={"m/loader.py": b"usage_path=None"})
    assert skews((needs["usage/"],), before=code, after=gone, whole=Release({}, {})) == (
        needs["usage/"].what,
    )
