"""The sample's source: a real git repository, the same commits wherever it is built."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.errors import NotFoundError, RefusedError
from aos_upgrade_plugin.models.tree import escape
from aos_upgrade_plugin.sample.history import Version, files_of, versions

LATEST = "1.2.0"
"""The newest good version: where the branch ``main`` stands."""
_AUTHOR = "Sample Author <sample@example.org>"


class Source(NamedTuple):
    """A checkout of the sample's source."""

    folder: Path
    commits: Mapping[str, str]
    """The full id of each version's commit; the names are tags as well."""

    def check_out(self, version: str) -> None:
        """Put the working tree at a version."""
        git(self.folder, "checkout", "--quiet", "--detach", self.commit(version))

    def commit(self, version: str) -> str:
        """Return the id of a version's commit, else NotFoundError with the versions there are."""
        if version in self.commits:
            return self.commits[version]
        raise NotFoundError(
            f"the sample has no version {version!r}", cure=f"one of {', '.join(self.commits)}"
        )


def build_source(folder: Path, *, at: str = LATEST) -> Source:
    """Make the repository in a new or empty folder, with the working tree at one version.

    Author and dates are part of the history, and no git configuration of the machine is asked, so
    the ids of the commits are the same every time.
    """
    git(folder.parent, "init", "--quiet", "--template=", "--initial-branch=main", str(folder))
    git(folder, "fast-import", "--quiet", given=b"".join(_stream()))
    listed = git(folder, "for-each-ref", "--format=%(refname:strip=2) %(objectname)", "refs/tags")
    found = dict(line.split() for line in listed.decode().splitlines())
    source = Source(folder, {each.name: found[each.name] for each in versions()})
    git(folder, "checkout", "--quiet", "main")
    if at != LATEST:
        source.check_out(at)
    return source


def git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """Run git with no configuration but the repository's own, and return what it says."""
    surroundings = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    surroundings |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's git, as everywhere
            input=given,
            env={**surroundings, "GIT_DEFAULT_HASH": "sha1"},
            capture_output=True,
            check=True,
        ).stdout
    except FileNotFoundError as error:
        raise NotFoundError("there is no git here", cure="install git") from error
    except subprocess.CalledProcessError as error:
        said = escape(error.stderr.strip())
        raise RefusedError(
            f"git {arguments[0]} failed for the sample: {said}",
            cure="give it a new or empty folder that you may write to",
        ) from error


def _stream() -> Iterator[bytes]:
    """Write the whole history in the language of git fast-import(1)."""
    for version in versions():
        yield from _commit(version)
    yield f"reset refs/heads/main\nfrom refs/tags/{LATEST}\n\n".encode()


def _commit(version: Version) -> Iterator[bytes]:
    yield f"commit refs/tags/{version.name}\n".encode()
    yield f"committer {_AUTHOR} {int(version.date.timestamp())} +0000\n".encode()
    yield _data(f"{version.subject}\n".encode())
    if version.follows:
        yield f"from refs/tags/{version.follows}\n".encode()
    yield b"deleteall\n"
    for path, file in sorted(files_of(version.name).items()):
        yield f"M {'100755' if file.executable else '100644'} inline {path}\n".encode()
        yield _data(file.content)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
