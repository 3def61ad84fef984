"""Texts merged by git: as ``git merge`` itself does, and nothing is left on the disk."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aos_upgrade_plugin.effects.source.text_merge import MergeTexts, merging
from tests.effects.repositories import git

_EDITS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["change", "remove", "add"])), max_size=4
)
Edits = list[tuple[int, str]]


@pytest.fixture(scope="module")
def merge_texts() -> Iterator[MergeTexts]:
    """Offer the merge, one folder for all."""
    with merging() as merge:
        yield merge


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository for git's own merge."""
    folder = tmp_path_factory.mktemp("merged")
    told = subprocess.run(["git", "merge-tree", "-h"], check=False, capture_output=True)
    if b"--write-tree" not in told.stdout + told.stderr:
        pytest.skip("this git merges in a work tree only")
    git(folder, "init", "-q")
    return folder


def _text(edits: Edits, who: str) -> bytes:
    """Edit ten lines that are all different."""
    lines = {number: [f"line {number}"] for number in range(10)}
    for number, how in edits:
        match how:
            case "change":
                lines[number] = [f"{who} changed {number}"]
            case "remove":
                lines[number] = []
            case _:
                lines[number] = [*lines[number], f"{who} added after {number}"]
    return "".join(f"{line}\n" for part in lines.values() for line in part).encode()


def _by_git(repository: Path, *texts: bytes) -> bytes | None:
    """Merge two branches as ``git merge`` does; nothing where that is not clean."""
    base, local, incoming = (_commit(repository, text) for text in texts)
    children = [
        git(repository, "commit-tree", "-m", "x", "-p", base[1], tree).strip()
        for tree, _ in (local, incoming)
    ]
    merged = subprocess.run(
        ["git", "-C", repository, "merge-tree", "--write-tree", *children],
        check=False,
        capture_output=True,
        text=True,
    )
    if merged.returncode:
        return None
    return git(repository, "cat-file", "blob", f"{merged.stdout.split()[0]}:a").encode()


def _commit(repository: Path, text: bytes) -> tuple[str, str]:
    (repository / "a").write_bytes(text)
    git(repository, "add", "a")
    tree = git(repository, "write-tree").strip()
    return tree, git(repository, "commit-tree", "-m", "x", tree).strip()


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(_EDITS, _EDITS)
def test_it_merges_what_git_merges_and_nothing_else(
    repository: Path, merge_texts: MergeTexts, ours: Edits, theirs: Edits
) -> None:
    """The very bytes of git's own merge; and no line that only one side added is lost."""
    base, local, incoming = _text([], ""), _text(ours, "we"), _text(theirs, "they")
    merged = merge_texts(base, local, incoming)
    expected = _by_git(repository, base, local, incoming)
    assert (merged.content if merged.places == 0 else None) == expected
    if expected is not None:
        added = set(local.splitlines()) | set(incoming.splitlines())
        assert added - set(base.splitlines()) <= set(expected.splitlines())


def test_what_is_not_clean_has_markers_that_say_whose_is_what(merge_texts: MergeTexts) -> None:
    """Somebody may edit it; how many places there are is known."""
    content, places = merge_texts(b"a\n", b"b\n", b"c\n")
    assert places == 1
    assert content == b"<<<<<<< yours\nb\n=======\nc\n>>>>>>> incoming\n"


def test_nothing_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where something goes wrong; and nothing is made where nothing is merged."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with merging():
        pass
    assert not (tmp_path / "state").exists()

    def fail() -> None:
        with merging() as merge:
            merge(b"a\n", b"b\n", b"c\n")
            raise ValueError("something else")

    with pytest.raises(ValueError, match="something else"):
        fail()
    assert [path for path in (tmp_path / "state").rglob("*") if path.is_file()] == []


def test_the_users_own_settings_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another style of markers is theirs to set, and would not be understood here."""
    (tmp_path / "config").write_text("[merge]\n\tconflictStyle = diff3\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    with merging() as merge:
        assert b"|||||||" not in merge(b"a\n", b"b\n", b"c\n").content
