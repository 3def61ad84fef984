"""Sessions on a real disk: saved, damaged, raced for, killed."""

import errno
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.effects.tree import journal
from aos_upgrade_plugin.errors import (
    DamagedError,
    DiskError,
    NotFoundError,
    RefusedError,
    StaleError,
)
from aos_upgrade_plugin.models.journal import JournalHeader
from aos_upgrade_plugin.models.session import (
    PhaseAttempt,
    PhaseStatus,
    SessionStatus,
    WorkflowSession,
)
from tests.oddities import snapshot

NOW = datetime(2025, 11, 21, 12, 30, tzinfo=UTC)
NAME = "a_session"
SEVERAL_FIXTURE_USES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def _new(name: str = NAME) -> WorkflowSession:
    return WorkflowSession(
        session_id=name,
        workflow_type="agent_os_upgrade_v1",
        target_file="mcp_server",
        current_phase=0,
        created_at=NOW,
        last_updated=NOW,
        phase_artifacts={1: {"backup_path": "x", "sizes": [1, 2.5, None]}},
        phase_history=(PhaseAttempt(phase=0, status=PhaseStatus.RUNNING, started_at=NOW),),
    )


def _in_phase(session: WorkflowSession, phase: int) -> WorkflowSession:
    return session.model_copy(update={"current_phase": phase})


def _file(install: Path, ending: str = ".json", name: str = NAME) -> Path:
    return install / "state" / "workflows" / f"{name}{ending}"


def _twice_saved(install: Path) -> WorkflowSession:
    return sessions.save(install, _in_phase(sessions.save(install, _new()), 1))


@pytest.fixture(params=["exchange", "no exchange"], autouse=True)
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every promise holds on systems without an atomic exchange, too."""
    if request.param == "no exchange":
        monkeypatch.setenv(disk.EXCHANGE_SWITCH, "off")


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """Every field comes back, one revision on, for nobody's eyes but the owner's."""
    saved = sessions.save(tmp_path, _new())
    assert sessions.load(tmp_path, NAME) == (NAME, saved, None)
    assert saved.revision == 1
    assert saved.last_updated > NOW
    assert saved.model_copy(update={"revision": 0, "last_updated": NOW}) == _new()
    assert _file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert _file(tmp_path).parent.stat().st_mode & 0o777 == 0o700


def test_a_file_is_json_with_the_digest_of_what_it_holds(tmp_path: Path) -> None:
    """Other tools can read it; nothing that is computed is stored."""
    saved = sessions.save(tmp_path, _new())
    raw = _file(tmp_path).read_bytes()
    stored = json.loads(raw)
    content = raw.partition(b'"session": ')[2].removesuffix(b"}\n")
    assert stored["sha256"] == hashlib.sha256(content).hexdigest()
    assert WorkflowSession.model_validate(stored["session"]) == saved
    assert "duration_seconds" not in stored["session"]["phase_history"][0]


def test_two_generations_are_kept(tmp_path: Path) -> None:
    """The state before the newest one is there, and nothing else is left lying around."""
    _twice_saved(tmp_path)
    assert sorted(os.listdir(_file(tmp_path).parent)) == [
        ".lock",
        f"{NAME}.json",
        f"{NAME}.previous.json",
    ]


def test_who_saves_over_a_newer_revision_loses(tmp_path: Path) -> None:
    """The error names both revisions, and the winner's state stays."""
    first = sessions.save(tmp_path, _new())
    second = sessions.save(tmp_path, _in_phase(first, 1))
    with pytest.raises(StaleError, match=r"at revision 2 meanwhile, and this is revision 1"):
        sessions.save(tmp_path, _in_phase(first, 5))
    with pytest.raises(StaleError, match=r"at revision 2 meanwhile, and this is revision 0"):
        sessions.save(tmp_path, _new())
    assert sessions.load(tmp_path, NAME).session == second


def test_a_deleted_session_does_not_come_back(tmp_path: Path) -> None:
    """Saving what somebody deleted meanwhile is refused."""
    first = _twice_saved(tmp_path)
    assert sessions.delete(tmp_path, NAME, reason="tidy")
    with pytest.raises(StaleError, match="was deleted meanwhile"):
        sessions.save(tmp_path, first)
    assert sessions.stored(tmp_path) == ()


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _as_link(path: Path) -> None:
    path.rename(path.with_suffix(".x"))
    path.symlink_to(path.with_suffix(".x").name)


def _as_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _changed(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'_phase": 1', b'_phase": 2'))


_DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "changed": _changed,
    "no json": lambda path: path.write_bytes(b"\xff\x00"),
    "a folder": _as_folder,
    "a link": _as_link,
    "a pipe": _as_pipe,
    "huge": lambda path: os.truncate(path, 1 << 40),
}


