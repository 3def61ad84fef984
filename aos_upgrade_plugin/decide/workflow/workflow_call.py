"""A call of the tool: what is wrong with it, and how an error is told to whoever called."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, ValidationError

from aos_upgrade_plugin.decide.workflow.checkpoint import MOST_EVIDENCE_BYTES, unstorable
from aos_upgrade_plugin.errors import (
    InvalidError,
    NotFoundError,
    StateError,
    UpgradeError,
    UsageError,
)
from aos_upgrade_plugin.models.base import Frozen
from aos_upgrade_plugin.models.words import line, printable
from aos_upgrade_plugin.models.workflow_call import REQUESTS, Action

Fields = dict[str, JsonValue]
Folders = Mapping[str, str]
"""What folders of this machine are called in an answer, by their paths."""

_MOST_OPTION_BYTES = 100_000
_KINDS: tuple[tuple[type[UpgradeError], str], ...] = (
    (NotFoundError, "NotFoundError"),
    (InvalidError, "ValidationError"),
    (UsageError, "ValueError"),
    (StateError, "StateError"),
)
_ABSOLUTE = re.compile(r"(?<![\w.:/~-])/(?:[^\s/'\",;:()]+/)*([^\s/'\",;:()]*)")


class UnknownActionError(UsageError):
    """There is no such action."""


def action_of(name: object) -> Action:
    """Return the action of a name; raise UnknownActionError."""
    if isinstance(name, str) and name in set(Action):
        return Action(name)
    said = repr(printable(name)[:60]) if isinstance(name, str) else "without a name"
    raise UnknownActionError(f"there is no action {said}", cure=f"name one of: {', '.join(Action)}")


def request_of(*, action: Action, arguments: Mapping[str, Any]) -> Frozen:
    """Return what is asked for, checked. Raises UsageError that names each parameter that is wrong.

    A parameter that is nothing was not given; nor was ``reset_evidence`` where it is false.
    """
    model = REQUESTS[action]
    given = {
        name: value
        for name, value in arguments.items()
        if value is not None and not (name == "reset_evidence" and value is False)
    }
    for name, most_bytes in (("evidence", MOST_EVIDENCE_BYTES), ("options", _MOST_OPTION_BYTES)):
        if name in given:
            _refuse_unfit(name, given[name], most_bytes)
    if any(isinstance(value, str) and unstorable(value) for value in given.values()):
        raise UsageError("a text among the parameters is no Unicode", cure="send it as UTF-8")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise UsageError(_said(action, error), cure=_takes(action)) from error


def _said(action: Action, error: ValidationError) -> str:
    wrong: dict[str, list[str]] = {"missing": [], "extra_forbidden": []}
    others: list[str] = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        name = printable(str(each["loc"][0]))[:60]
        if each["type"] in wrong:
            wrong[each["type"]].append(name)
        else:
            others.append(f"{name}: {each['msg'].lower()}")
    said = [f"{action} needs {' and '.join(wrong['missing'])}"] if wrong["missing"] else []
    if wrong["extra_forbidden"]:
        said.append(f"{action} does not take {' or '.join(wrong['extra_forbidden'][:5])}")
    return "; ".join([*said, *others])


def _takes(action: Action) -> str:
    fields = REQUESTS[action].model_fields
    needed = [name for name, field in fields.items() if field.is_required()]
    may = [name for name in fields if name not in needed]
    words = [f"{action} needs {', '.join(needed)}"] if needed else []
    if may:
        words.append(f"{'and' if needed else action} may take {', '.join(may)}")
    return " ".join(words)


def _refuse_unfit(name: str, value: object, most_bytes: int) -> None:
    """Raise UsageError for an object that is none, or that could not be kept."""
    if not isinstance(value, Mapping):
        raise UsageError(f"{name} is no object", cure=f"give {name} as an object: names and values")
    if why := unstorable(value):  # type: ignore[arg-type]  # any JSON; what is none is refused below
        raise UsageError(f"{name} is refused: {why}", cure=f"give {name} plain, flat JSON")
    try:
        size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} is no JSON", cure=f"give {name} as a JSON object") from error
    if size > most_bytes:
        raise UsageError(
            f"{name} is too large: {size} bytes, and {most_bytes} are the limit",
            cure=f"name files in {name} instead of sending what is in them",
        )


def path_in_project(target_file: str) -> str:
    """Return a path below the project in its plain form; raise UsageError for any other."""
    cure = "name a file or folder of the project, relative to it: src/module.py"
    if "\0" in target_file or not target_file.isprintable():
        raise UsageError("target_file holds characters that cannot be printed", cure=cure)
    if target_file.startswith(("/", "~", "\\")) or re.match(r"[A-Za-z]:[\\/]", target_file):
        raise UsageError("target_file is an absolute path", cure=cure)
    if ".." in re.split(r"[/\\]", target_file):
        raise UsageError(
            "target_file leaves the project: directory traversal is refused", cure=cure
        )
    if "\\" in target_file:
        raise UsageError("target_file holds a backslash", cure=cure)
    plain = "/".join(part for part in target_file.split("/") if part not in {"", "."})
    if not plain:
        raise UsageError("target_file is the project itself", cure=cure)
    return plain


def error_fields(error: UpgradeError) -> Fields:
    """Return what is told of an error: its first line, and a remedy."""
    kind = next((name for base, name in _KINDS if isinstance(error, base)), "RuntimeError")
    told: Fields = {
        "error": line(str(error)),
        "error_type": kind,
        "remediation": line(error.cure),
    }
    if isinstance(error, UnknownActionError):
        told["valid_actions"] = [*Action]
    return told


def pathless(value: Any, *, known: Folders) -> Any:  # noqa: ANN401  JSON
    """Return JSON without the absolute paths in its texts.

    Of one into a known folder the rest is left, behind the folder's name: that is the whole path,
    whatever its names look like. Of any other path, which a text does not say the end of, the last
    part of what looks like one.
    """
    if isinstance(value, str):
        return _without_paths(value, known)
    if isinstance(value, Mapping):
        return {name: pathless(each, known=known) for name, each in value.items()}
    return (
        [pathless(each, known=known) for each in value]
        if isinstance(value, list | tuple)
        else value
    )


def _without_paths(text: str, known: Folders) -> str:
    for folder in sorted(known, key=len, reverse=True):
        text = re.sub(rf"{re.escape(folder)}(?=$|[^\w.-])", lambda _: known[folder], text)  # noqa: B023
    return _ABSOLUTE.sub(lambda match: f"…/{match[1]}" if match[1] else "…/", text)
