"""The texts of a project: what people and agents read and write, not what tools made."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.tree import Kind, TreePath

MOST_FILES, MOST_BYTES = 50_000, 2 << 20
_MADE_BY_TOOLS = frozenset(
    {
        ".cache",
        ".git",
        ".hg",
        ".hypothesis",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
        "site-packages",
        "venv",
    }
)
_TEXTS = (".md", ".mdc", ".markdown", ".rst", ".txt", ".adoc")
_NAMED = (".clinerules", ".cursorrules", ".roorules", ".windsurfrules")
_CODE = (
    *(".py", ".js", ".mjs", ".ts", ".tsx", ".sh", ".json", ".jsonc", ".toml", ".yaml", ".yml"),
)


class Text(NamedTuple):
    """A text that was read, or why it was not."""

    path: TreePath
    content: str = ""
    is_code: bool = False
    problem: str | None = None


def project_texts(project: Path, *, enter: Callable[[TreePath], bool]) -> Iterator[Text]:
    """Yield every text of a project by path; links are not followed.

    What tools make is left out, and whatever ``enter`` refuses. A file that is too large or no
    text, a folder that cannot be read, and what is beyond the limit of files is told with why.
    """
    unread: list[Text] = []

    def told(path: TreePath, error: OSError) -> None:
        unread.append(Text(path, problem=error.strerror or "it cannot be read"))

    def enters(path: TreePath) -> bool:
        return path.rpartition("/")[2] not in _MADE_BY_TOOLS and enter(path)

    found = (
        each
        for each in files.scan(project, enter=enters, unreadable=told)
        if each.kind is Kind.FILE and _is_text(each.path)
    )
    for number, each in enumerate(found):
        if number == MOST_FILES:
            yield Text(each.path, problem=f"{MOST_FILES} files were read before it: no more are")
            break
        yield _read(each)
    yield from unread


def _is_text(path: TreePath) -> bool:
    name = path.rpartition("/")[2].lower()
    return name.endswith((*_TEXTS, *_CODE)) or name in _NAMED


def _read(found: files.Found) -> Text:
    if found.status.st_size > MOST_BYTES:
        return Text(found.path, problem=f"it is larger than {MOST_BYTES >> 20} MiB")
    try:
        raw = files.read_bytes(Path(os.fsdecode(found.location)), most_bytes=MOST_BYTES)
    except OSError as error:
        return Text(found.path, problem=error.strerror or "it cannot be read")
    is_code = found.path.lower().endswith(_CODE)
    return Text(found.path, raw.decode("utf-8", "replace"), is_code)
