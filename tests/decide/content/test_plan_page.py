"""A plan as a page: whole, well formed, and nothing that a file holds becomes a part of it."""

from datetime import UTC, datetime
from html.parser import HTMLParser

from aos_upgrade_plugin.decide.content.plan_page import page
from aos_upgrade_plugin.models.plan import (
    Choice,
    Conflict,
    Kept,
    Options,
    Origin,
    PlanSource,
    UpgradePlan,
)
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import tree_digest

HOSTILE = "</pre></details><script>alert(1)</script><img src=x onerror=alert(2)>&amp;\"'.md"
PLAN = UpgradePlan(
    created_at=datetime(2025, 11, 21, 12, tzinfo=UTC),
    tool_version="1",
    layout="agent_os",
    options=Options(only=Scope.CONTENT, on_conflict=OnConflict.FAIL),
    source=PlanSource(path="/source", commit="2" * 40, version=f"2.0 {HOSTILE}"),
    origin=Origin(known_by="nothing"),
    target_digest=tree_digest({}),
    target={},
    project={},
    counts={Relation.UPDATED: 12, Relation.NEW: 3},
)
_VOID = {"meta"}


class _Page(HTMLParser):
    """What a browser makes of a page: its elements and the text in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _read(plan: UpgradePlan, *diffs: str) -> _Page:
    seen = _Page(page(plan, diffs))
    assert seen.open == []
    return seen


def test_every_part_of_a_plan_is_on_the_page() -> None:
    """What is to be decided, what is kept, how many files, and each change with its lines."""
    plan = PLAN.model_copy(
        update={
            "conflicts": (
                Conflict(path="a.md", relation=Relation.EDIT_EDIT, renamed_from="old.md"),
                Conflict(path="b.md", relation=Relation.ADD_ADD, choice=Choice.KEEP),
            ),
            "kept": (Kept(path="mine.md", relation=Relation.EDITED_LOCALLY),),
            "notes": ("read this",),
        }
    )
    seen = _read(plan, "diff c.md\n--- a/c.md\n+++ b/c.md\n@@ -1 +1 @@\n-one\n+two\n same\n")
    for said in ("a.md (edit/edit, renamed from old.md)", "mine.md (edited locally)", "read this"):
        assert said in seen.text
    assert "b.md" not in seen.text  # it is decided
    assert [each["class"] for tag, each in seen.elements if tag == "span" and each] == [
        "place",
        "place",
        "place",
        "removed",
        "added",
    ]
    assert "updated12" in seen.text


def test_what_files_hold_stays_text() -> None:
    """A path, a version, a note or a line that looks like a page is shown, not obeyed."""
    plan = PLAN.model_copy(
        update={
            "conflicts": (Conflict(path=HOSTILE[:40], relation=Relation.EDIT_EDIT),),
            "kept": (Kept(path=HOSTILE[:40], relation=Relation.EDITED_LOCALLY),),
            "notes": (HOSTILE,),
        }
    )
    seen = _read(plan, f"diff {HOSTILE}\n@@ -1 +1 @@\n+{HOSTILE}\n-{HOSTILE}\n")
    tags = {tag for tag, _ in seen.elements}
    assert not tags & {"script", "img", "a", "link", "iframe"}
    assert not any(name.startswith("on") for _, each in seen.elements for name in each)
    assert seen.text.count(HOSTILE) == 6  # title, heading, note, and three in the change


def test_nothing_is_loaded_and_nothing_can_be() -> None:
    """One page for itself: no script, no address, and a policy that forbids both."""
    text = page(PLAN, [])
    (policy,) = [
        each["content"]
        for _, each in _Page(text).elements
        if each.get("http-equiv") == "Content-Security-Policy"
    ]
    assert (policy or "").startswith("default-src 'none'")
    assert not {"<script", "http://", "https://", "url(", "@import"} & {
        each for each in ("<script", "http://", "https://", "url(", "@import") if each in text
    }


def test_a_plan_without_changes_says_so() -> None:
    """No empty headings, one sentence."""
    seen = _read(PLAN.model_copy(update={"counts": {}}))
    assert "Nothing to do." in seen.text
    assert "h2" not in {tag for tag, _ in seen.elements}
