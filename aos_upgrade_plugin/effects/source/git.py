"""How git is run: only asked, so that nothing in a repository is changed, run or fetched.

A user's configuration stays in force for two things that only it can know: whom to trust
(``safe.directory``) and what counts as clean (``core.autocrlf``, ``core.excludesFile``). What
it could make git run or write is switched off.
"""

import os
import subprocess
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from aos_upgrade_plugin.errors import DamagedError, NotFoundError, RefusedError
from aos_upgrade_plugin.models.source import ObjectId
from aos_upgrade_plugin.models.tree import shown

# A hook that runs us may have set any of git's variables; only these say what the user wants.
_KEPT = {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"}
_SET = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_OPTIONS = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "protocol.allow=never"),  # a partial clone must not fetch what it lacks
)
_OBJECT_HEADER_WORDS = 3


class Git:
    """Git, asked about one folder."""

    def __init__(self, path: Path) -> None:
        """Name the folder; nothing is asked yet."""
        self.path = path

    def ask(self, *arguments: str | bytes, told: bytes = b"") -> bytes:
        """Return git's answer; raise NotFoundError or RefusedError where it has none."""
        run = self.run(*arguments, told=told)
        if run.returncode:
            raise self._refusal(run.stderr.decode("utf-8", "replace"))
        return run.stdout

    def run(
        self, *arguments: str | bytes, told: bytes = b""
    ) -> "subprocess.CompletedProcess[bytes]":
        """Return git's answer, whatever it is."""
        try:
            return subprocess.run(
                self._command(*arguments),
                env=_environment(),
                input=told,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise RefusedError("git is not installed", cure="install git, 2.25 or newer") from error

    @contextmanager
    def contents(self) -> Generator[Callable[[ObjectId], bytes]]:
        """Offer a function that reads objects, from one process for all of them."""
        with subprocess.Popen(
            self._command("cat-file", "--batch"),
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        ) as git:
            if git.stdin is None or git.stdout is None:
                raise AssertionError("both were asked to be pipes")
            to_git, from_git = git.stdin, git.stdout
            with open(from_git.fileno(), "rb", closefd=False) as buffered:
                yield lambda oid: self._read(oid, to_git, buffered)

    def _read(self, oid: ObjectId, to_git: IO[bytes], from_git: IO[bytes]) -> bytes:
        with suppress(BrokenPipeError):  # git ended at an object that it lacks
            to_git.write(oid.encode("ascii") + b"\n")
        header = from_git.readline().split()
        if len(header) != _OBJECT_HEADER_WORDS:
            raise DamagedError(
                f"{self.path} lacks the content {oid}: it is a partial clone, or damaged",
                cure=f"clone it anew without --filter, or look at it: git -C {self.path} fsck",
            )
        content = from_git.read(int(header[2]))
        from_git.read(len(b"\n"))
        return content

    def _command(self, *arguments: str | bytes) -> list[str | bytes]:
        return ["git", *_OPTIONS, "-C", os.fsencode(self.path), *arguments]

    def _refusal(self, said: str) -> RefusedError | NotFoundError:
        if "dubious ownership" in said or "unsafe repository" in said:
            return RefusedError(
                f"git does not trust {self.path}: it belongs to another user",
                cure=f"if you do: git config --global --add safe.directory {self.path}",
            )
        if "not a git repository" in said:
            return NotFoundError(
                f"{self.path} is no git repository", cure="name a git checkout: --source DIR"
            )
        reason = shown(said.strip().rpartition("\n")[2])
        return RefusedError(
            f"git cannot read {self.path}: {reason}",
            cure=f"look at it with: git -C {self.path} fsck",
        )


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or not name.startswith("GIT_")
    }
    return {**kept, **_SET}
