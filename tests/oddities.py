"""One of every kind of file that a user can have, and what a tree is, told without our own code."""

import ctypes
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_CAPABILITY_VERSION_3 = 0x20080522
_MODES_DO_NOT_BIND_ROOT = 0b1110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER

Snapshot = dict[bytes, tuple[object, ...]]


def add_oddities(folder: Path) -> None:
    """Put one of every kind into a folder: names, modes, links, pipes, sparse and empty files."""
    root = os.fsencode(folder)
    for name in (
        b"a name with spaces.md",
        b"-rf",
        b"new\nline",
        b"back\\slash",
        b"\\x41",
        b"*?[glob]",
        b"\x1b[31mred",
        "zu\u0308rich-z\u00fcrich.md".encode(),
        b"l" * 250,
        b".hidden",
        b"MANIFEST.json",
        b"MANIFEST.json.yours",
        b"requirements-snapshot.txt",
        b"empty",
    ):
        _write(os.path.join(root, name), b"" if name == b"empty" else name)
    with suppress(OSError):  # not every file system takes names that are not UTF-8
        _write(os.path.join(root, b"latin-\xe9.md"), b"latin")
    _modes(folder)
    _links(folder)
    deep = folder.joinpath(*("d" * 40 for _ in range(10)))
    deep.mkdir(parents=True)
    (deep / "deep.md").write_text("deep")
    os.mkfifo(folder / "pipe", 0o640)
    with (folder / "sparse").open("wb") as sparse:
        sparse.seek(3_000_000)
        sparse.write(b"end")


def _modes(folder: Path) -> None:
    for mode in (0o400, 0o444, 0o600, 0o640, 0o755, 0o777, 0o4755, 0o2755):
        _write(os.fsencode(folder / f"mode-{mode:o}"), b"mode")
        (folder / f"mode-{mode:o}").chmod(mode)
    (folder / "closed").mkdir()
    (folder / "closed" / "inside.md").write_text("inside")
    (folder / "closed").chmod(0o555)
    (folder / "empty folder").mkdir(mode=0o700)
    (folder / "sticky").mkdir()
    (folder / "sticky").chmod(0o1777)


def _links(folder: Path) -> None:
    (folder / "dangling").symlink_to("nowhere/at all")
    (folder / "absolute").symlink_to("/etc/hostname")
    (folder / "loop").symlink_to("loop")
    (folder / "to a folder").symlink_to("empty folder")
    (folder / "to a file").symlink_to(".hidden")
    os.symlink(b"new\nline", os.fsencode(folder / "to a newline"))
    os.link(folder / ".hidden", folder / "hard link")
    os.utime(folder / "hard link", ns=(5, 5_000_000_007))


def _write(location: bytes, content: bytes) -> None:
    descriptor = os.open(location, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(descriptor, content)
    os.close(descriptor)


def add_socket(path: Path) -> None:
    """Leave a socket at a path, which may be longer than the name of a socket."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def snapshot(root: Path, *, leave_out: Callable[[bytes], bool] = lambda _: False) -> Snapshot:
    """Tell everything about a tree: kind, mode, content or target, and the time of files.

    A path that ``leave_out`` accepts is left out with all that is below it.
    """
    found: Snapshot = {}
    top = os.fsencode(root)
    for folder, folders, names in os.walk(top):
        prefix = os.path.relpath(folder, top)
        for name in [*folders, *names]:
            path = os.path.normpath(os.path.join(prefix, name))
            if leave_out(path):
                if name in folders:
                    folders.remove(name)
                continue
            found[path] = _told(os.path.join(folder, name))
    return found


def _told(location: bytes) -> tuple[object, ...]:
    status = os.lstat(location)
    kind, mode = stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(kind):
        return kind, os.readlink(location)
    if stat.S_ISREG(kind):
        with open(location, "rb") as opened:
            return kind, mode, status.st_mtime_ns, opened.read()
    return kind, mode


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Let modes bind us, also when the tests are run by root."""
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("run by root, whom no mode binds here")
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    before = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, before) == 0
    # Only the effective ones go, so that they can come back.
    reduced = (ctypes.c_uint32 * 6)(before[0] & ~_MODES_DO_NOT_BIND_ROOT, *before[1:])
    assert libc.capset(header, reduced) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0
