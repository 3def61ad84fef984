"""Files of answers: written, read again, and refused where they make no sense."""

import hashlib
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.answers_file import (
    read_answers,
    refuse_to_overwrite,
    write_answers,
)
from aos_upgrade_plugin.errors import StaleError, UsageError
from aos_upgrade_plugin.models.conflict import Answer, Answers, OwnContent
from aos_upgrade_plugin.models.plan import Choice, SideDigests
from aos_upgrade_plugin.models.three_way import Relation

CONTENT = b"mine\xff\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
ODD = "standards/\u00fc \U0001f600 \\x0a\"'.md"
ANSWERS = Answers(
    answers=(
        Answer(
            path=ODD,
            relation=Relation.EDIT_EDIT,
            choices=(Choice.KEEP, Choice.TAKE),
            decision=Choice.OWN,
            made_for=SideDigests(local="1" * 64, incoming="2" * 64),
            content=OwnContent(file=DIGEST, sha256=DIGEST),
        ),
        Answer(path="b", made_for=SideDigests(local="3" * 64)),
        Answer(path="c", decision=Choice.KEEP),
    )
)


@pytest.mark.parametrize("name", ["answers.json", "answers.toml", "ANSWERS.TOML", "answers"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    """In both forms, with odd names and the contents of their own."""
    path = tmp_path / name
    write_answers(path, ANSWERS, {ODD: CONTENT})
    given = read_answers(path)
    assert given.contents == {ODD: CONTENT}
    file = f"{name}.contents/{DIGEST}"
    own, *others = given.answers.answers
    assert own.content == OwnContent(file=file, sha256=DIGEST)
    assert own.model_copy(update={"content": ANSWERS.answers[0].content}) == ANSWERS.answers[0]
    assert tuple(others) == ANSWERS.answers[1:]
    write_answers(path, given.answers, given.contents)
    assert read_answers(path) == given


def test_no_conflict_is_an_empty_file_of_answers(tmp_path: Path) -> None:
    """A script need not ask whether there were any."""
    for name in ("a.json", "a.toml"):
        write_answers(tmp_path / name, Answers(), {})
        assert read_answers(tmp_path / name).answers == Answers()


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("a.json", "{", "Expecting"),
        ("a.toml", "answers = [", "nvalid"),
        ("a.json", "\udcff", "utf-8"),
        ("a.json", '{"answers": 1}', "answers"),
        ("a.json", '{"answers": [{"path": "a", "force": true}]}', "Extra inputs"),
        ("a.json", '{"answers": [{"path": "a"}, {"path": "a"}]}', "two answers for a"),
        ("a.json", "[" * 100_000, "recursion"),
    ],
)
def test_what_is_no_file_of_answers_is_refused(
    tmp_path: Path, name: str, text: str, wrong: str
) -> None:
    """One line that says what is wrong, and where to read on."""
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=wrong) as refused:
        read_answers(tmp_path / name)
    assert "--write-answers" in refused.value.cure


def test_a_content_that_is_not_the_one_that_was_meant_is_refused(tmp_path: Path) -> None:
    """It was edited since, or is not there."""
    path = tmp_path / "answers.json"
    write_answers(path, ANSWERS, {ODD: CONTENT})
    content = tmp_path / "answers.json.contents" / DIGEST
    content.write_bytes(b"edited\n")
    with pytest.raises(StaleError, match="not the one"):
        read_answers(path)
    content.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        read_answers(path)


def test_decisions_are_not_written_over(tmp_path: Path) -> None:
    """Only the file that was read before is replaced: it holds nothing else."""
    path = tmp_path / "answers.json"
    refuse_to_overwrite(path, read=None)
    path.write_text("{}")
    with pytest.raises(UsageError, match="there already"):
        refuse_to_overwrite(path, read=None)
    with pytest.raises(UsageError, match="there already"):
        refuse_to_overwrite(path, read=tmp_path / "other.json")
    refuse_to_overwrite(path, read=path)
