"""Lets an environment that was built in one place be at home in another.

An environment knows its own place in ``pyvenv.cfg`` and in the scripts of ``bin``, and its list
of files knows the hashes of those scripts. Bytecode names the source files it was made from. All
of it is brought in line, so that afterwards nothing tells where the environment was built.
"""

import hashlib
import os
import re
import stat
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.environment.distributions import package_folders
from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error

# One script in a list of files. Source: "Recording installed projects", and what pip and uv write.
_RECORDED = re.compile(rb"^(\.\./\.\./\.\./bin/[^,\"\r\n]+),sha256=[^,\r\n]*,\d*", re.MULTILINE)
_COMPILED_WITH_ERRORS = 1


def relocate(built: Path, *, home: Path) -> None:
    """Rewrite what names the place where it was built; both are in the same folder.

    The last two names of the path are looked for: what is before them may be quoted.
    """
    old, new = (os.fsencode(f"/{each.parent.name}/{each.name}") for each in (built, home))
    with as_disk_error("rewriting the scripts of the new environment"):
        _rewrite_all(built, old, new, _replace)


def rehome(environment: Path, *, formerly: Path) -> None:
    """Rewrite what names the folder of an installation that has another name now.

    ``formerly`` is that folder under the name that it had. May be killed anywhere and repeated.
    """
    old = os.fsencode(f"/{formerly.name}/{environment.name}")
    new = os.fsencode(f"/{environment.parent.name}/{environment.name}")
    _rewrite_all(environment, old, new, _replace_in_use)


def compile_bytecode(built: Path, *, home: Path, bench: Workbench) -> None:
    """Compile everything, as if it were at home already.

    What cannot be compiled, such as a template for another Python, is left to those who need it.
    """
    for folder in package_folders(built):
        quietly = ("-q", "-f", "-j", "0")
        places = ("-s", built, "-p", home)
        bench.run(
            (built / "bin/python", "-I", "-m", "compileall", *quietly, *places, folder),
            doing="compiling the new environment",
            accepted=(0, _COMPILED_WITH_ERRORS),
        )


def _rewrite_all(environment: Path, old: bytes, new: bytes, put: "_Put") -> None:
    rewritten = dict(_rewrite(environment, old, new, put))
    for folder in package_folders(environment):
        for record in sorted(folder.glob("*.dist-info/RECORD")):
            _record(record, rewritten, put)


def _rewrite(built: Path, old: bytes, new: bytes, put: "_Put") -> Iterator[tuple[bytes, bytes]]:
    """Rewrite each file that names the old place; yield its name in ``bin`` and its content."""
    for path in (built / "pyvenv.cfg", *sorted((built / "bin").iterdir())):
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            continue
        content = path.read_bytes()
        if old not in content or b"\0" in content:
            continue
        content = content.replace(old, new)
        put(path, content, stat.S_IMODE(status.st_mode))
        yield os.fsencode(path.name), content


def _record(record: Path, rewritten: Mapping[bytes, bytes], put: "_Put") -> None:
    def line(match: re.Match[bytes]) -> bytes:
        content = rewritten.get(match[1].rpartition(b"/")[2])
        return match[0] if content is None else b"%s,%s" % (match[1], _hash_and_size(content))

    before = record.read_bytes()
    after = _RECORDED.sub(line, before)
    if after != before:
        put(record, after, stat.S_IMODE(record.lstat().st_mode))


def _hash_and_size(content: bytes) -> bytes:
    digest = urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return b"sha256=%s,%d" % (digest, len(content))


_Put = Callable[[Path, bytes, int], None]


def _replace_in_use(path: Path, content: bytes, mode: int) -> None:
    """Give a name new content, with the old one there until the new one is."""
    durable.write_durably(path, content, mode=mode)


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Give a name new content. An installer's cache may hold the old file, so it is left alone."""
    disk.remove(os.fsencode(path))
    durable.write_new(os.fsencode(path), content, mode=mode)
