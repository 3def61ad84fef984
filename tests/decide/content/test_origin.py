"""What an installation was made from is told by its files alone."""

from collections.abc import Mapping, Sequence

from aos_upgrade_plugin.decide.content.origin import (
    Trace,
    ambiguous,
    made_from,
    recovered_base,
    score_of,
    scores_of,
    trace,
    users_own,
)
from aos_upgrade_plugin.models.journal import Change
from aos_upgrade_plugin.models.plan import Laid, PlannedChange
from aos_upgrade_plugin.models.source import (
    Blob,
    Historic,
    LaidDown,
    ObjectId,
    blob_id,
    blob_names,
)
from aos_upgrade_plugin.models.three_way import Version, Versions
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath
from tests.decide.three_sides import entry, laid, versions

Texts = Mapping[TreePath, str]

# Three releases: one file changes, one comes, one goes.
FIRST = {"a": "one\ntwo\nthree\n", "b": "b1\n", "old": "old\n"}
SECOND = {"a": "one\ntwo\nthree\nfour\n", "b": "b1\n", "new": "new\n"}
THIRD = {"a": "one\ntwo\nthree\nfour\nfive\n", "b": "b1\n", "new": "new\n"}
HISTORY = (FIRST, SECOND, THIRD)


def _oid(text: str) -> ObjectId:
    return blob_id(text.encode(), "sha1")


def _commit(number: int) -> ObjectId:
    return f"{number:040x}"


def _history(*trees: Texts) -> Sequence[Historic]:
    """Return commits in a row, each with one of the trees."""
    commits, before = [], dict[str, str]()
    for number, tree in enumerate(trees, start=1):
        changed = tuple(
            (path, _blob(before.get(path)), _blob(tree.get(path)))
            for path in sorted({*before, *tree})
            if before.get(path) != tree.get(path)
        )
        parent = _commit(number - 1) if number > 1 else None
        commits.append(Historic(_commit(number), parent, changed))
        before = dict(tree)
    return commits


def _blob(text: str | None) -> Blob | None:
    return None if text is None else Blob(Kind.FILE, executable=False, oid=_oid(text))


def _versions(texts: Texts) -> Versions:
    return {
        path: Version(Kind.FILE, executable=False, blobs=blob_names(text.encode(), "sha1"))
        for path, text in texts.items()
    }


def _trace(local: Texts, *trees: Texts) -> Trace:
    places = {path: path for tree in trees for path in tree}
    return trace(history=_history(*trees), places=places, local=_versions(local))


def _made_from(local: Texts, *trees: Texts, whole: Mapping[ObjectId, int] | None = None) -> str:
    found = _trace(local, *trees)
    contents = {_oid(text): text.encode() for tree in trees for text in tree.values()}
    asked = {path: local[path].encode() for path in ambiguous(found)}
    commit = made_from(found, contents=contents, local=asked, whole=whole or {})
    return f"release {int(commit, 16)}" if commit else "nothing"


def _base(local: Texts, *trees: Texts) -> dict[TreePath, str]:
    """Return the recovered base as texts."""
    found = _trace(local, *trees)
    contents = {_oid(text): text.encode() for tree in trees for text in tree.values()}
    asked = {path: local[path].encode() for path in ambiguous(found)}
    commit = made_from(found, contents=contents, local=asked, whole={})
    tree = trees[int(commit, 16) - 1] if commit else {}
    blobs = {path: blob for path, text in tree.items() if (blob := _blob(text))}
    base = recovered_base(found, tree=blobs, local=_versions(local))
    return {path: contents[min(version.blobs)].decode() for path, version in base.items()}


def test_an_untouched_installation_is_recognised() -> None:
    """Each release is told from the others, and its whole tree is the base."""
    for number, tree in enumerate(HISTORY, start=1):
        assert _made_from(tree, *HISTORY) == f"release {number}"
        assert _base(tree, *HISTORY) == tree


def test_edits_do_not_hide_the_release() -> None:
    """The base of an edited file is what that release had, not what a later one has."""
    local = {**FIRST, "a": "one\nTWO, of mine\nthree\n"}
    assert _made_from(local, *HISTORY) == "release 1"
    assert _base(local, *HISTORY)["a"] == FIRST["a"]


def test_the_users_own_files_do_not_count() -> None:
    """A path that the product never had says nothing, and has no base."""
    local = {**FIRST, "mine": "mine\n"}
    assert _made_from(local, *HISTORY) == "release 1"
    assert "mine" not in _base(local, *HISTORY)


def test_a_file_that_no_release_had_there_is_the_users() -> None:
    """The product brings a path only now, and the user already has something there."""
    local = {**FIRST, "new": "something else\n"}
    assert "new" not in _base(local, *HISTORY)


def test_converted_line_ends_are_recognised() -> None:
    """An installation with CRLF line ends is an untouched one."""
    local = {path: text.replace("\n", "\r\n") for path, text in SECOND.items()}
    assert _made_from(local, *HISTORY) == "release 2"
    assert _base(local, *HISTORY) == SECOND


