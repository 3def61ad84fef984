"""Only ``effects/disk.py`` changes a file system, so that the fault tests see every change.

The finder reads names, not types: it resolves what was imported, and takes a method with the name
of one of pathlib's for that method. What writes is found where it is named, called or passed on.
A descriptor is free to be written to: it is a pipe's, or was opened with a flag that is found.
"""

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGE = "aos_upgrade_plugin"
ALLOWED = Path("effects/disk.py")
# The built-in checks are tests, with scratch folders of their own; the wheel carries them here.
CHECKS = Path("_bundled/checks")

_NAMES = {
    "os": "chflags chmod chown copy_file_range fchmod fchown fdatasync fsync ftruncate lchmod"
    " lchown link makedirs mkdir mkfifo mknod posix_fallocate pwrite pwritev remove removedirs"
    " removexattr rename renames replace rmdir sendfile setxattr symlink sync truncate unlink utime"
    " write writev O_APPEND O_CREAT O_RDWR O_TMPFILE O_TRUNC O_WRONLY",
    "shutil": "chown copy copy2 copyfile copyfileobj copymode copystat copytree make_archive move"
    " rmtree unpack_archive",
    "fcntl": "ioctl",
    "ctypes": "CDLL",
    "logging": "FileHandler",
    "zipfile": "ZipFile",
    "a path": "chmod hardlink_to lchmod mkdir rename rmdir symlink_to touch unlink write_bytes"
    " write_text",
}
MUTATING = {owner: frozenset(names.split()) for owner, names in _NAMES.items()}
OPENERS = {"open", "io.open", "codecs.open", "gzip.open", "bz2.open", "lzma.open"}


def mutations(code: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the words of everything in the code that can change a file system."""
    tree = ast.parse(code)
    imported = _imported(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute() | ast.Name():
                found = _names_mutation(_dotted(node, imported))
            case ast.Call():
                found = _opens(node, imported) or _mutates(node, imported)
            case _:
                continue
        if found:
            yield node.lineno, ast.unparse(node)


def violations(package: Path) -> list[str]:
    """Name every place outside ``effects/disk.py`` that can change a file system."""
    return [
        f"{PACKAGE}/{module.relative_to(package)}:{line}: {words}"
        for module in sorted(package.rglob("*.py"))
        if module.relative_to(package) != ALLOWED and package / CHECKS not in module.parents
        for line, words in mutations(module.read_text(encoding="utf-8"))
    ]


def _imported(tree: ast.Module) -> dict[str, str]:
    """Map each name that an import binds to the dotted name it stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _dotted(node: ast.expr, imported: dict[str, str]) -> str | None:
    """Return the dotted name of what was imported; nothing for anything else."""
    if isinstance(node, ast.Name):
        return imported.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value, imported)
        return owner and f"{owner}.{node.attr}"
    return None


def _names_mutation(dotted: str | None) -> bool:
    owner, _, name = (dotted or "").rpartition(".")
    if owner == "tempfile":
        return name != "gettempdir"
    return name in MUTATING.get(owner, ())


def _mutates(call: ast.Call, imported: dict[str, str]) -> bool:
    """Say whether a method of a path is called that changes something."""
    dotted = _dotted(call.func, imported)
    if not isinstance(call.func, ast.Attribute) or not (dotted or "pathlib.").startswith(
        "pathlib."
    ):
        return False
    if call.func.attr == "replace":  # a text's takes two arguments, a date's takes keywords
        return len(call.args) == 1 and not call.keywords
    return call.func.attr in MUTATING["a path"]


def _opens(call: ast.Call, imported: dict[str, str]) -> bool:
    """Say whether a file is opened for anything but reading, as far as the code tells."""
    dotted = _dotted(call.func, imported)
    if dotted is None and isinstance(call.func, ast.Attribute) and call.func.attr == "open":
        place = 0
    elif (dotted or ast.unparse(call.func)) in OPENERS:
        place = 1
    else:
        return False
    modes = [word.value for word in call.keywords if word.arg == "mode"]
    return any(_may_write(mode) for mode in [*modes, *call.args[place : place + 1]])


def _may_write(mode: ast.expr) -> bool:
    if isinstance(mode, ast.Constant):
        return re.fullmatch(r"[rbtU]*[wax+][wax+bt]*", str(mode.value)) is not None
    return True


def test_only_disk_changes_a_file_system() -> None:
    """A change that the fault tests cannot number cannot be proven safe, so there is none."""
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    assert (package / ALLOWED).is_file()
    assert violations(package) == []


def test_a_planted_change_is_named_with_its_place(tmp_path: Path) -> None:
    """The test above can fail, and says where; what disk itself does is no violation."""
    for module in ("effects/disk.py", "decide/planted.py"):
        (tmp_path / module).parent.mkdir()
        (tmp_path / module).write_text("import os\n\nos.rename('a', 'b')\n")
    assert violations(tmp_path) == [f"{PACKAGE}/decide/planted.py:3: os.rename"]


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.rename(a, b)",
        "import os as system; system.unlink(a)",
        "from os import replace as put; put(a, b)",
        "import os; retry(os.makedirs, a)",
        "import os; os.open(a, os.O_RDONLY | os.O_CREAT)",
        "import os; FLAGS = os.O_WRONLY",
        "import shutil; shutil.rmtree(a)",
        "from shutil import copy2; retry(copy2, a)",
        "import tempfile; tempfile.mkdtemp()",
        "from tempfile import TemporaryDirectory as Folder; Folder()",
        "import ctypes; ctypes.CDLL(None)",
        "open(a, 'w')",
        "open(a, mode='ab')",
        "open(a, 'r+')",
        "open(a, mode)",
        "import io; io.open(a, 'x')",
        "import os; os.fdopen(os.open(a, os.O_WRONLY), 'wb')",
        "a.open('w')",
        "Path(a).open(mode='x', encoding='utf-8')",
        "from pathlib import Path; Path(a).write_text(b)",
        "from pathlib import Path; Path.write_bytes(a, b)",
        "(a / b).mkdir(parents=True)",
        "a.replace(b)",
        "a.parent.rename(b)",
        "a.unlink(missing_ok=True)",
        "a.touch()",
        "a.symlink_to(b)",
        "a.hardlink_to(b)",
        "a.chmod(0o600)",
        "a.rmdir()",
    ],
)
def test_what_changes_a_file_system_is_found(code: str) -> None:
    """Whatever way it is written, a change is seen."""
    assert list(mutations(code))


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.stat(a); os.read(a, 1); os.open(a, os.O_RDONLY | os.O_DIRECTORY)",
        "import os; receiving, sending = os.pipe(); os.fdopen(sending, 'wb')",
        "import tempfile; tempfile.gettempdir()",
        "import shutil; shutil.which('git'); shutil.disk_usage(a)",
        "from aos_upgrade_plugin.effects import disk; disk.unlink(a); disk.replace(a)",
        "open(a); open(a, 'rb'); open(a, mode='r', encoding='utf-8')",
        "a.open(); a.open('rb'); a.read_text(); a.exists()",
        "text.replace('a', 'b'); moment.replace(tzinfo=UTC)",
        "import dataclasses; dataclasses.replace(a)",
        "stream.write(text)",
    ],
)
def test_what_only_reads_is_not_found(code: str) -> None:
    """Reading is free, and a text's ``replace`` is not a path's."""
    assert list(mutations(code)) == []
