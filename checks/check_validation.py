"""Phase 4: the upgraded installation is as it shall be, everything taken together."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from aos_upgrade_plugin.api import (
    Applicability,
    Applies,
    Gate,
    GateContext,
    Installation,
    NotApplies,
    Place,
    ServerNow,
    Severity,
    ToolCall,
    UpgradePlan,
    ask_server,
    check,
    find_installation,
    locate,
    parse_commented_json,
    standing,
)

RecordFact = Callable[[str, object], None]

_ERROR = re.compile(r"\b(ERROR|CRITICAL|FATAL)\b|^Traceback \(most recent call last\)")
_CHANGING = re.compile(r"[0-9]+")
_MOST_LOG_BYTES = 1 << 24
_TESTS_LIMIT_S = 600.0
_TAKES_ITS_TIME_S = 900
_EDITORS = frozenset({".cursor", ".vscode"})
"""The folders in which editors keep their settings."""


@check(
    "AOS-V001",
    gate=Gate.VALIDATION,
    severity=Severity.BLOCKER,
    remedy="look at what writes to the installation meanwhile, then run again",
)
def check_content_still_equals_plan(
    installation: Installation, plan: UpgradePlan, evidence: Path, record_fact: RecordFact
) -> None:
    """What the upgrade laid down still stands as the plan wants it."""
    differing = [
        one.change.path
        for one in plan.changes
        if standing(installation, one.change) != one.change.after
    ]
    record_fact("paths_validated", len(plan.changes) - len(differing))
    record_fact("validation_report", str(evidence.parent / "validation-report.json"))
    assert not differing, f"changed since it was laid down: {', '.join(differing[:5])}"


@check(
    "AOS-V002",
    gate=Gate.VALIDATION,
    severity=Severity.BLOCKER,
    remedy="the source brings a file that cannot be read: tell its authors",
)
def check_new_json_can_be_read(installation: Installation, plan: UpgradePlan) -> None:
    """Every JSON file that came can be read by whoever needs it.

    Editors read their own with remarks and a comma behind the last item.
    """
    roots = {Place.INSTALL: installation.path, Place.PROJECT: installation.project}
    broken = []
    for one in plan.changes:
        path = one.change.path
        if one.relation is None or one.change.after is None or not path.endswith(".json"):
            continue
        parse = parse_commented_json if _EDITORS & {*path.split("/")} else json.loads
        try:
            parse(Path(os.fsdecode(locate(roots[one.change.place], path))).read_text("utf-8"))
        except FileNotFoundError:  # that it is gone is for the check above to say
            continue
        except ValueError as error:
            broken.append(f"{path}: {error}")
    assert not broken, "; ".join(broken[:5])


def logs_to_us(context: GateContext) -> Applicability:
    """Apply where this run started the server, and so knows where it logs from when on."""
    server = ServerNow.told_in(context.facts)
    if server is None or server.started is None or server.log is None:
        return NotApplies(reason="this run started no server")
    return Applies()


@check(
    "AOS-V010",
    gate=Gate.VALIDATION,
    severity=Severity.WARNING,
    remedy="read the log, which the evidence names; what the server does is proven by other checks",
    applies=logs_to_us,
)
def check_log_is_clean(server: ServerNow, record_fact: RecordFact) -> None:
    """The server logged no error since it was restarted that it had not logged before."""
    with Path(str(server.log)).open("rb") as log:
        known = {_CHANGING.sub("", line) for line in _errors(log.read(server.log_from_bytes))}
        errors = _errors(log.read(_MOST_LOG_BYTES))
    fresh = [line for line in errors if _CHANGING.sub("", line) not in known]
    record_fact("log_errors", len(errors))
    record_fact("log_errors_new", fresh[:20])
    assert not fresh, f"{server.log}: {fresh[0]}"


def _errors(text: bytes) -> list[str]:
    lines = text.decode("utf-8", "replace").splitlines()
    return [line.strip()[:300] for line in lines if _ERROR.search(line)]


def tests_wanted(context: GateContext) -> Applicability:
    """Apply where somebody asked for the installation's own tests, and they can be run."""
    if context.facts.get("skip_tests") is not False or context.target is None:
        return NotApplies(reason="nobody asked for the unit tests of the installation")
    installation = find_installation(context.target)
    if not any(_unit_tests(installation)):
        return NotApplies(reason="the installation has no unit tests")
    has_pytest = "import importlib.util as u, sys; sys.exit(u.find_spec('pytest') is None)"
    if not _runs(installation, "-c", has_pytest, limit_s=30):
        return NotApplies(reason="there is no pytest in the environment of the installation")
    return Applies()


