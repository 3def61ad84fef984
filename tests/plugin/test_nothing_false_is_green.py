"""What would make pytest end with 0 without a proof leaves the isolated gate shut, and says why."""

import signal
from textwrap import dedent, indent

import pytest

from tests.plugin.worlds import World

pytestmark = pytest.mark.usefixtures("unmeasured")

GOOD = """
    @check("ACME-GOOD", gate=Gate.PRE_FLIGHT, severity=Severity.BLOCKER, remedy="none")
    def check_good(target):
        \"\"\"The target is a folder.\"\"\"
        assert target.is_dir()
    """


def bad(body: str, *, mark: str = "", severity: str = "BLOCKER", limit_s: float = 60) -> str:
    """Return a check that does what ``body`` says."""
    return (
        f'@check("ACME-BAD", gate=Gate.PRE_FLIGHT, severity=Severity.{severity},'
        f' remedy="mend it", limit_s={limit_s})\n'
        f'{mark}\ndef check_bad(request):\n    """It is well."""\n{indent(dedent(body), "    ")}\n'
    )


def test_a_gate_of_good_checks_opens(world: World) -> None:
    """Without this the other promises of this page would mean nothing."""
    world.install("acme-checks", {"check_good": GOOD})
    verdict = world.gate().verdict
    assert (verdict.opens, verdict.reasons) == (True, ())


@pytest.mark.parametrize(
    ("code", "outcome", "message"),
    [
        pytest.param(bad("assert 1 == 2, 'it is not'"), "failed", "it is not", id="fails"),
        pytest.param(bad("assert 1 == 2"), "failed", "assert 1 == 2", id="fails-without-words"),
        pytest.param(bad("pytest.skip('no time')"), "skipped", "no time", id="skips"),
        pytest.param(
            bad("pass", mark="@pytest.mark.skip(reason='later')"),
            "skipped",
            "later",
            id="is-skipped",
        ),
        pytest.param(
            bad("assert False", mark="@pytest.mark.xfail"), "skipped", "xfail", id="xfails"
        ),
        pytest.param(bad("pass", mark="@pytest.mark.xfail"), "error", "XPASS", id="xpasses"),
        pytest.param(bad("1 / 0"), "error", "ZeroDivisionError", id="raises"),
        pytest.param(bad("1 / 0", severity="INFO"), "error", "ZeroDivisionError", id="info-raises"),
        pytest.param(bad("pytest.skip('x')", severity="INFO"), "skipped", "x", id="info-skips"),
        pytest.param(
            bad("request.addfinalizer(lambda: 1 / 0)\nassert False", severity="INFO"),
            "error",
            "ZeroDivision",
            id="info-fails-and-does-not-clean-up",
        ),
        pytest.param(bad("raise SystemExit(0)"), "error", "SystemExit: 0", id="exits"),
        pytest.param(bad("os._exit(0)"), "aborted", "ended with status 0", id="ends-the-process"),
        pytest.param(
            bad("pytest.exit('x', 0)"), "aborted", "ended with status 0", id="ends-pytest"
        ),
        pytest.param(bad("os.abort()"), "aborted", "SIGABRT", id="aborts"),
        pytest.param(bad("while True: pass", limit_s=0.5), "aborted", "limit of 0.5 s", id="spins"),
        pytest.param(bad("time.sleep(900)", limit_s=0.5), "aborted", "limit of 0.5 s", id="hangs"),
        pytest.param(bad("return False"), "error", "returned", id="returns-instead-of-asserting"),
        pytest.param(
            bad(
                """
                import threading
                thread = threading.Thread(target=lambda: 1 / 0)
                thread.start()
                thread.join()
                """
            ),
            "error",
            "PytestUnhandledThreadException",
            id="fails-in-a-thread",
        ),
        pytest.param(
            bad("request.addfinalizer(lambda: 1 / 0)"), "error", "ZeroDivision", id="bad-teardown"
        ),
        pytest.param(
            bad("pass").replace("request", "nothing_of_that_name"),
            "error",
            "there is no fixture",
            id="fixture",
        ),
        pytest.param(bad("pass").replace("request", "plan"), "error", "needs a plan", id="no-plan"),
    ],
)
def test_a_bad_check_shuts_the_gate(world: World, code: str, outcome: str, message: str) -> None:
    """However a check fails to prove something, it is named, and the good ones still run."""
    world.install("acme-checks", {"check_bad": code, "check_good": GOOD})
    answer = world.gate()
    assert not answer.verdict.opens
    assert answer.outcomes() == {"ACME-BAD": outcome, "ACME-GOOD": "passed"}
    assert message in (answer.messages()["ACME-BAD"] or "")


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({"PYTEST_ADDOPTS": "--co"}, id="collect-only"),
        pytest.param({"PYTEST_ADDOPTS": "-k nothing"}, id="selects-nothing"),
        pytest.param({"PYTEST_ADDOPTS": "-p no:aos_upgrade_plugin"}, id="without-our-plugin"),
        pytest.param({"PYTEST_PLUGINS": "traitor"}, id="a-plugin-by-environment"),
        pytest.param({"PYTHONPATH": "."}, id="path-of-the-target"),
        pytest.param({"PYTHONSTARTUP": "sitecustomize.py", "PYTHONINSPECT": "1"}, id="startup"),
        pytest.param({"PYTHONOPTIMIZE": "2"}, id="assertions-removed"),
    ],
)
def test_the_surroundings_do_not_reach_a_gate(world: World, environ: dict[str, str]) -> None:
    """A failing check fails, whatever the environment and the folder we start in want."""
    treason = "import os\nos.environ['PYTEST_ADDOPTS'] = '--co'\nos._exit(0)\n"
    for name in ("sitecustomize", "usercustomize", "traitor", "pytest", "conftest", "pluggy"):
        (world.target / f"{name}.py").write_text(treason)
    for name in ("pytest.ini", "tox.ini"):
        (world.target / name).write_text("[pytest]\naddopts = --co\npython_functions = none\n")
    (world.target / "aos_upgrade_plugin").mkdir()
    (world.target / "aos_upgrade_plugin" / "__init__.py").write_text(treason)
    (world.target / ".pth").write_text("import os; os._exit(0)\n")
    world.install("acme-checks", {"check_bad": bad("assert 1 == 2"), "check_good": GOOD})
    jobs = 2 if "PYTHONPATH" in environ else 1  # xdist's workers are started without -I
    answer = world.gate(environ=environ, limits={"jobs": jobs})
    assert answer.outcomes() == {"ACME-BAD": "failed", "ACME-GOOD": "passed"}
    assert not answer.verdict.opens


