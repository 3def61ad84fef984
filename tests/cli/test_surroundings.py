"""Whatever a command is given, and wherever it runs: two clear lines, never a traceback."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, Aos, help_pages

_READING = [["status"], ["sessions", "list"], ["sessions", "show", "a_session"]]


@pytest.mark.parametrize(
    ("arguments", "message", "fix"),
    [
        (["foo"], "No such command 'foo'", "aos-upgrade --help"),
        (["sessions"], "Missing command", "aos-upgrade sessions --help"),
        (["sessions", "lst"], "Did you mean 'list'", "aos-upgrade sessions --help"),
        (["sessions", "list", "--bogus"], "No such option: --bogus", "sessions list --help"),
        (["sessions", "list", "a"], "unexpected extra argument", "sessions list --help"),
        (["sessions", "show"], "Missing argument", "sessions show --help"),
        (["status", "--target"], "requires an argument", "--help"),
        (["status", "--json=3"], "does not take a value", "--help"),
        (["status", "--target", ""], "is not there", "--target DIR"),
        (["status", "--target", "x" * 5000], "File name too long", "run it again"),
        (["foo\x1b[31m\nbar"], r"foo\x1b[31m", "aos-upgrade --help"),
        (["sessions", "list", "--status", "odd\x07"], r"odd\x07", "active, paused"),
    ],
)
def test_nonsense_is_one_line_with_a_cure(
    aos: Aos, arguments: list[str], message: str, fix: str
) -> None:
    """Wrong usage exits with 2 and says what, harmlessly for the terminal."""
    ran = aos(*arguments)
    assert message in ran.error
    assert fix in ran.err
    assert "\x1b" not in ran.err
    assert ran.status == (1 if "too long" in message else 2)


def test_bytes_that_are_no_text_are_shown_as_such(aos: Aos) -> None:
    """An argument may be anything; what is said about it is text."""
    ran = aos("sessions", "show", os.fsdecode(b"a\xff"))
    assert ran.error == r"there is no session 'a\udcff'"


def test_with_json_an_error_is_the_answer(aos: Aos) -> None:
    """Code, message, cure and exit status are on standard output, and nothing else anywhere."""
    for arguments, status, code in [
        (["sessions", "show", "x"], 2, "AOS-E002"),
        (["status", "--bogus"], 2, "AOS-E001"),
    ]:
        ran = aos(*arguments, "--json")
        assert ran.status == status
        assert ran.json["schema_version"] == 1
        error = ran.json["error"]
        assert set(error) == {"code", "message", "cure", "exit_code"}
        assert (error["code"], error["exit_code"]) == (code, status)
        assert ran.err == ""


def test_nothing_given_shows_the_help(aos: Aos) -> None:
    """Whoever does not know what to type is told."""
    assert aos().out == aos("--help").out
    assert "status" in aos().out


def test_every_command_has_help_of_eighty_columns() -> None:
    """Help fits the narrowest terminals."""
    pages = help_pages()
    assert len(pages) >= 6
    for words, page in pages.items():
        assert page.startswith(f"Usage: {' '.join(['aos-upgrade', *words])} ")
        assert max(len(line) for line in page.splitlines()) <= 80


def test_a_target_that_is_a_file(aos: Aos, install: Path) -> None:
    """A file is no installation, also where one is above it."""
    file = install / "mcp_server/main.py"
    assert aos("status", "--target", str(file)).error == f"'{file}' is no folder"


def test_a_target_may_be_a_link_the_project_or_the_installation(
    aos: Aos, install: Path, tmp_path: Path
) -> None:
    """They are the same installation, under its real name."""
    (tmp_path / "link").symlink_to(install)
    for target in (install, install.parent, tmp_path / "link", install / "standards"):
        ran = aos("status", "--json", "--target", str(target), cwd="/")
        assert ran.json["install"] == str(install)


def test_no_installation_anywhere(aos: Aos, tmp_path: Path) -> None:
    """What was looked for is named."""
    (tmp_path / "empty").mkdir()
    ran = aos("status", cwd=tmp_path / "empty")
    assert "there is no .agent-os or .praxis-os in" in ran.error
    assert ran.status == 2


def test_a_working_directory_that_is_no_text(aos: Aos, tmp_path: Path, install: Path) -> None:
    """Names need not be UTF-8; they are shown escaped."""
    odd = os.fsencode(tmp_path) + b"/odd \xff\x1b"
    try:
        os.mkdir(odd)
    except OSError:
        pytest.skip("this file system takes only text for names")
    os.rename(install, odd + b"/.praxis-os")
    ran = aos("status", "--json", cwd=odd)
    assert ran.json["project"].endswith(r"/odd \xff\x1b")
    assert r"/odd \xff\x1b/.praxis-os" in aos("status", cwd=odd).out


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    """Somebody removed it under us."""
    script = f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir ../gone; exec {COMMAND} status"
    ran = _shell(script)
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: looking for the installation failed")


def _shell(script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["sh", "-c", script], check=False, capture_output=True, text=True)


@pytest.mark.parametrize("arguments", _READING)
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(
    install: Path, session: Callable[..., object], arguments: list[str], closed: str
) -> None:
    """With any of the standard streams closed the command still works, and quietly."""
    session()
    ran = _shell(f"cd {install.parent}; {COMMAND} {' '.join(arguments)} {closed}")
    assert ran.returncode == 0
    assert "Traceback" not in ran.stderr


def test_a_closed_standard_output_never_becomes_a_file(
    install: Path, session: Callable[..., object]
) -> None:
    """What is opened while output is closed does not get its number, and our words."""
    session(workflow_type="other")
    ran = _shell(f"cd {install.parent}; {COMMAND} sessions delete a_session <&- >&- 2>&-")
    assert ran.returncode == 0
    for path in install.rglob("*"):
        assert path.is_dir() or b"deleted a_session" not in path.read_bytes()


@pytest.mark.parametrize("arguments", [*_READING, ["--help"], ["sessions", "list", "--json"]])
def test_a_reader_that_has_seen_enough(
    install: Path, session: Callable[..., object], arguments: list[str]
) -> None:
    """A broken pipe is no error and makes no noise."""
    session(session_status="paused")
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [COMMAND, *arguments], cwd=install.parent, stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (ran.returncode, ran.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_output_that_cannot_be_written_is_an_error(
    install: Path, session: Callable[..., object]
) -> None:
    """A full disk under the answer is said, once."""
    session()
    for arguments in (*_READING, ["status", "--json"], ["sessions", "show", "x", "--json"]):
        ran = _shell(f"cd {install.parent}; {COMMAND} {' '.join(arguments)} > /dev/full")
        assert ran.returncode in {1, 2}
        assert len(ran.stderr.splitlines()) == 2
        assert ran.stderr.startswith("error: ")


def test_no_home(aos: Aos) -> None:
    """Nothing depends on a home folder."""
    assert aos("status", before=("env", "-u", "HOME")).status == 0


@pytest.mark.parametrize("language", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_a_terminal_of_another_encoding(
    aos: Aos, session: Callable[..., object], language: str
) -> None:
    """What it cannot show is shown escaped."""
    session(status_reason="Grüße, 世界")
    ran = aos(
        "sessions",
        "show",
        "a_session",
        env={"LC_ALL": language, "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    )
    assert ran.status == 0
    assert r"Gr\xfc\xdfe, \u4e16\u754c" in ran.out


@pytest.mark.parametrize("forced", [{}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}])
def test_no_colour_into_a_pipe(
    aos: Aos, session: Callable[..., object], forced: dict[str, str]
) -> None:
    """A program that reads us never meets an escape sequence."""
    session()
    assert "\x1b" not in aos("sessions", "list", env=forced).out


@pytest.mark.parametrize(("surroundings", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_on_a_terminal(
    install: Path, session: Callable[..., object], surroundings: dict[str, str], *, coloured: bool
) -> None:
    """A terminal gets some, unless the user wants none."""
    session()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **surroundings}
    environment.pop("NO_COLOR", None) if coloured else None
    primary, secondary = pty.openpty()
    with subprocess.Popen(
        [COMMAND, "sessions", "list"], cwd=install.parent, stdout=secondary, env=environment
    ) as process:
        os.close(secondary)
        shown = b""
        try:
            while chunk := os.read(primary, 1 << 12):
                shown += chunk
        except OSError:  # the other end was closed
            pass
        assert process.wait() == 0
    os.close(primary)
    assert b"a_session" in shown
    assert (b"\x1b[1m" in shown) is coloured


_BROKEN = """
import sys
from aos_upgrade_plugin.cli import main
from aos_upgrade_plugin.phases import overview