@check(
    "AOS-V011",
    gate=Gate.VALIDATION,
    severity=Severity.BLOCKER,
    remedy="run them yourself to see what they say: venv/bin/python -m pytest mcp_server",
    applies=tests_wanted,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_unit_tests(target: Path, record_fact: RecordFact) -> None:
    """The unit tests that the installation brings pass in its own environment."""
    installation = find_installation(target)
    tests = [*map(str, _unit_tests(installation))]
    quietly = ("-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(target))
    passed = _runs(installation, "-m", "pytest", *quietly, *tests, limit_s=_TESTS_LIMIT_S)
    record_fact("unit_test_files", len(tests))
    record_fact("unit_tests_passed", passed)
    assert passed, f"not all pass in {_TESTS_LIMIT_S:.0f} s"


def _unit_tests(installation: Installation) -> Iterator[Path]:
    return (installation.path / installation.layout.server).rglob("test_*.py")


def _runs(installation: Installation, *arguments: str, limit_s: float) -> bool:
    """Run the environment's Python to a good end; all that it started ends with it."""
    kept = {"PYTHONPATH": str(installation.path), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(  # noqa: S603  the installation's own Python, without a shell
        [installation.path / installation.layout.environment / "bin/python", *arguments],
        cwd=installation.project,
        env={**os.environ, **kept},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            return process.wait(limit_s) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return False


def with_browser(context: GateContext) -> Applicability:
    """Apply where the configuration enables the browser, and the server has a tool for it."""
    server = ServerNow.told_in(context.facts)
    if server is None or context.target is None or not _browser_is_enabled(context.target):
        return NotApplies(reason="the browser is not enabled in the configuration")
    if not _browser_tool(server):
        return NotApplies(reason="the new version has no tool for a browser")
    return Applies()


@check(
    "AOS-V012",
    gate=Gate.VALIDATION,
    severity=Severity.WARNING,
    remedy="install the browser: venv/bin/playwright install chromium",
    applies=with_browser,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_browser_opens(
    server: ServerNow, restart_timeout_s: float, record_fact: RecordFact
) -> None:
    """The browser tool opens an empty page."""
    steps: tuple[Mapping[str, str], ...] = (
        {"action": "navigate", "url": "about:blank", "session_id": "aos_upgrade"},
        {"action": "close", "session_id": "aos_upgrade"},
    )
    calls = [ToolCall(tool=_browser_tool(server), arguments=step) for step in steps]
    assert server.endpoint is not None, "nobody can be asked"
    answered = ask_server(server.endpoint, limit_s=restart_timeout_s, calls=calls)
    problem = answered.problem or answered.answers[0].problem
    content = None if problem else answered.answers[0].content
    if isinstance(content, dict) and content.get("status") == "error":
        problem = str(content.get("error", "it says error"))
    record_fact("browser_tools_enabled", True)  # noqa: FBT003 - a fact's value
    record_fact("browser_smoke_test", "failed" if problem else "passed")
    assert not problem, problem


def _browser_tool(server: ServerNow) -> str:
    """Return the name of the tool that drives a browser, empty where there is none."""
    tools = server.expected_tools or (server.started.probe.tools if server.started else ())
    return next((tool for tool in tools if "browser" in tool), "")


def _browser_is_enabled(target: Path) -> bool:
    installation = find_installation(target)
    try:
        config = json.loads((installation.path / installation.layout.config).read_bytes())
    except (OSError, ValueError):
        return False
    match config:
        case {"mcp": {"enabled_tool_groups": [*groups]}}:
            return "browser" in groups
        case _:
            return False
