"""A commit of what an upgrade changed, in the user's own repository, when it was asked for."""

import os
import signal
import subprocess
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from aos_upgrade_plugin.errors import RefusedError

_LIMIT_S = 120.0
_END_WITHIN_S = 5.0
_SHOWN = 300


def commit_paths(project: Path, paths: Iterable[bytes], message: str) -> str | None:
    """Commit exactly these paths and return the commit; nothing where none of them differs.

    What else the user has staged stays staged and is not committed; what is ignored stays out.
    The repository's own hooks run. Raises RefusedError with what git said; then nothing is staged
    that was not staged before.
    """
    paths = [*paths]
    tracked, strange = _listed(project, paths, "--cached"), _listed(project, paths, "--others")
    ours = sorted({*tracked, *strange})
    if not ours or not _git(project, "status", "--porcelain", "-z", "--", *ours):
        return None
    with _known(project, strange):
        _git(project, "commit", "--quiet", "--only", "-m", message, told=ours)
    return head_of(project)


def head_of(project: Path) -> str:
    """Return the commit that a repository is at."""
    return ask_git(project, "rev-parse", "HEAD").decode("ascii").strip()


def _listed(project: Path, paths: Iterable[bytes], which: str) -> list[bytes]:
    """Return what of the paths git tracks, or may track."""
    found = _git(project, "ls-files", "-z", which, "--exclude-standard", "--", *paths)
    return sorted({path for path in found.split(b"\0") if path})


@contextmanager
def _known(project: Path, strange: Sequence[bytes]) -> Generator[None]:
    """Let git know of new paths, without their content; where the body fails it forgets them."""
    if strange:
        _git(project, "add", "--intent-to-add", told=strange)
    try:
        yield
    except BaseException:
        with suppress(RefusedError):
            if strange:
                _git(project, "rm", "--cached", "--quiet", "--force", told=strange)
        raise


def _git(project: Path, *arguments: str | bytes, told: Sequence[bytes] = ()) -> bytes:
    given = ("--pathspec-from-file=-", "--pathspec-file-nul") if told else ()
    return ask_git(project, *arguments, *given, said=b"".join(path + b"\0" for path in told))


def ask_git(
    project: Path, *arguments: str | bytes, said: bytes = b"", index: Path | None = None
) -> bytes:
    """Return what git answers, in its own index or in another one. Raises RefusedError."""
    command = ["git", "--literal-pathspecs", "-C", project, *arguments]
    other = {"GIT_INDEX_FILE": os.fspath(index)} if index else {}
    doing = f"git {arguments[0]!s} in {project} failed"
    try:
        with subprocess.Popen(
            command,
            env={**os.environ, **other, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as git:
            out, err = _heard(git, said)
    except OSError as error:
        raise _failed(f"{doing}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise _failed(f"{doing}: a hook or git itself took more than {_LIMIT_S} s") from error
    if git.returncode:
        raise _failed(f"{doing}: {_headline(err)}")
    return out


def _heard(git: "subprocess.Popen[bytes]", said: bytes) -> tuple[bytes, bytes]:
    """Return what git says; where it does not end, end it with the hooks that it waits for."""
    try:
        return git.communicate(said, timeout=_LIMIT_S)
    except BaseException:
        with suppress(ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
            os.killpg(git.pid, signal.SIGTERM)  # then git removes its lock of the index
            git.wait(_END_WITHIN_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(git.pid, signal.SIGKILL)
        raise


def _headline(said: bytes) -> str:
    """Return the line that says why; a hook may say anything, git's own line is marked."""
    lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    marked = (line for line in lines if line.startswith(("fatal: ", "error: ")))
    return next(marked, lines[-1] if lines else "no reason given")[:_SHOWN]


def _failed(message: str) -> RefusedError:
    return RefusedError(message, cure="commit the changes yourself; the upgrade itself is good")
