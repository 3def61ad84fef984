"""What people and programs get to see: answers on standard output, the rest on standard error."""

import io
import json
import os
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal, TextIO

from aos_upgrade_plugin.errors import DiskError, UpgradeError

SCHEMA_VERSION = 1

_COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


class OutputError(DiskError):
    """An answer was lost because it could not be written."""


def prepare() -> None:
    """Let no character fail that the terminal's encoding does not have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def printable(text: str) -> str:
    r"""Return text that cannot move a cursor or colour a terminal: ``\x1b`` for an escape."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


def answer(fields: Mapping[str, Any]) -> None:
    """Print the one JSON object that a command answers with ``--json``."""
    _write("stdout", json.dumps({"schema_version": SCHEMA_VERSION, **fields}, indent=2))


def say(line: str = "") -> None:
    """Print one line of an answer for people."""
    _write("stdout", printable(line))


def say_diff(lines: Sequence[str]) -> None:
    """Print a diff, coloured where a terminal shows it: what goes red, what comes green."""
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    plain = not on_terminal or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    for line in lines:
        colour = "" if plain else _COLOURS.get(line[:1], _BOLD if line.startswith("diff ") else "")
        _write("stdout", f"{colour}{printable(line)}{_PLAIN}" if colour else printable(line))


def note(line: str) -> None:
    """Tell people something beside the answer."""
    _write("stderr", printable(line))


def draw(text: str) -> None:
    """Print something of our own making beside the answer, without an end of line."""
    _write("stderr", text, end="")


def error_fields(error: UpgradeError) -> dict[str, Any]:
    """Return an error as programs get it."""
    return {
        "error": {
            "code": error.code,
            "message": printable(str(error)),
            "cure": printable(error.cure),
            "exit_code": int(error.exit_code),
        }
    }


def show_error(error: UpgradeError, *, as_json: bool) -> int:
    """Tell what is wrong and what to do about it; return the exit status for it."""
    if as_json and not isinstance(error, OutputError):
        with suppress(OutputError):
            answer(error_fields(error))
            return error.exit_code
    with suppress(OutputError):
        note(f"error: {error}")
        note(f"fix: {error.cure}")
    return error.exit_code


@contextmanager
def working(what: str) -> Generator[None]:
    """Show on a terminal that something takes its time; nothing of it stays."""
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


_WIDTH = 80
"""Of what is not written to a terminal."""
_GAP = 3
_LEAST_OF_THE_LAST = 30


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below each other. Only the last column is folded: a name is to be copied whole."""
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    cells = [[printable(cell) for cell in row] for row in rows]
    for number, column in enumerate(columns, start=1):
        grid.add_column(column, overflow="fold", no_wrap=number < len(columns))
    for row in cells:
        grid.add_row(*map(Text, row))
    *whole, last = (max(map(cell_len, each)) for each in zip(columns, *cells, strict=True))
    needed = sum(whole) + _GAP * len(whole) + min(last, _LEAST_OF_THE_LAST)
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    plain = not on_terminal or bool(os.environ.get("NO_COLOR"))
    width = shutil.get_terminal_size().columns if on_terminal else _WIDTH
    console = Console(force_terminal=not plain, width=max(width, needed))
    with console.capture() as capture:
        console.print(grid)
    lines = capture.get().splitlines()
    _write("stdout", "\n".join(line.rstrip() for line in lines))


def hang_up(name: Literal["stdout", "stderr"] = "stdout") -> None:
    """Stop talking: nobody shall try again, the interpreter at its end neither."""
    setattr(sys, name, io.StringIO())


def _write(name: Literal["stdout", "stderr"], text: str, *, end: str = "\n") -> None:
    stream: TextIO | None = getattr(sys, name)
    if stream is None:  # it was closed before we began
        return
    try:
        stream.write(text + end)
        stream.flush()
    except OSError as error:
        hang_up(name)
        if isinstance(error, BrokenPipeError):  # whoever read it has seen enough
            return
        raise OutputError(
            f"the answer could not be written: {error.strerror}",
            cure="what was asked for is done; look at where the output goes",
        ) from error
