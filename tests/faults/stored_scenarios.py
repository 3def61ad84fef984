"""Backups, restoring, retention, sessions and the lock under faults."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aos_upgrade_plugin.effects.backup import backups
from aos_upgrade_plugin.effects.backup.backup_check import verify
from aos_upgrade_plugin.effects.session import lock, session_files, sessions
from aos_upgrade_plugin.effects.session.lock_holder import holder
from aos_upgrade_plugin.errors import BusyError, RollbackUnverifiedError, UpgradeError
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.tree import unescape
from aos_upgrade_plugin.phases.backing_up import back_up, prune
from aos_upgrade_plugin.phases.holding import holding
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.restore import restore
from tests.faults import sandbox, trees
from tests.faults.deeds import deed_done
from tests.faults.rounds import Look, Promise, Scenario
from tests.faults.sandbox import AFTER, BEFORE, OWNER
from tests.faults.trees import Nodes, as_tree, below, file

_NOW = datetime(2025, 11, 21, 12, 30, 5, tzinfo=UTC)
_INSTALL = ".praxis-os"
_SERVER: Nodes = below(b"mcp_server", {b"server.py": file(b"serve()\n")})
_OLD: Nodes = {**BEFORE, **_SERVER}
_NEW: Nodes = {**AFTER, **_SERVER}


def _project(nodes: Nodes, environment: bytes) -> Nodes:
    return sandbox.whole(_INSTALL, nodes, {}, environment)


class BackUp:
    """Make a second backup."""

    name = "backup"
    arranges_by_product = True
    clean_after = frozenset({"one", "two", "tried"})
    stands_with: frozenset[str] = frozenset()

    def arrange(self, root: Path) -> None:
        """Build an installation and make a first backup."""
        trees.build(root / "project", _project(_OLD, b"1"))
        back_up(find(root / "project"), now=_NOW)

    def act(self, root: Path, promise: Promise) -> None:
        """Make another one."""
        try:
            back_up(find(root / "project"), now=_NOW + timedelta(hours=1))
        except UpgradeError:
            promise("tried")
            raise
        promise("two")

    def settle(self, root: Path, promise: Promise) -> None:
        """Do what the next backup does first."""
        del promise
        backups.clean(root / "project" / _INSTALL)

    def look(self, root: Path) -> Look:
        """Count the backups, each of which has to be whole, in a project that is untouched."""
        install = root / "project" / _INSTALL
        seen = sandbox.look(root, (("tried", _project(_OLD, b"1")),))
        made = backups.listed(install)
        if damaged := [each.name for each in made if verify(each.path)]:
            seen = seen._replace(states=frozenset(), difference=f"damaged: {damaged}")
        if left_out := {path for each in made for path in self._left_out(root, each)}:
            seen = seen._replace(states=frozenset(), difference=f"left out: {left_out}")
        count = {1: {"one"}, 2: {"two"}}.get(len(made), set())
        if not count:
            seen = seen._replace(states=frozenset(), difference=f"{len(made)} backups")
        left = [each.name for each in (install / ".backups").glob(".*")]
        return seen._replace(
            states=seen.states | count if seen.states else seen.states,
            residue=(*seen.residue, *left),
        )

    def _left_out(self, root: Path, backup: backups.Backup) -> set[bytes]:
        """Name what a whole backup should have, and has not; others may have taken some away."""
        if backup.manifest is None:
            return set()
        held = {unescape(entry.path) for entry in backup.manifest.entries}
        done = deed_done(root)
        return {
            path for path in _OLD.keys() - held if not (done and done.excuses_from_backup(path))
        }


class Prune:
    """Remove old backups, but never one that is needed."""

    name = "prune"
    arranges_by_product = True
    clean_after: frozenset[str] = frozenset()
    stands_with: frozenset[str] = frozenset()

    def arrange(self, root: Path) -> None:
        """Make five backups of a small installation."""
        trees.build(
            root / "project", below(b".praxis-os", {**_SERVER, b"standards": trees.folder()})
        )
        for hour in range(5):
            back_up(find(root / "project"), now=_NOW + timedelta(hours=hour))

    def act(self, root: Path, promise: Promise) -> None:
        """Keep the newest two and the oldest."""
        install = root / "project" / _INSTALL
        oldest = backups.listed(install)[-1].name
        prune(install, keep=2, needed={oldest})
        promise("pruned")

    def settle(self, root: Path, promise: Promise) -> None:
        """Do what the next backup does first."""
        del promise
        backups.clean(root / "project" / _INSTALL)

    def look(self, root: Path) -> Look:
        """Find what must stay, all of it whole, and nothing half-removed among it."""
        install = root / "project" / _INSTALL
        hours = {each.name[11:13]: not verify(each.path) for each in backups.listed(install)}
        good = all(hours.values()) and {"12", "15", "16"} <= set(hours)
        states = {"pruned"} if len(hours) == 3 else {"not yet"}
        left = [each.name for each in (install / ".backups").glob(".*")]
        return Look(frozenset(states if good else ()), f"backups: {hours}", tuple(left))


class Restore:
    """Bring a backup back over a later version."""

    name = "restore"
    arranges_by_product = True
    clean_after = frozenset({"new"})
    stands_with: frozenset[str] = frozenset()
    _STATES = (("old", _project(_OLD, b"1")), ("new", _project(_NEW, b"2")))

    def arrange(self, root: Path) -> None:
        """Back up, then lay down the later version."""
        install = root / "project" / _INSTALL
        trees.build(root / "project", _project(_OLD, b"1"))
        back_up(find(root / "project"), now=_NOW, include_environment=True)
        (install / ".backups").rename(root / "backups")
        trees.clear(root / "project")
        trees.build(root / "project", _project(_NEW, b"2"))
        (root / "backups").rename(install / ".backups")

    def act(self, root: Path, promise: Promise) -> None:
        """Restore as the command does."""
        install = root / "project" / _INSTALL
        try:
            with holding(install, session=None, command="restore"):
                restore(install, known=as_tree(_NEW), now=_NOW + timedelta(hours=1))
                promise("old")
        except RollbackUnverifiedError:
            raise
        except UpgradeError:
            promise("new")
            raise

    def settle(self, root: Path, promise: Promise) -> None:
        """Hold the lock, as every command does that changes something."""
        del promise
        with holding(root / "project" / _INSTALL, session=None, command="next"):
            sandbox.forget_environment(root)

    def look(self, root: Path) -> Look:
        """Compare with both versions."""
        return sandbox.look(root, self._STATES)


class SaveSession:
    """Save a session that was saved before."""

    name = "session"
    arranges_by_product = True
    clean_after: frozenset[str] = frozenset()
    stands_with: frozenset[str] = frozenset()

    def arrange(self, root: Path) -> None:
        """Save three revisions."""
        session = WorkflowSession(
            session_id=OWNER,
            workflow_type="agent_os_upgrade_v1",
            target_file="mcp_server",
            current_phase=0,
            created_at=_NOW,
            last_updated=_NOW,
        )
        for _ in range(3):
            session = sessions.save(root, session)

    def act(self, root: Path, promise: Promise) -> None:
        """Save the next phase."""
        try:
            self._save_again(root, current_phase=1)
        except UpgradeError:
            promise(self._state(root))
            raise
        promise("saved")

    def settle(self, root: Path, promise: Promise) -> None:
        """Save once more, whatever is found."""
        promise(self._state(root))
        self._save_again(root)

    def look(self, root: Path) -> Look:
        """Read the newest state, and the one before it as if the newest were damaged."""
        newest = self._newest(root)
        folder = root / "state" / "workflows"
        present, following = (
            folder / f"{OWNER}{ending}" for ending in (session_files.NEWEST, session_files.NEXT)
        )
        left = following.exists()
        used = present if present.exists() else following
        kept = used.read_bytes()
        used.write_bytes(kept[:-9])
        try:
            before = self._newest(root).revision
        except UpgradeError:
            before = 0
        used.write_bytes(kept)
        state = self._state(root)
        is_next = before == newest.revision - 1
        return Look(
            frozenset({state} if is_next else ()),
            f"revision {newest.revision}, {state}; before it {before}",
            ("next",) if left else (),
        )

    def _newest(self, root: Path) -> WorkflowSession:
        session = sessions.load(root, OWNER).session
        assert session is not None
        return session

    def _state(self, root: Path) -> str:
        return "saved" if self._newest(root).current_phase else "not saved"

    def _save_again(self, root: Path, **changed: object) -> None:
        sessions.save(root, self._newest(root).model_copy(update=changed))


class HoldLock:
    """Hold the upgrade lock, and keep another run out meanwhile."""

    name = "lock"
    arranges_by_product = False
    clean_after: frozenset[str] = frozenset()
    stands_with: frozenset[str] = frozenset()

    def arrange(self, root: Path) -> None:
        """Make an empty folder to lock."""
        (root / "project" / _INSTALL).mkdir(parents=True)

    def act(self, root: Path, promise: Promise) -> None:
        """Hold it, try to hold it once more, and let go."""
        install = root / "project" / _INSTALL
        try:
            with lock.hold(install, session=OWNER, command="first"):
                self._is_kept_out(install)
        except UpgradeError:
            promise("free")
            raise
        promise("free")

    def settle(self, root: Path, promise: Promise) -> None:
        """Hold it again, which must not wait for anybody who is gone."""
        with lock.hold(root / "project" / _INSTALL, session=None, command="next"):
            promise("free")

    def _is_kept_out(self, install: Path) -> None:
        with suppress(BusyError), lock.hold(install, session=None, command="second"):
            raise AssertionError("two hold it")

    def look(self, root: Path) -> Look:
        """See that nobody holds it."""
        held_by = holder(root / "project" / _INSTALL)
        return Look(frozenset(() if held_by else {"free"}), f"held by {held_by}")


SCENARIOS: tuple[Scenario, ...] = (
    BackUp(),
    Prune(),
    Restore(),
    SaveSession(),
    HoldLock(),
)
