"""The first thing that every command does which holds the lock: end what was interrupted."""

from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.decide.run.recovery import Move, recovery_move
from aos_upgrade_plugin.effects import layouts
from aos_upgrade_plugin.effects.tree import journal
from aos_upgrade_plugin.effects.tree.transaction import (
    UNUSED,
    UPGRADES,
    Transaction,
    discard,
    leftovers,
    remove_empty_folders,
    unused,
)
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.journal import JournalHeader, Undone
from aos_upgrade_plugin.models.report import RecoveredReport


class Recovered(NamedTuple):
    """What was found of one interrupted transaction, and what became of it."""

    install: Path
    owner: SessionId
    purpose: str
    move: Move
    undone: Undone = Undone()

    @property
    def report(self) -> RecoveredReport:
        """The same as people and programs get it."""
        move = self.move.name.lower()
        said = {"owner": self.owner, "purpose": self.purpose, "move": move}
        return RecoveredReport.model_validate({**said, **dict(self.undone)})


def recover(install: Path) -> tuple[Recovered, ...]:
    """Bring every interrupted transaction to a consistent end; may be killed and repeated.

    One of a run that was applied whole is left for that run to resume or roll back. The caller
    holds the lock. Where an install folder was renamed, the answer's ``install`` is its name now.
    """
    recovered = [_discarded(install, folder) for folder in [*unused(install)]]
    for name in [folder.relative_to(install) for folder in leftovers(install)]:
        recovered.append(_recover_one(install, install / name))
        install = recovered[-1].install
    remove_empty_folders(install)
    return tuple(recovered)


def _recover_one(install: Path, folder: Path) -> Recovered:
    found = journal.read(folder)
    if found is None:
        return _discarded(install, folder)
    header, state = found
    _refuse_other_names(install, header)
    transaction, undone = Transaction(install, header), Undone()
    move = recovery_move(state, purpose=header.purpose)
    if move is Move.UNDO:
        undone = transaction.undo()
    elif move is Move.COMMIT:
        undone = Undone(set_aside=transaction.finish())
    elif move is Move.CLEAR:
        transaction.clear()
    return Recovered(transaction.install, header.owner, header.purpose, move, undone)


def _discarded(install: Path, folder: Path) -> Recovered:
    discard(folder)
    owner, purpose = folder.parts[-3], folder.name.removeprefix(UNUSED)
    return Recovered(install, owner, purpose, Move.DISCARD)


def _refuse_other_names(install: Path, header: JournalHeader) -> None:
    """Raise DamagedError where going back would give the folder a strange name."""
    if header.rename is None:
        return
    names, known = (
        {header.rename.before, header.rename.after},
        {each.folder for each in layouts.known()},
    )
    if install.name not in names or not names <= known:
        raise DamagedError(
            f"the journal {header.purpose} of {header.owner} renames {', '.join(sorted(names))}, "
            f"which does not fit {install.name}",
            cure=f"move {UPGRADES}/{header.owner} away, then run the command again",
        )