@pytest.mark.parametrize("damage", _DAMAGE.values(), ids=_DAMAGE)
def test_the_older_generation_stands_in_and_says_so(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    """However the newest file was damaged; the next save makes the session whole again."""
    _twice_saved(tmp_path)
    damage(_file(tmp_path))
    found = sessions.load(tmp_path, NAME)
    assert found.session is not None
    assert found.session.revision == 1
    assert found.problem is not None
    assert f"{NAME}.json" in found.problem
    assert sessions.stored(tmp_path) == (found,)
    if _file(tmp_path).is_dir():
        with pytest.raises(DiskError):
            sessions.save(tmp_path, found.session)
        _file(tmp_path).rmdir()
    again = sessions.save(tmp_path, found.session)
    assert sessions.load(tmp_path, NAME) == (NAME, again, None)
    assert _file(tmp_path, ".previous.json").exists()


def test_a_missing_newest_file_is_said(tmp_path: Path) -> None:
    """Somebody removed it: the older one is used, and not silently."""
    _twice_saved(tmp_path)
    _file(tmp_path).unlink()
    found = sessions.load(tmp_path, NAME)
    assert found.session is not None
    assert found.problem == f"{NAME}.json is missing; the state before it is used"


def test_damage_does_not_stop_the_one_who_knows_the_newest_state(tmp_path: Path) -> None:
    """A run whose session file is damaged meanwhile saves over it."""
    second = _twice_saved(tmp_path)
    for ending in (".json", ".previous.json"):
        _file(tmp_path, ending).write_bytes(b"damaged")
    third = sessions.save(tmp_path, _in_phase(second, 2))
    assert sessions.load(tmp_path, NAME).session == third


def test_a_damaged_session_is_listed_with_the_others(tmp_path: Path) -> None:
    """It hides nobody; showing it is an error with a way back; deleting it works."""
    whole = sessions.save(tmp_path, _new("whole"))
    sessions.save(tmp_path, _new())
    _file(tmp_path).write_bytes(b"{}")
    problem = f"{NAME}.json is cut off or was never a session"
    assert sessions.stored(tmp_path) == ((NAME, None, problem), ("whole", whole, None))
    with pytest.raises(DamagedError, match="cannot be read") as refusal:
        sessions.load(tmp_path, NAME)
    assert "backups restore" in refusal.value.cure
    assert sessions.delete(tmp_path, NAME, reason="damaged")
    assert sessions.stored(tmp_path) == (("whole", whole, None),)


def test_a_copied_file_is_not_another_session(tmp_path: Path) -> None:
    """A file's name and its content have to agree."""
    sessions.save(tmp_path, _new())
    _file(tmp_path).rename(_file(tmp_path, name="other"))
    (found,) = sessions.stored(tmp_path)
    assert found == ("other", None, f"other.json holds another session, {NAME}")


def test_what_a_newer_version_wrote_is_not_guessed_at(tmp_path: Path) -> None:
    """Unknown fields are refused, with their number, not dropped."""
    sessions.save(tmp_path, _new())
    content = _file(tmp_path).read_bytes().partition(b'"session": ')[2].removesuffix(b"}\n")
    newer = content.replace(b'"schema_version": 1', b'"schema_version": 2, "colour": "red"')
    digest = hashlib.sha256(newer).hexdigest().encode()
    _file(tmp_path).write_bytes(b'{"sha256": "' + digest + b'",\n"session": ' + newer + b"}\n")
    with pytest.raises(DamagedError, match=r"another version of this tool \(2 fields do not fit"):
        sessions.load(tmp_path, NAME)


def _journal_with(install: Path, session: WorkflowSession, purpose: str = "content") -> Path:
    folder = install / ".upgrades" / session.session_id / "transactions" / purpose
    folder.mkdir(parents=True)
    header = JournalHeader(
        owner=session.session_id,
        purpose=purpose,
        created_at=NOW,
        session=session.for_journal(),
        changes=(),
    )
    journal.begin(folder, header)
    return folder


@pytest.mark.parametrize("files", ["missing", "damaged"])
def test_a_lost_session_is_rebuilt_from_the_journal(tmp_path: Path, files: str) -> None:
    """The newest state that an open transaction wrote down is used, and that is said."""
    second = _twice_saved(tmp_path)
    _journal_with(tmp_path, second)
    _journal_with(tmp_path, second.model_copy(update={"revision": 1}), "earlier")
    for ending in (".json", ".previous.json"):
        if files == "missing":
            _file(tmp_path, ending).unlink()
        else:
            _file(tmp_path, ending).write_bytes(b"")
    found = sessions.load(tmp_path, NAME)
    assert found.session == second
    assert found.problem is not None
    assert found.problem.endswith("rebuilt from the journal of its change")
    assert sessions.stored(tmp_path) == (found,)
    assert sessions.save(tmp_path, second).revision == 3


def test_a_journal_that_holds_no_session_rebuilds_none(tmp_path: Path) -> None:
    """Another session's state, none or a damaged journal are not taken for it."""
    _journal_with(tmp_path, _new("other")).parents[1].rename(tmp_path / ".upgrades" / NAME)
    folder = _journal_with(tmp_path, _new("third"))
    (folder / "journal.jsonl").write_bytes(b"damaged")
    assert sessions.stored(tmp_path) == ()
    with pytest.raises(NotFoundError):
        sessions.load(tmp_path, NAME)


@pytest.mark.parametrize("name", ["nobody", "../../etc/passwd", "a b", "", "a\n", "x" * 500])
def test_what_is_not_there_is_not_found(tmp_path: Path, name: str) -> None:
    """Whatever is asked for, nothing outside the folder is looked at."""
    with pytest.raises(NotFoundError, match="there is no session"):
        sessions.load(tmp_path, name)
    assert os.listdir(tmp_path) == []


def test_deleting_keeps_the_reason(tmp_path: Path) -> None:
    """Deleting twice says so; each deletion is one line of the history."""
    sessions.save(tmp_path, _new())
    assert sessions.delete(tmp_path, NAME, reason="tidy\nup")
    assert not sessions.delete(tmp_path, NAME, reason="again")
    (line,) = (_file(tmp_path).parent / "history.jsonl").read_text().splitlines()
    kept = json.loads(line)
    assert (kept["session_id"], kept["reason"]) == (NAME, "tidy\nup")
    assert kept["session_status"] == SessionStatus.ACTIVE


@pytest.mark.parametrize("ending", [".json", ".previous.json"])
def test_a_folder_in_place_of_a_sessions_file_is_left(tmp_path: Path, ending: str) -> None:
    """It is none of ours: deleting says so before anything is changed, however often."""
    sessions.save(tmp_path, sessions.save(tmp_path, _new()))
    folder = _file(tmp_path).parent
    (folder / f"{NAME}{ending}").unlink()
    (folder / f"{NAME}{ending}").mkdir()
    before = snapshot(folder)
    for _ in range(2):
        with pytest.raises(RefusedError, match=rf"state/workflows/{NAME}{ending} is a folder"):
            sessions.delete(tmp_path, NAME, reason="tidy")
    assert snapshot(folder) == before


def test_other_files_are_no_sessions(tmp_path: Path) -> None:
    """What others put into the folder is left alone."""
    saved = sessions.save(tmp_path, _new())
    for name in ("README", "UPPER.json", "a-b.json", "x.tmp", "x.next.json", ".json"):
        (_file(tmp_path).parent / name).write_bytes(b"{}")
    assert [each.session for each in sessions.stored(tmp_path)] == [saved]


@pytest.mark.parametrize("linked", ["state", "state/workflows"])
def test_a_linked_folder_is_refused(tmp_path: Path, linked: str) -> None:
    """Nobody makes us write elsewhere."""
    install, elsewhere = tmp_path / "install", tmp_path / "elsewhere"
    (install / linked).parent.mkdir(parents=True)
    elsewhere.mkdir()
    (install / linked).symlink_to(elsewhere)
    for action in (lambda: sessions.save(install, _new()), lambda: sessions.stored(install)):
        with pytest.raises(RefusedError, match=f"{linked} is a link"):
            action()
    assert os.listdir(elsewhere) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("call", ["create", "write", "sync"])
def test_a_disk_that_fails_leaves_the_saved_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """The error has a cure, no half-made file stays, and saving again works."""
    saved = sessions.save(tmp_path, _new())

    def failing(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(disk, call, failing)
        with pytest.raises(DiskError, match="saving the session failed"):
            sessions.save(tmp_path, _in_phase(saved, 1))
    assert sessions.load(tmp_path, NAME) == (NAME, saved, None)
    assert not _file(tmp_path, ".next.json").exists()
    assert sessions.save(tmp_path, _in_phase(saved, 1)).revision == 2


def test_a_state_is_durable_before_it_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First the content, then the exchange, last the names: a power cut finds one state whole."""
    saved = sessions.save(tmp_path, _new())
    called: list[str] = []
    for name in ("write", "sync", "exchange", "rename"):
        monkeypatch.setattr(disk, name, _noted(called, name))
    sessions.save(tmp_path, _in_phase(saved, 1))
    assert called[:2] == ["write", "sync"]
    assert set(called[2:-1]) <= {"exchange", "rename"}
    assert called[-1] == "sync"


def _noted(called: list[str], name: str) -> Callable[..., object]:
    real: Callable[..., object] = getattr(disk, name)

    def call(*arguments: object) -> object:
        called.append(name)
        return real(*arguments)

    return call


_KILLED = """
import json, os, signal, sys
from pathlib import Path
from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.session import sessions

install, after = Path(sys.argv[1]), sys.argv[2] == "after"
NAMES = ["create", "write", "sync", "set_open_mode", "rename", "exchange", "remove",
         "make_directory", "open_lock", "open_append"]

def surround(limit):
    calls = 0
    def dying(real):
        def call(*arguments, **named):
            nonlocal calls
            calls += 1
            if calls == limit and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return real(*arguments, **named)
            finally:
                if calls == limit:
                    os.kill(os.getpid(), signal.SIGKILL)
        return call
    for name in NAMES:
        setattr(disk, name, dying(getattr(disk, name)))

def once(limit):
    seen = sessions.load(install, "a_session").session
    child = os.fork()
    if not child:
        surround(limit)
        sessions.save(install, seen.model_copy(update={"current_phase": limit}))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    found = sessions.load(install, "a_session")
    assert found.problem is None, found.problem
    (listed,) = sessions.stored(install)
    assert listed == found, listed
    new = (found.session.revision, found.session.current_phase) == (seen.revision + 1, limit)
    assert new or found.session == seen, found.session
    assert new or status, "saved without an error, and lost"
    return os.WIFSIGNALED(status)

limit = 1
while once(limit):
    limit += 1
print(limit - 1)
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_while_saving_loses_nothing_that_was_saved(tmp_path: Path, when: str) -> None:
    """Killed around each effect in turn, without cleaning up in between: the old or the new state.

    And no word about damage, because there is none.
    """
    _twice_saved(tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path), when],
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) >= 6


