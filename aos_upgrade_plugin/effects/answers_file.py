"""Reads and writes files of answers to conflicts: JSON, or TOML where the name ends so."""

import hashlib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import StaleError, UsageError
from aos_upgrade_plugin.models.conflict import Answer, Answers, GivenAnswers
from aos_upgrade_plugin.models.plan import Choice
from aos_upgrade_plugin.models.tree import TreePath, shown

_PAGE = "see docs/reference/answers.md; a new one: aos-upgrade plan --write-answers FILE"


def read_answers(path: Path) -> GivenAnswers:
    """Read answers with the contents that they name.

    Raises UsageError for what is no file of answers, StaleError for a content that is not the one
    that was meant.
    """
    answers = _parsed(path)
    contents: dict[TreePath, bytes] = {}
    for answer in answers.answers:
        if answer.content is not None:
            file = path.parent / answer.content.file
            content = _read(file, f"the content for {answer.path}")
            if hashlib.sha256(content).hexdigest() != answer.content.sha256:
                raise StaleError(
                    f"the content for {answer.path} in {shown(file)} is not the one that the "
                    "answer names",
                    cure=f"write its sha256 into the answers: sha256sum {shown(file)}",
                )
            contents[answer.path] = content
    return GivenAnswers(answers, contents)


def given_answers(fields: object) -> GivenAnswers:
    """Return answers that came as JSON; raise UsageError for what are none.

    ``own`` is none of them: its content would be in a file.
    """
    try:
        answers = Answers.model_validate({"answers": fields})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"the answers do not fit: {where}: {first['msg']}",
            cure="send those back that start asked for, each with its decision filled in",
        ) from error
    own = [answer.path for answer in answers.answers if answer.decision is Choice.OWN]
    if own:
        raise UsageError(
            f"{own[0]} cannot be decided by own here: its content would be in a file",
            cure="choose keep, take or merge; or keep it, and edit the file afterwards",
        )
    return GivenAnswers(answers, {})


def write_answers(path: Path, answers: Answers, contents: Mapping[TreePath, bytes]) -> None:
    """Write answers, and the contents of their own into a folder beside: ``NAME.contents``."""
    beside = path.with_name(f"{path.name}.contents")
    with as_disk_error("writing the answers"):
        for content in contents.values():
            digest = hashlib.sha256(content).hexdigest()
            durable.make_directories(beside)
            durable.write_durably(beside / digest, content, mode=0o644)
        named = [_with_file(answer, beside.name) for answer in answers.answers]
        written = Answers(answers=tuple(named))
        text = _toml(written) if _is_toml(path) else f"{written.model_dump_json(indent=2)}\n"
        durable.write_durably(path, text.encode(), mode=0o644)


def refuse_to_overwrite(path: Path, *, read: Path | None) -> None:
    """Raise UsageError where answers would go over a file that was not read before."""
    if os.path.lexists(path) and (read is None or path.resolve() != read.resolve()):
        raise UsageError(
            f"{shown(path)} is there already, and may hold decisions",
            cure="name another file, or read it, too: --answers FILE --write-answers FILE",
        )


def _parsed(path: Path) -> Answers:
    content = _read(path, "the answers")
    try:
        fields = (tomllib.loads if _is_toml(path) else json.loads)(content.decode())
        return Answers.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        wrong = f"{where}: {first['msg']}" if where else first["msg"]
    except (ValueError, RecursionError) as error:
        wrong = str(error)
    raise UsageError(f"{shown(path)} is no file of answers: {wrong}", cure=_PAGE)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{what} in {shown(path)} cannot be read: {error.strerror}", cure=_PAGE
        ) from error


def _with_file(answer: Answer, folder: str) -> Answer:
    if answer.content is None:
        return answer
    content = answer.content.model_copy(update={"file": f"{folder}/{answer.content.sha256}"})
    return answer.model_copy(update={"content": content})


def _is_toml(path: Path) -> bool:
    return path.suffix.lower() == ".toml"


def _toml(answers: Answers) -> str:
    """Return answers as TOML: what JSON says of a text or a list of texts, TOML says alike."""
    fields = answers.model_dump(mode="json", exclude_none=True)
    tables = (line for answer in fields["answers"] for line in _table(answer))
    return "".join(f"{line}\n" for line in (f"schema_version = {answers.schema_version}", *tables))


def _table(answer: Mapping[str, object]) -> Iterator[str]:
    yield from ("", "[[answers]]")
    for key, value in answer.items():
        if not isinstance(value, Mapping):
            yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
    if "decision" not in answer:
        yield '# decision = "..."   one of the choices'
    for key, value in answer.items():
        if isinstance(value, Mapping) and value:
            yield f"[answers.{key}]"
            yield from (f"{name} = {json.dumps(inner)}" for name, inner in value.items())
