"""Reads a requirements file as pip does. Source: pip's "Requirements File Format"."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.packages import Requirements

_COMMENT = re.compile(r"(^|\s)#.*$")
_OPTIONS_OF_ONE = re.compile(r"\s--[a-z].*$")
_CONTINUED = re.compile(r"\\\r?\n")
_NAMED_FILE = re.compile(r"^(-r|--requirement|-c|--constraint)(?:\s*=\s*|\s*)(\S.*)$")
_EDITABLE = re.compile(r"^(-e|--editable)(?:\s*=\s*|\s+)(?P<what>\S.*)$")
_DEEPEST = 10


class _Line(NamedTuple):
    text: str
    constrains: bool


def read_requirements(path: Path) -> Requirements:
    """Return what a requirements file asks for; nothing where there is no file.

    Raises RefusedError for files that name one another, DiskError.
    """
    if not path.exists():
        return Requirements()
    with as_disk_error("reading the requirements"):
        lines = list(_lines(path, constrains=False, depth=0))
    return Requirements(
        lines=tuple(line.text for line in lines if not line.constrains),
        constraints=tuple(line.text for line in lines if line.constrains),
    )


def _lines(path: Path, *, constrains: bool, depth: int) -> Iterator[_Line]:
    if depth > _DEEPEST:
        raise RefusedError(
            f"the requirements file {path} names itself, through others",
            cure="repair it in the source, then make a new plan",
        )
    text = _CONTINUED.sub(" ", path.read_text("utf-8-sig", "replace"))
    for raw in text.splitlines():
        line = _COMMENT.sub("", raw).strip()
        if named := _NAMED_FILE.match(line):
            limits = constrains or named[1] in {"-c", "--constraint"}
            yield from _lines(path.parent / named[2].strip(), constrains=limits, depth=depth + 1)
        elif editable := _EDITABLE.match(line):
            yield _Line(f"-e {editable['what']}", constrains)
        elif line and not line.startswith("-"):
            yield _Line(_OPTIONS_OF_ONE.sub("", line).strip(), constrains)