def test_a_kill_during_the_first_save_leaves_no_session(tmp_path: Path) -> None:
    """What was never saved is not listed as damaged."""
    sessions.save(tmp_path, _new("other"))
    _file(tmp_path, ".next.json").write_bytes(b'{"sha256": "12')
    assert [each.session_id for each in sessions.stored(tmp_path)] == ["other"]
    with pytest.raises(NotFoundError):
        sessions.load(tmp_path, NAME)
    assert sessions.save(tmp_path, _new()).revision == 1


def test_a_thousand_sessions_are_listed_with_one_look_at_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is opened twice, so the time grows with their number only."""
    saved = sessions.save(tmp_path, _new())
    raw = _file(tmp_path).read_bytes()
    for number in range(1000):
        name = f"s{number:06}"
        content = saved.model_copy(update={"session_id": name}).stored()
        digest = hashlib.sha256(content).hexdigest().encode()
        assert raw.startswith(b'{"sha256": "')
        _file(tmp_path, name=name).write_bytes(
            b'{"sha256": "' + digest + b'",\n"session": ' + content + b"}\n"
        )
    opened, real = [], os.open

    def counting(path: Path, flags: int) -> int:
        opened.append(path)
        return real(path, flags)

    monkeypatch.setattr(os, "open", counting)
    assert len(sessions.stored(tmp_path)) == 1001
    assert len(opened) == 1001


@SEVERAL_FIXTURE_USES
@given(raw=st.binary(max_size=400), ending=st.sampled_from([".json", ".next.json"]))
def test_any_bytes_are_survived(tmp_path: Path, raw: bytes, ending: str) -> None:
    """Whatever a file holds, the session is listed, its older state used, and saving heals it."""
    for each in _file(tmp_path).parent.glob("*"):
        each.unlink()
    _twice_saved(tmp_path)
    _file(tmp_path, ending).write_bytes(raw)
    (found,) = sessions.stored(tmp_path)
    assert found.session is not None
    again = sessions.save(tmp_path, found.session)
    assert sessions.load(tmp_path, NAME) == (NAME, again, None)


@SEVERAL_FIXTURE_USES
@given(where=st.integers(min_value=0), value=st.integers(0, 255))
def test_any_changed_byte_is_seen(tmp_path: Path, where: int, value: int) -> None:
    """A session is what was written, byte for byte, or it is not believed."""
    for each in _file(tmp_path).parent.glob("*"):
        each.unlink()
    saved = _twice_saved(tmp_path)
    raw = bytearray(_file(tmp_path).read_bytes())
    raw[where % len(raw)] ^= value
    _file(tmp_path).write_bytes(raw)
    found = sessions.load(tmp_path, NAME)
    assert (found.session == saved) is (value == 0)
    assert (found.problem is None) is (value == 0)
