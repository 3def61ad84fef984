"""``aos-upgrade backups`` on real folders, also when it is stopped, killed or short of rights."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree import journal
from aos_upgrade_plugin.effects.tree.files import read_tree
from aos_upgrade_plugin.models.journal import Change, JournalHeader, JournalState
from aos_upgrade_plugin.models.tree import Entry, Kind, Tree
from tests.cli.conftest import NOW, Aos

pytestmark = pytest.mark.usefixtures("unmeasured")

_CONTROL = {".backups", ".upgrades", ".upgrade-lock", "state"}


def _content(install: Path) -> Tree:
    return read_tree(install, enter=lambda path: path.partition("/")[0] not in _CONTROL)


@pytest.fixture
def name(aos: Aos) -> str:
    """Make a backup and return its name."""
    backup: str = aos("backups", "create", "--json").json["backup"]["name"]
    return backup


def test_from_making_to_restoring(aos: Aos, install: Path) -> None:
    """Each step says what it did; what comes back is what was there, and the rest stays."""
    assert aos("backups", "list").out == "no backups\n"
    ran = aos("backups", "create")
    made = ran.out.split()[3].rstrip(":")
    assert ran.out == f"made and verified {made}: 3 files, 74 B\n"
    before = _content(install)
    assert made in aos("backups", "list").out
    assert aos("backups", "verify").out == f"{made} is whole\n"
    shutil.rmtree(install / "mcp_server")
    (install / "standards/universal/one.md").write_text("mine")
    (install / "standards/universal/new.md").write_text("new")
    ran = aos("backups", "restore", made)
    assert ran.status == 0
    assert f"restored {made}: 3 paths are again as they were then" in ran.out
    assert "made since and still there: 1" in ran.out
    assert "set aside: your standards/universal/one.md is kept at .upgrades/" in ran.out
    (install / "standards/universal/new.md").unlink()
    assert _content(install) == before


def test_the_same_for_programs(aos: Aos, install: Path, name: str) -> None:
    """One object each, with the figures as numbers."""
    (backup,) = aos("backups", "list", "--json").json["backups"]
    assert (backup["name"], backup["files"], backup["size_bytes"]) == (name, 3, 74)
    answer = aos("backups", "verify", name, "--json").json
    assert (answer["backup"], answer["whole"], answer["problems"]) == (name, True, [])
    (install / "mcp_server/main.py").write_text("changed")
    answer = aos("backups", "restore", "--json").json
    assert (answer["backup"], answer["changed"]) == (name, ["mcp_server/main.py"])
    assert answer["set_aside"][0]["path"] == "mcp_server/main.py"


def test_a_damaged_backup_is_named_file_by_file(aos: Aos, install: Path, name: str) -> None:
    """Verifying and restoring fail with what is wrong, and nothing is restored."""
    damaged = install / ".backups" / name / "mcp_server/main.py"
    damaged.write_text("damaged")
    ran = aos("backups", "verify")
    assert ran.status == 1
    assert "mcp_server/main.py: content changed" in ran.out
    assert "is not what was written" in ran.err
    ran = aos("backups", "verify", "--json")
    assert (ran.status, ran.json["whole"]) == (1, False)
    assert ran.json["error"]["code"] == "AOS-E007"
    assert ran.json["problems"][0]["path"] == "mcp_server/main.py"
    (install / "mcp_server/main.py").unlink()
    ran = aos("backups", "restore")
    assert ran.status == 1
    assert "mcp_server/main.py: content changed" in ran.error
    assert not (install / "mcp_server/main.py").exists()
    (install / ".backups" / name / "MANIFEST.json").write_text("{}")
    assert "damaged" in aos("backups", "list").out


_AT_ONCE = """
from aos_upgrade_plugin.cli import main
from aos_upgrade_plugin.effects.backup import backup_making
backup_making._COARSEST_CLOCK_NS = -1
main()
"""
"""The command, sharing also what changed just now."""


def test_a_damaged_copy_of_an_earlier_backup_is_not_shared_on(install: Path) -> None:
    """The new one copies everything then, and is whole; that an older one is damaged is said."""
    create = [sys.executable, "-c", _AT_ONCE, "backups", "create"]
    subprocess.run(create, cwd=install.parent, check=True)
    (stored,) = install.glob(".backups/*/mcp_server/main.py")
    times = stored.stat().st_mtime_ns
    stored.write_text(stored.read_text().swapcase())
    os.utime(stored, ns=(times, times))
    ran = subprocess.run(create, cwd=install.parent, check=False, capture_output=True, text=True)
    assert ran.returncode == 0
    assert ran.stderr == (
        "an earlier backup is damaged, so this one shares nothing: mcp_server/main.py: content "
        "changed; look at each: aos-upgrade backups verify NAME\n"
    )
    made = install / ".backups" / ran.stdout.split()[3].rstrip(":")
    assert (made / "mcp_server/main.py").read_text() == "mcp_server/main.py\n"


def test_the_newest_older_one_that_is_whole_is_offered(aos: Aos, install: Path, name: str) -> None:
    """By age and not by name, everything in it read again."""
    folder = install / ".backups"
    for number in (9, 10, 11):
        shutil.copytree(folder / name, folder / f"{name}-{number}")
    for number in (11, 10, 9):
        damaged = f"{name}-{number}"
        (folder / damaged / "mcp_server/main.py").write_text("damaged")
        older = name if number == 9 else f"{name}-{number - 1}"
        assert aos("backups", "verify", damaged).err.endswith(f" {older}\n")
    assert aos("backups", "verify", f"{name}-11").err.endswith(f" {name}\n")
    (folder / name / "mcp_server/main.py").write_text("damaged")
    assert aos("backups", "verify").err.endswith(
        "make a new one: aos-upgrade backups create --full\n"
    )


_ODD_NAME = "2026-01-01-000000-" + "9" * 5000


@pytest.mark.parametrize(
    "command",
    [
        ["verify"],
        ["restore"],
        ["verify", "x"],
        ["restore", "../.."],
        pytest.param(["verify", _ODD_NAME], id="verify-a-number-that-is-none"),
        ["restore", "2026-01-01-00000\u0661"],
        ["verify", "2026-01-01-000000\n"],
    ],
)
def test_a_backup_that_is_not_there(aos: Aos, command: list[str]) -> None:
    """What is there instead, or how to make one, is said."""
    ran = aos("backups", *command)
    assert ran.status == 2
    assert ran.error.startswith("there is no backup")
    assert "aos-upgrade backups create" in ran.err


def test_an_installation_of_which_only_backups_are_left(aos: Aos, install: Path, name: str) -> None:
    """Nothing else tells any more what it was: it is found and brought back all the same."""
    before = _content(install)
    for each in ("mcp_server", "standards"):
        shutil.rmtree(install / each)
    ran = aos("status")
    assert "is no installation" in ran.error
    assert "restore this one from its backups" in ran.err
    assert name in aos("backups", "list").out
    assert aos("backups", "restore").status == 0
    assert _content(install) == before


def _interrupted(install: Path, state: JournalState | None = None) -> Path:
    folder = install / ".upgrades" / "a_session" / "transactions" / "content"
    for part in ("stage", "out"):
        (folder / part).mkdir(parents=True)
    change = Change(path="new", before=None, after=Entry(kind=Kind.DIRECTORY, mode=0o755))
    header = JournalHeader(
        owner="a_session",
        purpose="content",
        created_at=NOW,
        session={"session_id": "a_session"},
        changes=(change,),
    )
    journal.begin(folder, header)
    if state is not None:
        journal.record(folder, state, NOW)
    return folder


def test_what_was_interrupted_is_said_by_who_looks_and_ended_by_who_changes(
    aos: Aos, install: Path, name: str
) -> None:
    """Before anything else, and that is said."""
    folder = _interrupted(install)
    for command in (["list"], ["verify"]):
        assert "interrupted: content of a_session" in aos("backups", *command).err
        assert len(aos("backups", *command, "--json").json["interrupted"]) == 1
    assert folder.exists()
    ran = aos("backups", "create")
    assert "recovered: content of a_session was interrupted, and was taken back" in ran.err
    assert not folder.exists()
    _interrupted(install)
    (recovered,) = aos("backups", "restore", name, "--json").json["recovered"]
    assert recovered["move"] == "undo"


def test_a_change_that_waits_is_rolled_back_before_a_backup_is_restored(
    aos: Aos, install: Path, name: str
) -> None:
    """Two ways back do not cross."""
    assert name
    folder = _interrupted(install, JournalState.APPLIED)
    ran = aos("backups", "restore")
    assert ran.status == 1
    assert "content of a_session is in place and waits" in ran.error
    assert "aos-upgrade rollback a_session" in ran.err
    assert folder.exists()


def test_a_damaged_journal_stops_everything_but_restoring(
    aos: Aos, install: Path, name: str
) -> None:
    """Its remains are kept beside; the error that names the way back names one that works."""
    folder = _interrupted(install, JournalState.APPLIED)
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(b"damaged\n" + b"".join(lines[1:]))
    (folder / "out" / "0").write_text("came out")
    for _ in range(2):
        ran = aos("backups", "create")
        assert "lost its first line" in ran.error
        assert "aos-upgrade backups restore" in ran.err
    assert "aos-upgrade backups restore" in aos("status").out
    before = _content(install)
    (install / "mcp_server/main.py").unlink()
    assert aos("backups", "restore", name).status == 0
    assert _content(install) == before
    kept = install / ".upgrades" / "a_session" / "damaged" / "content" / "out" / "0"
    assert kept.read_text() == "came out"
    assert aos("backups", "create").status == 0


def test_a_closed_installation(
    aos: Aos, install: Path, name: str, as_ordinary_user: tuple[str, ...]
) -> None:
    """What is only read can be done; what cannot be read is named; nothing half-made stays."""
    install.chmod(0o555)
    assert aos("backups", "list", before=as_ordinary_user).status == 0
    assert aos("backups", "verify", before=as_ordinary_user).status == 0
    install.chmod(0o755)
    (install / "mcp_server/main.py").chmod(0)
    ran = aos("backups", "create", before=as_ordinary_user)
    assert ran.status == 1
    assert "mcp_server/main.py" in ran.error
    assert os.listdir(install / ".backups") == [name]


def test_a_project_that_nobody_may_list(
    aos: Aos, install: Path, name: str, as_ordinary_user: tuple[str, ...]
) -> None:
    """What is wrong is said all the same, and not that the folder above cannot be listed."""
    (install / ".backups" / name / "mcp_server/main.py").write_text("damaged")
    install.parent.chmod(0o311)
    ran = aos("backups", "restore", "--target", str(install), before=as_ordinary_user)
    install.parent.chmod(0o755)
    assert f"the backup {name} is damaged, nothing was restored" in ran.error


def test_a_hostile_name_is_harmless(aos: Aos, install: Path) -> None:
    """Files may have any name: what is printed about them is text."""
    odd = install / "standards/development" / "a\x1b[2J\nb"
    odd.write_text("x")
    assert aos("backups", "create").status == 0
    odd.write_text("y")
    for more in ([], ["--json"]):
        ran = aos("backups", "restore", *more)
        assert r"a\x1b[2J\x0ab" in ran.out.replace("\\\\", "\\")
        assert "\x1b" not in ran.out
        odd.write_text("y")


_STOPPED = """
import os, signal, sys
from aos_upgrade_plugin.cli import main
from aos_upgrade_plugin.effects import disk