def test_files_of_several_releases_are_each_recognised() -> None:
    """Somebody copied one newer file by hand: it is unmodified all the same."""
    local = {**FIRST, "a": THIRD["a"]}
    assert _base(local, *HISTORY)["a"] == THIRD["a"]


def test_what_an_old_release_left_behind_has_a_base() -> None:
    """The product's own updates never removed anything; a leftover can go now."""
    local = {**THIRD, "old": FIRST["old"]}
    assert _base(local, *HISTORY)["old"] == FIRST["old"]


def test_a_removed_file_keeps_its_base() -> None:
    """The user removed one file: the release is still known, and so what was there."""
    local = {path: text for path, text in THIRD.items() if path != "b"}
    assert _made_from(local, *HISTORY) == "release 3"
    assert _base(local, *HISTORY)["b"] == "b1\n"


def test_a_folder_that_never_arrived_is_not_taken_for_removed() -> None:
    """Two newer files copied by hand do not make all that is missing of that release removed."""
    first = {"a": "a\n", "b": "b\n", "c": "c\n"}
    more = {f"more/{number}": f"{number}\n" for number in range(5)}
    newer = {"a": "A\n", "b": "B\n", "c": "c\n", **more}
    local = {"a": "A\n", "b": "B\n", "c": "c\n"}
    assert _made_from(local, first, newer) == "release 1"
    assert _base(local, first, newer) == local


def test_the_edited_file_says_which_of_two_releases_it_was() -> None:
    """Only one file differs between them, and it is the one that the user edited."""
    before, after = {"a": "1\n2\n3\n4\n", "b": "b\n"}, {"a": "1\n2\n3\n4\n5\n6\n", "b": "b\n"}
    edited_before, edited_after = {**before, "a": "1\n2\n3\n4\nmine\n"}, {**after}
    edited_after["a"] = "1\n2\n3\nmine\n5\n6\n"
    assert _made_from(edited_before, before, after) == "release 1"
    assert _made_from(edited_after, before, after) == "release 2"


def test_the_rest_of_the_installation_decides_between_equal_ones() -> None:
    """Content that several commits have alike is told apart by the server's code."""
    assert _made_from(FIRST, FIRST, FIRST, FIRST) == "release 1"
    assert _made_from(FIRST, FIRST, FIRST, FIRST, whole={_commit(2): 7}) == "release 2"


def test_a_stranger_is_not_recognised() -> None:
    """Where nothing matches, nothing is made up."""
    assert _made_from({"a": "else\n"}, *HISTORY) == "nothing"
    assert _base({"a": "else\n"}, *HISTORY) == {}


def test_a_commit_that_history_forgot_the_parents_of() -> None:
    """In a shallow clone the oldest commit adds everything; it is recognised like any."""
    oldest = _history(THIRD)[0]._replace(parent=_commit(99))
    places = {path: path for path in THIRD}
    assert scores_of(history=[oldest], places=places, local=_versions(THIRD)) == {
        oldest.commit: len(THIRD)
    }


def _record(texts: Texts, **update: object) -> Laid:
    paths = {
        path: LaidDown(entry=Entry(kind=Kind.FILE, mode=0o644), blob=_oid(text))
        for path, text in texts.items()
    }
    return Laid(commit=_commit(1), paths=paths).model_copy(update=update)


def test_a_record_knows_what_the_user_kept() -> None:
    """Edits and removals of that time do not make it look out of date; later ones do."""
    local = {"a": "mine\n", "old": FIRST["old"]}
    record = _record(FIRST, kept={"a": _oid("mine\n")}, away=("b",))
    assert score_of(record, local=_versions(local)) == len(FIRST)
    assert score_of(_record(FIRST), local=_versions(local)) == 0
    later = {**local, "a": "mine, again\n", "b": "back\n"}
    assert score_of(record, local=_versions(later)) == 1


def test_what_is_recorded_of_the_users_own() -> None:
    """What stands there after the plan, where it is not what came."""
    incoming = {path: laid(1) for path in ("came", "edited", "removed", "merged", "moved")}
    local = versions({"edited": 9, "old": 8})
    after, text = entry(5), "content 5\\x0a"
    changes = (
        PlannedChange(change=Change(path="came", before=None, after=entry(1)), blob=laid(1).blob),
        PlannedChange(change=Change(path="merged", before=None, after=after), text=text),
        PlannedChange(change=Change(path="moved", before=None, after=after), renamed_from="old"),
    )
    own = users_own(incoming=incoming, local=local, changes=changes, object_format="sha1")
    assert own == {
        "edited": laid(9).blob,
        "removed": None,
        "merged": laid(5).blob,
        "moved": laid(8).blob,
    }


def test_a_record_is_measured_like_a_commit() -> None:
    """So an outdated record can be told from a good one."""
    record = _record(FIRST)
    assert score_of(record, local=_versions(FIRST)) == len(FIRST)
    assert score_of(record, local=_versions(THIRD)) < _trace(THIRD, *HISTORY).score
