"""``pytest -p aos_upgrade_plugin``: pytest as everybody knows it, and 0 for a proof only."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.plugin.worlds import World

pytestmark = pytest.mark.usefixtures("unmeasured")

CHECKS = '''
    @check("ACME-1", gate=Gate.PRE_FLIGHT, severity=Severity.BLOCKER, remedy="make it")
    def check_target(target, record_fact):
        """The target is there."""
        record_fact("entries", len(list(target.iterdir())))
        assert target.is_dir()

    @check("ACME-2", gate=Gate.PRE_FLIGHT, severity=Severity.BLOCKER, remedy="remove the file")
    @pytest.mark.slow
    def check_no_trouble(target):
        """There is no trouble."""
        trouble = sorted(path.name for path in target.glob("trouble*"))
        assert trouble == [], "there is trouble"

    @check("ACME-3", gate=Gate.BACKUP, severity=Severity.BLOCKER, remedy="none")
    def check_another_gate(target):
        """This is another gate's."""
        assert False
    '''


@pytest.fixture
def acme(world: World) -> World:
    """Return a world with two checks of the gate."""
    world.install("acme-checks", {"check_acme": CHECKS})
    return world


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="plain"),
        pytest.param(["-n2"], id="parallel"),
        pytest.param(["--lf"], id="last-failed-of-none"),
        pytest.param(["-p", "no:terminal"], id="without-terminal"),
        pytest.param(["--aos-gate=0"], id="by-phase-number"),
    ],
)
def test_all_good_exits_0(acme: World, arguments: list[str]) -> None:
    """Every planned check passed: the exit status is 0."""
    done = acme.pytest(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.measured
def test_a_failure_says_what_to_do(acme: World) -> None:
    """A failed check shows pytest's own introspection, the reason and the remedy; not 0."""
    (acme.target / "trouble").touch()
    done = acme.pytest()
    assert done.returncode == 1
    assert "E         Left contains one more item: 'trouble'" in done.stdout
    assert "gate pre-flight: shut" in done.stdout
    assert "ACME-2 failed: there is trouble" in done.stdout
    assert "fix ACME-2: remove the file" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["-k", "trouble"], id="by-keyword", marks=pytest.mark.faults_full),
        pytest.param(["-k", "ACME-1"], id="by-id"),
        pytest.param(["-k", "nothing"], id="nothing"),
        pytest.param(["-m", "not slow"], id="by-mark", marks=pytest.mark.faults_full),
        pytest.param(["--collect-only"], id="collected-only", marks=pytest.mark.faults_full),
        pytest.param(["--collect-only", "-q"], id="collected-only-quietly"),
        pytest.param(
            ["check_acme.py::check_target"], id="by-node-id", marks=pytest.mark.faults_full
        ),
        pytest.param(["--deselect", "check_acme.py::check_target"], id="deselected"),
        pytest.param(["-n2", "-k", "ACME-1"], id="in-parallel"),
        pytest.param(
            ["--stepwise-skip", "--sw", "-k", "ACME-1"],
            id="stepwise",
            marks=pytest.mark.faults_full,
        ),
    ],
)
def test_a_narrowed_run_is_no_verdict(acme: World, arguments: list[str]) -> None:
    """What ran may be good, but a gate needs it all: never 0, and it says so."""
    done = acme.pytest(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "partial, no verdict" in done.stdout


def test_a_run_without_calls_is_shut(acme: World) -> None:
    """``--setup-plan`` reports checks that were never called as passed; a gate does not."""
    done = acme.pytest("--setup-plan")
    assert done.returncode == 1
    assert "ACME-1 error: it was never called" in done.stdout


def test_a_plugin_that_deselects_makes_it_partial(acme: World) -> None:
    """Also what drops checks without an option does not get a 0."""
    conftest = "def pytest_collection_modifyitems(items):\n    del items[0]\n"
    (acme.folder / "elsewhere" / "conftest.py").write_text(conftest)
    done = acme.pytest()
    assert done.returncode == 1
    assert "partial, no verdict" in done.stdout


def test_last_failed_runs_what_failed(acme: World) -> None:
    """``--lf`` works as everywhere, and is partial as long as something is left out."""
    (acme.target / "trouble").touch()
    assert acme.pytest().returncode == 1
    (acme.target / "trouble").unlink()
    again = acme.pytest("--lf", "-v")
    assert "check_no_trouble PASSED" in again.stdout
    assert "check_target" not in again.stdout
    assert again.returncode == 1


def test_only_the_gates_checks_are_items(acme: World) -> None:
    """Neither another gate's checks nor the tests of the folder we are in are collected."""
    (acme.folder / "elsewhere" / "test_mine.py").write_text("def test_mine(): assert False\n")
    done = acme.pytest("--collect-only", "-q")
    assert done.stdout.splitlines()[:2] == [
        "check_acme.py::check_target",
        "check_acme.py::check_no_trouble",
    ]
    assert "test_mine" not in done.stdout


def test_a_test_that_is_no_check_is_not_found(acme: World) -> None:
    """Naming a file of other tests is an error, not a gate of other tests."""
    (acme.folder / "elsewhere" / "test_mine.py").write_text("def test_mine(): pass\n")
    done = acme.pytest("test_mine.py")
    assert done.returncode not in {0, 5}


@pytest.mark.measured
def test_junitxml_is_pytests_own_with_our_properties(acme: World, tmp_path: Path) -> None:
    """The ids and the facts are properties of the cases that pytest writes."""
    file = tmp_path / "junit.xml"
    acme.pytest(f"--junitxml={file}")
    written = ET.parse(file)  # noqa: S314  pytest has just written it
    properties = [(one.get("name"), one.get("value")) for one in written.iter("property")]
    assert ("aos_fact_entries", "0") in properties
    assert ("aos_check", "ACME-1") in properties


@pytest.mark.measured
def test_a_waiver_lets_the_gate_open(acme: World) -> None:
    """One check, one approver, one reason, not expired: 0, and the waiver is shown."""
    (acme.target / "trouble").touch()
    waivers = acme.folder / "waivers.toml"
    words = 'check = "ACME-2"\napprover = "Ada"\nreason = "known"\n'
    waivers.write_text(f"[[waiver]]\n{words}expires = 2999-01-01\n")
    done = acme.pytest(f"--aos-waivers={waivers}")
    assert done.returncode == 0, done.stdout
    assert "waived by Ada (known): there is trouble" in done.stdout
    waivers.write_text(f"[[waiver]]\n{words}expires = 2001-01-01\n")
    done = acme.pytest(f"--aos-waivers={waivers}")
    assert done.returncode == 1
    assert "expired at 2001-01-02 00:00 UTC" in done.stdout


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("[[waiver]", "no file of waivers", id="no-toml"),
        pytest.param('[[waiver]]\ncheck = "ACME-2"\n', "approver: Field required", id="by-nobody"),
        pytest.param('[[waiver]]\ncheck = "*"\n', "waiver.0.check", id="for-everything"),
    ],
)
def test_a_file_of_waivers_that_makes_no_sense(acme: World, content: str, words: str) -> None:
    """It is refused with the place that is wrong."""
    waivers = acme.folder / "waivers.toml"
    waivers.write_text(content)
    done = acme.pytest(f"--aos-waivers={waivers}")
    assert done.returncode == 4
    assert words in done.stderr


def test_a_space_before_the_target_is_accepted(acme: World) -> None:
    """``--aos-target DIR`` works too, and leaves nothing in the target."""
    arguments = ["--aos-source", str(acme.source), "--aos-target", str(acme.target)]
    done = acme.run_pytest("--aos-gate", "pre-flight", *arguments, cwd=acme.folder / "elsewhere")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(acme.target.iterdir()) == []


def test_nothing_is_written_to_a_target_that_pytest_takes_for_its_root(acme: World) -> None:
    """Started in the target itself, pytest's cache stays away."""
    done = acme.pytest(cwd=acme.target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(acme.target.iterdir()) == []


@pytest.mark.measured
def test_configuration_of_the_target_is_refused(acme: World) -> None:
    """A target does not configure the pytest that judges it."""
    (acme.target / "pytest.ini").write_text("[pytest]\naddopts = --co\n")
    arguments = ["--aos-gate=pre-flight", "--aos-target", str(acme.target)]
    for cwd in (acme.folder / "elsewhere", acme.target):
        done = acme.run_pytest(*arguments, cwd=cwd)
        assert done.returncode == 4
        assert "pytest took its configuration from the target" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--aos-gate=nonsense"], "'nonsense' is no gate", id="gate"),
        pytest.param(["--aos-gate=0", "--aos-target=/nowhere"], "is not a folder", id="target"),
        pytest.param(["--aos-target=."], "means nothing without --aos-gate", id="no-gate"),
        pytest.param(
            ["--aos-gate=0", "--aos-waivers=/no"], "the waivers in /no cannot be read", id="waivers"
        ),
        pytest.param(["--aos-gate=0", "--aos-context=/no"], "No such file", id="context"),
    ],
)
def test_nonsense_is_a_usage_error(acme: World, arguments: list[str], words: str) -> None:
    """One line says what is wrong; no traceback."""
    done = acme.run_pytest(*arguments, cwd=acme.folder / "elsewhere")
    assert done.returncode == 4
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.measured
def test_a_context_file_brings_facts(acme: World) -> None:
    """Who has a context gives it to the checks of a direct run as well."""
    acme.install(
        "acme-checks",
        {
            "check_acme": """
            @check("ACME-9", gate=Gate.PRE_FLIGHT, severity=Severity.BLOCKER, remedy="none")
            def check_facts(facts, session, target):
                assert (facts["colour"], session, target.name) == ("blue", "a_1", ".praxis-os")
            """.replace("target):", 'target):\n                """The facts are there."""')
        },
    )
    context = acme.folder / "context.json"
    context.write_text(json.dumps({"facts": {"colour": "blue"}, "session_id": "a_1"}))
    done = acme.pytest(f"--aos-context={context}")
    assert done.returncode == 0, done.stdout


def test_without_a_gate_the_plugin_does_nothing(acme: World) -> None:
    """Somebody's own fixtures, files and arguments mean what they always meant."""
    project = acme.folder / "elsewhere"
    (project / "conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef target(): return 'mine'\n"
    )
    (project / "test_mine.py").write_text(
        "def test_mine(target, pytestconfig):\n"
        "    assert target == 'mine'\n"
        "    names = [name for name, _ in pytestconfig.pluginmanager.list_name_plugin()]\n"
        "    assert [name for name in names if 'aos' in name] == ['aos_upgrade_plugin']\n"
        "def check_not_a_test(): assert False\n"
    )
    for arguments in ([], ["-p", "aos_upgrade_plugin"], ["--strict-markers", "--strict-config"]):
        done = acme.run_pytest(*arguments, cwd=project)
        assert done.returncode == 0, done.stdout
        assert "1 passed" in done.stdout
        assert "verdict" not in done.stdout
