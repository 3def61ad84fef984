"""The log of a process: limited in size, without passwords, its last words at hand."""

import os
import re
from collections import deque
from pathlib import Path
from typing import Self

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.models.tree import escape

_LOG_BYTES = 1 << 20
_LONGEST_LINE_BYTES = 1 << 16
_TAIL_LINES = 12
_SHOWN_CHARACTERS = 500
_SECRET = re.compile(r"://[^/@\s]+@")
_ERROR = re.compile(r"^\W*(error|fatal)|^\s*×", re.IGNORECASE)  # noqa: RUF001 - uv's own sign


class ProcessLog:
    """What one process says, added to a file; what is too much is left out, but never its end."""

    def __init__(self, path: Path) -> None:
        """Open the file, which may hold what others said."""
        self._descriptor = disk.open_append(os.fsencode(path))
        self._left_bytes = _LOG_BYTES - os.fstat(self._descriptor).st_size
        self._left_out = 0
        self._unfinished = b""
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)

    def __enter__(self) -> Self:
        """Return the log."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write down what is still open, and close the file."""
        try:
            self._finish_line()
            if self._left_out:
                end = "\n".join((f"[{self._left_out} lines left out, the last are:]", *self._tail))
                durable.write_all(self._descriptor, f"{end}\n".encode())
        finally:
            os.close(self._descriptor)

    def begin(self, command: str) -> None:
        """Say what is run from here on."""
        durable.write_all(self._descriptor, f"$ {_SECRET.sub('://***@', command)}\n".encode())

    def take(self, chunk: bytes) -> None:
        """Write down what is complete."""
        *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
        for line in lines:
            self._write(line)
        if len(self._unfinished) > _LONGEST_LINE_BYTES:
            self._finish_line()

    def last_words(self) -> str:
        """Return the end of what was said in one line: from its errors on, where it has any."""
        self._finish_line()
        tail = [line for line in self._tail if line.strip()]
        errors = [number for number, line in enumerate(tail) if _ERROR.match(line)]
        words = " ".join(" ".join(tail[errors[0] if errors else -2 :]).split())
        return escape(words[-_SHOWN_CHARACTERS:].encode())

    def _finish_line(self) -> None:
        line, self._unfinished = self._unfinished, b""
        if line:
            self._write(line)

    def _write(self, raw: bytes) -> None:
        line = _SECRET.sub("://***@", raw.decode("utf-8", "replace"))
        self._tail.append(line)
        data = f"{line}\n".encode()
        if self._left_bytes < len(data):
            self._left_out += 1
            return
        self._left_bytes -= len(data)
        durable.write_all(self._descriptor, data)
