"""The judge of upgrades finds each way of being wrong. It needs no clone: this runs everywhere."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.real.edits import Edit, Kind, Kit
from tests.real.judging import Judgement, judge
from tests.real.sides import File

MERGES, MOVED, SAME = (b"mine, in %d\n" % number for number in range(3))
KIT = Kit(
    old="1",
    new="2",
    folders=(".agent-os", ".agent-os"),
    base={name: File(b"old\n") for name in ("merges", "before", "same line", "calm", "gone")},
    incoming={
        "merges": File(b"new\n"),
        "after": File(b"old\n"),
        "same line": File(b"new\n"),
        "calm": File(b"new\n"),
    },
    renames={"before": "after"},
    edits=(
        Edit(Kind.MERGES, "merges", "merges", File(MERGES), File(b"new\n" + MERGES), MERGES),
        Edit(Kind.MOVED, "before", "after", File(MOVED), File(MOVED), MOVED),
        Edit(Kind.CONFLICTS, "same line", "same line", File(SAME), None, SAME, decision=True),
    ),
)
RIGHT: Mapping[str, bytes] = {
    "merges": b"new\n" + MERGES,
    "after": MOVED,
    "same line": SAME,
    "calm": b"new\n",
}


@pytest.mark.parametrize(
    ("stands", "told", "found"),
    [
        pytest.param({}, {"same line"}, {}, id="right"),
        pytest.param({"merges": b"new\n"}, {"same line"}, {"lost": ("merges",)}, id="taken"),
        pytest.param({"merges": MERGES}, {"same line"}, {"missed": ("merges",)}, id="kept"),
        pytest.param(
            {"after": b"old\n", "before": MOVED},
            {"same line"},
            {"stranded": ("before",)},
            id="left-at-its-old-place",
        ),
        pytest.param({}, {"same line", "merges"}, {"wrong": ("merges",)}, id="asked-in-vain"),
        pytest.param({}, {"same line", "calm"}, {"wrong": ("calm",)}, id="asked-about-nothing"),
        pytest.param({"calm": b"old\n"}, {"same line"}, {"missed": ("calm",)}, id="not-updated"),
        pytest.param({"gone": b"old\n"}, {"same line"}, {"missed": ("gone",)}, id="not-removed"),
        pytest.param(
            {}, set(), {"missed": ("same line",), "unasked": ("same line",)}, id="kept-unasked"
        ),
        pytest.param(
            {"same line": b"new\n"},
            set(),
            {"lost": ("same line",), "unasked": ("same line",)},
            id="taken-unasked",
        ),
    ],
)
def test_each_way_of_being_wrong_is_found(
    tmp_path: Path,
    stands: Mapping[str, bytes],
    told: set[str],
    found: Mapping[str, tuple[str, ...]],
) -> None:
    """And nothing else: an upgrade that did what git says is owed is right."""
    for name, content in {**RIGHT, **stands}.items():
        (tmp_path / name).write_bytes(content)
    right = Judgement((), (), (), (), ())
    assert judge(KIT, tmp_path, told) == right._replace(**found)


def test_what_was_decided_away_may_lie_beside(tmp_path: Path) -> None:
    """Where the tool said that it does, or under the name of the file; else it is lost."""
    install, beside = tmp_path / "install", tmp_path / "beside"
    for folder in (install, beside):
        folder.mkdir()
    for name, content in {**RIGHT, "same line": b"new\n"}.items():
        (install / name).write_bytes(content)
    (beside / "same line").write_bytes(SAME)
    assert judge(KIT, install, {"same line"}).lost == ("same line",)
    assert judge(KIT, install, {"same line"}, beside=[beside]).lost == ()
    (install / "same line.rej").write_bytes(SAME)
    assert judge(KIT, install, {"same line"}).lost == ()


def test_a_link_that_was_decided_away_may_lie_beside(tmp_path: Path) -> None:
    """Where it was asked about; that it was is wrong all the same, where one side only changed."""
    install, beside = tmp_path / "install", tmp_path / "beside"
    link = File(b"elsewhere", link=True)
    edit = Edit(Kind.LINKED, "calm", "calm", link, link, link.content)
    kit = KIT._replace(edits=(*KIT.edits, edit))
    for folder in (install, beside):
        folder.mkdir()
    for name, content in RIGHT.items():
        (install / name).write_bytes(content)
    (beside / "calm").symlink_to("elsewhere")
    assert judge(kit, install, {"same line"}, beside=[beside]).lost == ("calm",)
    judged = judge(kit, install, {"same line", "calm"}, beside=[beside])
    assert (judged.lost, judged.wrong) == ((), ("calm",))
