"""Somebody else at work in the project while we are: a person, an editor, an agent, git.

Just before one of our calls a deed is done to the very path that the call is about, wherever
others may be at work: anywhere but in our own folders, and in those that are exchanged as a whole.
Calls are all our changes, and our looks that are functions of ``os``, and what was listed before
it is looked at: between a look and what follows from it others are overlooked.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self

from tests.faults.deeds import DEEDS, Deed, do
from tests.faults.places import CONTROL, INSTALLS, WHOLE

_NOT_THEIRS = CONTROL | WHOLE
_LOOKS = ("lstat", "stat", "listdir", "scandir", "readlink", "open")


NO_DEED = 0
"""The number of a round in which calls are only counted."""


def number_of(call: int, deed: Deed) -> int:
    """Number a deed before a call, the first of which is 0: each has one for each deed."""
    return call * len(DEEDS) + DEEDS.index(deed) + 1


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
        """Take the number of call and deed, as :func:`number_of` gives it, or NO_DEED."""
        self.calls: list[str] = []
        """What we called that is about a place where others may be at work."""
        self._project = root / "project"
        self._below = os.fsencode(self._project) + b"/"
        self._call, deed = divmod(number - 1, len(DEEDS))
        self._deed = DEEDS[deed]
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
        try:
            for path in filter(None, map(self._place_of, arguments)):
                if len(self.calls) == self._call:
                    do(self._deed, self._project, path)
                self.calls.append(f"{name} {path!r}")
        except OSError as error:  # as the product must not take it for its own
            raise AssertionError(f"{self._deed} could not be done") from error
        finally:
            self._is_at_work = False

    def _place_of(self, argument: object) -> bytes:
        """Return a path below the project, if others may be at work there."""
        if not isinstance(argument, str | bytes | os.PathLike):
            return b""
        path = os.fsencode(argument)
        if not path.startswith(self._below):
            return b""
        path = path.removeprefix(self._below)
        is_theirs = os.fsdecode(path) not in INSTALLS and _NOT_THEIRS.isdisjoint(path.split(b"/"))
        return path if is_theirs else b""
