"""What a task's text says, taken apart: title, steps, commands, what it produces."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from aos_upgrade_plugin.models.task_text import Step, TaskText

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r"^\s{0,3}(```+|~~~+)\s*(\S*)")
_STEP = re.compile(r"^step\s+(\d+)\s*[:.)-]?\s*(.*)$", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d+)[.)]\s+(.*)$")
_BULLET = re.compile(r"^[-*]\s+(?:\[[ xX]?\]\s*)?(.*)$")
_TIME = re.compile(r"^\W*estimated (?:time|duration|effort)\W*:?\W*(.+?)\W*$", re.IGNORECASE)
_LONGEST = 500
"""What is looked at of a line: a longer one is no heading."""
_PRODUCES = ("artifacts", "artifacts to produce", "deliverables", "outputs", "expected output")
_EXPECTED = re.compile(
    r"^\W*(?:expected(?: output| result)?|you see)\b\W*:?\s*(.*)$", re.IGNORECASE
)


class _Line(NamedTuple):
    text: str
    heading: str
    """Empty for every other line."""
    level: int
    code: bool


def task_text(text: str, *, name: str) -> TaskText:
    """Take a task's text apart. Whatever it looks like, there is at least one step."""
    lines = tuple(_lines(text))
    title = next((line.heading for line in lines if line.heading), name)
    return TaskText(
        title=title,
        description=_description(lines, title),
        steps=_steps(lines) or (_only_step(lines, text),),
        artifacts=tuple(_artifacts(lines)),
        estimated_duration=next(
            (
                found[1]
                for line in lines
                if not line.code and (found := _TIME.match(line.text[:_LONGEST]))
            ),
            "",
        ),
    )


def section_of(text: str, *, number: int) -> str:
    """Return the section of a phase's text that is about one task; all of it where none is."""
    lines = list(_lines(text))
    title = re.compile(rf"task\s+(?:\d+\.)?{number}\b", re.IGNORECASE)
    begin = next((at for at, line in enumerate(lines) if title.match(line.heading)), None)
    if begin is None:
        return text
    level = lines[begin].level
    ends = (at for at, line in enumerate(lines) if at > begin and 0 < line.level <= level)
    return "\n".join(line.text for line in lines[begin : next(ends, len(lines))]).strip() + "\n"


def _lines(text: str) -> Iterator[_Line]:
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line[:_LONGEST])
        if fence:
            yield _Line(line, "", 0, code=True)
            if mark and mark[1].startswith(fence) and not mark[2]:
                fence = ""
        elif mark:
            fence = mark[1]
            yield _Line(line, "", 0, code=True)
        else:
            heading = _HEADING.match(line[:_LONGEST])
            level = len(heading[1]) if heading else 0
            yield _Line(line, heading[2] if heading else "", level, code=False)


def _description(lines: tuple[_Line, ...], title: str) -> str:
    """Return the section that says what it is for, else the first paragraph."""
    for words in ("objective", "purpose", ""):
        for heading, body in _sections(lines):
            if words in heading.lower() and (words or heading == title):
                paragraph = _paragraph(body)
                if paragraph:
                    return paragraph
    return ""


def _paragraph(body: tuple[_Line, ...]) -> str:
    said: list[str] = []
    for line in body:
        if line.code or line.text.startswith("---"):
            break
        if not line.text.strip():
            if said:
                break
            continue
        said.append(line.text.strip())
    return " ".join(said)


def _sections(lines: tuple[_Line, ...]) -> Iterator[tuple[str, tuple[_Line, ...]]]:
    """Yield each heading with the lines below it, up to the next heading of any level."""
    heading, body = "", list[_Line]()
    for line in lines:
        if line.heading:
            yield heading, tuple(body)
            heading, body = line.heading, []
        else:
            body.append(line)
    yield heading, tuple(body)


def _steps(lines: tuple[_Line, ...]) -> tuple[Step, ...]:
    headed = [
        (found[2], body) for heading, body in _sections(lines) if (found := _STEP.match(heading))
    ]
    if headed:
        return tuple(_step(number, *each) for number, each in enumerate(headed, start=1))
    return tuple(
        Step(number, "", words, "") for number, words in enumerate(_numbered(lines), start=1)
    )


def _only_step(lines: tuple[_Line, ...], text: str) -> Step:
    """Take the whole text for one step."""
    first = next((at for at, line in enumerate(lines) if line.heading), -1)
    step = _step(1, "", lines[first + 1 :])
    return step if step.description or step.command else step._replace(description=text.strip())


def _numbered(lines: tuple[_Line, ...]) -> Iterator[str]:
    for line in lines:
        if not line.code and (found := _NUMBERED.match(line.text)):
            yield found[2]


def _step(number: int, title: str, body: tuple[_Line, ...]) -> Step:
    commands: list[str] = []
    expected: list[str] = []
    words, awaited = [title], False
    for block, code in _blocks(body):
        if code:
            (expected if awaited else commands).append(block)
            awaited = False
            continue
        for line in block.splitlines():
            found = _EXPECTED.match(line)
            awaited = awaited or found is not None
            if found and found[1].strip():
                expected.append(found[1].strip())
                awaited = False
            elif not found:
                words.append(line)
    description = "\n".join(words).strip().removesuffix("---").strip()
    return Step(number, "\n".join(commands), description, "\n".join(expected))


def _blocks(body: tuple[_Line, ...]) -> Iterator[tuple[str, bool]]:
    """Yield runs of prose, and the content of each fenced block, in order."""
    prose: list[str] = []
    code: list[str] | None = None
    for line in body:
        if not line.code:
            prose.append(line.text)
            continue
        if code is None:
            yield "\n".join(prose), False
            prose, code = [], []
        elif _FENCE.match(line.text):
            yield "\n".join(code), True
            code = None
        else:
            code.append(line.text)
    yield "\n".join(prose), False
    if code:  # the fence was never closed
        yield "\n".join(code), True


def _artifacts(lines: tuple[_Line, ...]) -> Iterator[str]:
    for heading, body in _sections(lines):
        if heading.strip().lower() in _PRODUCES:
            for line in body:
                if not line.code and (found := _BULLET.match(line.text)):
                    yield found[1]
