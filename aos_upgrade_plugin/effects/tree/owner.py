"""Whose something is that the system keeps from us: mostly root's, after one command with sudo."""

import os
import pwd
import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.models.tree import shown

_OUR_OWN = re.compile(
    r"(?:.*/)?(?:\.upgrade-lock|\.backups|\.upgrades|state/workflows)(?=/|$)", re.DOTALL
)
"""Up to what only we make in an installation: nothing else is to change hands on our word."""


class Stranger(NamedTuple):
    """Somebody else to whom something belongs."""

    name: str
    """Or the number of who has no name here."""
    path: Path
    """What is theirs: what was refused, or the nearest folder above it that is to be seen."""

    @property
    def cure(self) -> str:
        """Say what to do about it."""
        ours = _OUR_OWN.match(str(self.path))
        if ours is None:
            return f"run the command as {self.name}, or let yourself read and write there"
        how = "-hR" if os.path.isdir(ours[0]) else "-h"  # links change hands, not what they name
        words = f"sudo chown {how} {_name(os.geteuid())} {shlex.quote(shown(ours[0]))}"
        return f"if sudo made it, take it back: {words}; then run the command again"


def stranger_at(path: Path) -> Stranger | None:
    """Return who else owns what stands at a path, or else the folder above; nobody if we do."""
    for place in (path, *path.parents):
        with suppress(OSError):
            owner = os.lstat(place).st_uid
            return None if owner == os.geteuid() else Stranger(_name(owner), place)
    return None


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