def status_of(installation):
    raise ZeroDivisionError("division\\nby \\x1bzero")

overview.status_of = status_of
main()
"""


def _broken(
    install: Path, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _BROKEN, "status", *arguments],
        cwd=install.parent,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_what_nobody_foresaw_is_two_lines_and_a_file(install: Path, tmp_path: Path) -> None:
    """The details are kept where only the user can read them, and the line says where."""
    ran = _broken(install, HOME=str(tmp_path), XDG_STATE_HOME=str(tmp_path / "state"))
    error, fix = ran.stderr.splitlines()
    assert ran.returncode == 1
    assert error == r"error: this should not have happened: ZeroDivisionError: division by \x1bzero"
    (path,) = re.findall(r"the details are in (\S+);", fix)
    assert "Traceback" in Path(path).read_text()
    assert Path(path).stat().st_mode & 0o777 == 0o600
    told = json.loads(_broken(install, "--json", HOME=str(tmp_path)).stdout)["error"]
    assert told["code"] == "AOS-E000"


def test_where_details_cannot_be_kept_the_line_says_so(install: Path, tmp_path: Path) -> None:
    """There is no second error about the first."""
    (tmp_path / "file").touch()
    ran = _broken(install, HOME=str(tmp_path), XDG_STATE_HOME=str(tmp_path / "file" / "state"))
    assert "the details could not be kept" in ran.stderr
    assert len(ran.stderr.splitlines()) == 2
