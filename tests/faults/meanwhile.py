"""Somebody else at work in the project while we are: a person, an editor, an agent, git.

Just before one of our calls a deed is done to the very path that the call is about, wherever
others may be at work: anywhere but in our own folders. Calls are all our changes, and all our
looks that go through ``os``: between a look and what follows from it others are overlooked.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

from tests.faults.deeds import DEEDS, Deed, do

_INSTALLS = frozenset({b".agent-os", b".praxis-os"})
# Ours; and folders that are exchanged as a whole, whatever is in them.
_OURS = frozenset({b".upgrades", b".upgrade-lock", b".backups", b"state"})
_WHOLE = frozenset({b"venv", b".venv-stage", b".cache"})
_LOOKS = ("lstat", "stat", "listdir", "scandir", "readlink", "open")


def deed_at(number: int) -> tuple[int, Deed]:
    """Return call, from 0 on, and deed: each call has one number for each deed, from 1 on."""
    call, deed = divmod(number - 1, len(DEEDS))
    return call, DEEDS[deed]


class _Listing:
    """A folder that was listed: what it lists may be another thing before anybody looks at it."""

    def __init__(self, found: "Sequence[os.DirEntry[Any]]", somebody: "Somebody") -> None:
        self._found, self._somebody = found, somebody

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> "Iterator[os.DirEntry[Any]]":
        for entry in self._found:
            self._somebody.about_to("listed", (entry.path,))
        return iter(self._found)


class Somebody:
    """Looks over our shoulder, and does one deed just before one call."""

    def __init__(self, root: Path, number: int) -> None:
        """Take the number of call and deed; with 0 nothing is done, and calls are counted."""
        self.calls: list[str] = []
        """What we called that is about a place where others may be at work."""
        self._project = root / "project"
        self._below = os.fsencode(self._project) + b"/"
        self._call, self._deed = deed_at(number)
        self._is_at_work = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Notice every look of this process."""
        real: Mapping[str, Callable[..., Any]] = {name: getattr(os, name) for name in _LOOKS}
        for name, look in real.items():
            setattr(os, name, partial(self._look, name, look))
        try:
            yield
        finally:
            for name, look in real.items():
                setattr(os, name, look)

    def _look(self, name: str, look: Callable[..., Any], *words: Any, **named: Any) -> Any:  # noqa: ANN401 - stands in for any look
        self.about_to(name, words[:1])
        answer = look(*words, **named)
        if name != "scandir":
            return answer
        with answer:
            return _Listing([*answer], self)

    def about_to(self, name: str, arguments: Sequence[object]) -> None:
        """Notice a call, and do the deed where it is its turn."""
        if self._is_at_work:
            return
        self._is_at_work = True
        for path in filter(None, map(self._place_of, arguments)):
            if len(self.calls) == self._call:
                do(self._deed, self._project, path, _INSTALLS)
            self.calls.append(f"{name} {path!r}")
        self._is_at_work = False

    def _place_of(self, argument: object) -> bytes:
        """Return a path below the project, if others may be at work there."""
        if not isinstance(argument, str | bytes | os.PathLike):
            return b""
        path = os.fsencode(argument)
        if not path.startswith(self._below):
            return b""
        path = path.removeprefix(self._below)
        is_free = path not in _INSTALLS and (_OURS | _WHOLE).isdisjoint(path.split(b"/"))
        return path if is_free else b""