def test_nothing_planned_is_shut(world: World) -> None:
    """A gate without checks proves nothing."""
    world.install("acme-checks", {"check_good": GOOD})
    answer = world.gate("backup")
    assert answer.planned == []
    assert answer.verdict.reasons == ("nothing is planned: nothing can be proven",)


def test_a_check_that_vanished_shuts_the_gate(world: World) -> None:
    """What was planned from a distribution that is gone is named, with the distribution."""
    world.install("acme-checks", {"check_good": GOOD})
    world.install("other-checks", {"check_other": GOOD.replace("ACME-GOOD", "OTHER-1")})
    planned = world.gate(run=False).planned
    world.uninstall("other-checks")
    answer = world.gate(planned=planned)
    assert answer.outcomes() == {"ACME-GOOD": "passed", "OTHER-1": "error"}
    assert answer.verdict.reasons == (
        "OTHER-1 error: planned from other-checks 1.0, but no longer offered",
    )


def test_a_disabled_plugin_does_not_open_the_gate(world: World) -> None:
    """Leaving a plugin out after its checks were planned is no way around them."""
    world.install("acme-checks", {"check_bad": bad("assert False"), "check_good": GOOD})
    planned = world.gate(run=False).planned
    environ = {"AOS_UPGRADE_DISABLE_PLUGINS": "acme_checks"}
    assert not world.gate(planned=planned, environ=environ).verdict.opens