number, limit = int(sys.argv.pop(1)), int(sys.argv.pop(1))
calls = 0

def surrounded(real):
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == limit:
            os.kill(os.getpid(), number)
        if calls == limit + 1:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments, **named)
    return call

for name, value in list(vars(disk).items()):
    if getattr(value, "__module__", "") == disk.__name__ and callable(value) and name[0] != "_":
        if not isinstance(value, type):
            setattr(disk, name, surrounded(value))
try:
    main()
finally:
    print("calls", calls, file=sys.stderr)
"""


def _stopped(install: Path, number: int, limit: int, *command: str) -> tuple[int, int, str]:
    """Run a command that gets a signal at one of its effects, and another one at the next."""
    ran = subprocess.run(
        [sys.executable, "-c", _STOPPED, str(int(number)), str(limit), *command],
        cwd=install.parent,
        check=False,
        capture_output=True,
        text=True,
    )
    *told, last = ran.stderr.splitlines()
    return ran.returncode, int(last.split()[1]), "\n".join(told)


def test_looking_has_no_effects(install: Path, name: str) -> None:
    """None of the commands that only look calls anything that changes a file system."""
    for command in (["status"], ["backups", "list"], ["backups", "verify", name]):
        assert _stopped(install, signal.SIGINT, 1, *command)[:2] == (0, 0)
        assert _stopped(install, signal.SIGINT, 1, *command, "--json")[:2] == (0, 0)
    assert _stopped(install, signal.SIGINT, 1, "sessions", "list")[:2] == (0, 0)


@pytest.mark.parametrize(
    ("what", "number"),
    [("create", signal.SIGINT), ("restore", signal.SIGTERM), ("restore", signal.SIGHUP)],
)
def test_stopped_anywhere_it_stands_before_or_after(
    aos: Aos, install: Path, name: str, what: str, number: signal.Signals
) -> None:
    """130, nothing half done and said so, a second Ctrl-C changes nothing, and it works again."""
    whole = _content(install)
    shutil.rmtree(install / "mcp_server")
    (install / "standards/universal/one.md").write_text("changed")
    broken = _content(install)
    scratch = install.parent.with_name("scratch") / ".praxis-os"
    shutil.copytree(install, scratch)
    _, calls, _ = _stopped(scratch, number, -1, "backups", what)
    points = 4 if number is signal.SIGINT else 2
    for limit in range(2, calls + 1, max(1, calls // points)):
        status, _, told = _stopped(install, number, limit, "backups", what)
        assert status in {0, 130}, told
        if status:
            assert "error: stopped, with nothing half done" in told
            assert "fix: aos-upgrade status says how everything stands" in told
        assert _content(install) in (broken, whole)
        assert not list((install / ".upgrades").glob("*/transactions/*"))
        assert not list((install / ".backups").glob(".*"))
        assert aos("status", "--json").json["lock"] is None
    assert aos("backups", "restore", name).status == 0
    assert _content(install) == whole


def test_killed_while_restoring_the_next_command_brings_it_to_an_end(
    aos: Aos, install: Path, name: str
) -> None:
    """Looking says so; the next change goes back first; nothing is lost."""
    whole = _content(install)
    shutil.rmtree(install / "mcp_server")
    broken = _content(install)
    said = 0
    for limit in range(3, 40, 6):
        subprocess.run(
            [sys.executable, "-c", _STOPPED, "9", str(limit), "backups", "restore", name],
            cwd=install.parent,
            check=False,
            capture_output=True,
        )
        said += "interrupted: " in aos("status").out
        assert aos("backups", "create").status == 0
        assert _content(install) in (broken, whole)
    assert said