@pytest.mark.parametrize(
    ("code", "jobs"),
    [
        pytest.param("import of_nothing", 1, id="import-error"),
        pytest.param("import of_nothing", 2, id="import-error-in-parallel"),
        pytest.param("def broken(:", 1, id="syntax-error"),
        pytest.param("pytest.skip('not here', allow_module_level=True)", 1, id="skips-itself"),
        pytest.param("raise SystemExit(0)", 1, id="exits"),
    ],
)
def test_a_module_that_breaks_after_planning(world: World, code: str, jobs: int) -> None:
    """Nobody knows what a module that cannot be imported would have checked: it is named."""
    world.install("acme-checks", {"check_good": GOOD, "check_other": "X = 1"})
    planned = world.gate(run=False).planned
    world.install("acme-checks", {"check_other": code})
    answer = world.gate(planned=planned, limits={"jobs": jobs})
    assert answer.outcomes() == {"ACME-GOOD": "passed"}
    assert not answer.verdict.opens
    assert "acme_checks.checks.check_other of acme-checks 1.0 cannot be imported" in str(
        answer.verdict.doubts
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_gate_that_is_killed_leaves_valid_evidence(world: World, jobs: int) -> None:
    """Killed by force in the middle, each planned check still has an end, and the rest runs."""
    body = f"""
    import psutil
    gate = psutil.Process()
    while not any(word.startswith("--aos-line") for word in gate.cmdline()):
        gate = gate.parent()
    gate.send_signal({signal.SIGKILL.value})
    """
    kill = bad(body)
    late = GOOD.replace("ACME-GOOD", "ACME-LATE")
    world.install("acme-checks", {"check_a": GOOD, "check_b": kill, "check_c": late})
    answer = world.gate(limits={"jobs": jobs})
    outcomes = answer.outcomes()
    assert not answer.verdict.opens
    assert outcomes["ACME-BAD"] == "aborted"
    assert outcomes.keys() == {"ACME-BAD", "ACME-GOOD", "ACME-LATE"}
    assert {*outcomes.values()} <= {"passed", "aborted"}


def test_several_hanging_checks_are_all_named(world: World) -> None:
    """A hang does not hide the next one, in parallel or not, and says where it hung."""
    hang = bad("where_it_hangs()", limit_s=3)
    hang += "\ndef where_it_hangs():\n    time.sleep(900)\n"
    world.install(
        "acme-checks",
        {"check_a": hang, "check_b": hang.replace("ACME-BAD", "ACME-TOO"), "check_c": GOOD},
    )
    answer = world.gate(limits={"jobs": 2})
    assert answer.outcomes() == {
        "ACME-BAD": "aborted",
        "ACME-TOO": "aborted",
        "ACME-GOOD": "passed",
    }
    details = {one.check.id: one.details for one in answer.verdict.results}
    assert "where_it_hangs" in details["ACME-BAD"]


def test_a_worker_that_crashes_is_no_pass(world: World) -> None:
    """In parallel a check takes only its worker with it; it is named all the same."""
    world.install("acme-checks", {"check_bad": bad("os._exit(0)"), "check_good": GOOD})
    answer = world.gate(limits={"jobs": 2})
    assert answer.outcomes() == {"ACME-BAD": "aborted", "ACME-GOOD": "passed"}
    assert "crashed" in (answer.messages()["ACME-BAD"] or "")


def test_a_gate_has_a_limit_of_its_own(world: World) -> None:
    """However long its checks may last."""
    world.install("acme-checks", {"check_bad": bad("time.sleep(900)", limit_s=900)})
    planned = world.gate(run=False).planned
    answer = world.gate(planned=planned, limits={"gate_s": 5})
    assert answer.verdict.doubts[0] == "the gate ran longer than its limit of 5 s"
    assert answer.outcomes() == {"ACME-BAD": "aborted"}


def test_a_module_that_hangs_when_it_is_imported(world: World) -> None:
    """Nothing is heard for too long: no gate, and no list either."""
    world.install("acme-checks", {"check_good": GOOD})
    planned = world.gate(run=False).planned
    world.install("acme-checks", {"check_good": "time.sleep(900)"})
    answer = world.gate(planned=planned, limits={"silence_s": 5})
    assert answer.verdict.doubts[0] == "nothing was heard for 5 s while no check ran"
    refused = world.gate(run=False, limits={"silence_s": 5}).refused
    assert "the checks cannot be listed" in refused


def test_fixtures_that_cannot_be_imported_shut_the_gate(world: World) -> None:
    """The distribution that brings them is named."""
    hooks = """
    @hookimpl
    def aos_check_modules():
        return ["acme_checks.checks"]
    @hookimpl
    def aos_fixture_modules():
        return ["acme_checks.no_such"]
    """
    world.install("acme-checks", {"check_good": GOOD}, hooks=hooks)
    verdict = world.gate().verdict
    assert not verdict.opens
    assert "the fixtures acme_checks.no_such of acme-checks 1.0 cannot be used" in verdict.doubts[0]
