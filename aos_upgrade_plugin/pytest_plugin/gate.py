"""Puts a gate together inside pytest: for the runner, for a person, or in a worker of xdist."""

import faulthandler
import gc
import resource
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest

from aos_upgrade_plugin.effects.gate.waiver_file import read_waivers
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.models.event import Finished, Offered, Trouble
from aos_upgrade_plugin.models.gate import GateContext, NotApplies, PlannedCheck
from aos_upgrade_plugin.models.words import line as one_line
from aos_upgrade_plugin.models.words import text
from aos_upgrade_plugin.plugins import DISABLE, installed_plugins
from aos_upgrade_plugin.pytest_plugin import fixtures
from aos_upgrade_plugin.pytest_plugin.collection import Collection
from aos_upgrade_plugin.pytest_plugin.duty import (
    KEY,
    Duty,
    Tell,
    applicability,
    context_of,
    decide,
    plugin_name,
    repeat,
)
from aos_upgrade_plugin.pytest_plugin.fixture_modules import load_fixture_modules
from aos_upgrade_plugin.pytest_plugin.inventory import FoundCheck, take_inventory
from aos_upgrade_plugin.pytest_plugin.ledger import Ledger
from aos_upgrade_plugin.pytest_plugin.line import Line
from aos_upgrade_plugin.pytest_plugin.measuring import Measuring, is_finding
from aos_upgrade_plugin.pytest_plugin.verdict import Verdict

_SHARED = "aos_context"
_STDERR = 2
# A check that returns its answer, or asserts in a thread, would pass whatever it found.
_NO_MERE_WARNINGS = ("PytestReturnNotNoneWarning", "PytestUnhandledThreadExceptionWarning")


def begin(config: pytest.Config) -> None:
    """Make this pytest run a gate."""
    shared: dict[str, Any] | None = getattr(config, "workerinput", None)
    if shared is not None:
        with _told(lambda _: None):
            _equip(config, _repeated(config, GateContext.model_validate_json(shared[_SHARED])))
    elif config.getoption("aos_line") is not None:
        _begin_for_the_runner(config)
    else:
        _begin_for_a_person(config)


def offer(config: pytest.Config) -> pytest.ExitCode:
    """Tell the runner of every check, with whether it applies as far as that is known now."""
    _prepare_to_be_stopped(config)
    line = Line(config.option.aos_line)
    with _told(line.tell):
        plugins = installed_plugins()
        inventory = take_inventory(plugins.check_modules())
        context = plugins.with_facts(context_of(config))
    for module in inventory.broken:
        name = module.distribution.name
        cure = f"repair or uninstall {name}, or leave it out: {DISABLE}={name}"
        line.tell(Trouble(message=module.headline, cure=cure, details=text(module.problem)))
    for found in inventory.checks:
        if context.gate in {None, found.planned.gate}:
            line.tell(Offered(check=_as_offered(found, context)))
    line.tell(Finished(exit_status=0))
    line.hang_up()
    _keep_what_is_loaded()
    return pytest.ExitCode.OK


def _begin_for_the_runner(config: pytest.Config) -> None:
    _prepare_to_be_stopped(config)
    line = Line(config.option.aos_line)
    with _told(line.tell):
        duty = _decided(config, line.tell)
        _equip(config, duty)
    _register(config, Ledger(duty, line.tell), _LastWord(line))
    _keep_what_is_loaded()


def _begin_for_a_person(config: pytest.Config) -> None:
    verdict = Verdict()
    with _told(verdict.tell):
        waivers = config.getoption("aos_waivers")
        verdict.waivers = read_waivers(waivers) if waivers else ()
        duty = _decided(config, verdict.tell)
        _equip(config, duty)
    verdict.duty = duty
    _register(config, Ledger(duty, verdict.tell), verdict)


def _prepare_to_be_stopped(config: pytest.Config) -> None:
    # A check that is stopped says where it was, and leaves no core file anywhere.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    # Should the runner be killed: pytest ends items that hang, and this what hangs before them.
    guard_s = float(config.getini("faulthandler_timeout"))
    faulthandler.dump_traceback_later(guard_s, exit=True, file=_STDERR)


def _keep_what_is_loaded() -> None:
    # pytest searches for garbage several times when it ends: a fifth of what a gate took.
    gc.freeze()
    gc.enable()


def _decided(config: pytest.Config, tell: Tell) -> Duty:
    plugins = installed_plugins()
    load_fixture_modules(config, plugins)
    context = plugins.with_facts(context_of(config))
    return decide(take_inventory(plugins.check_modules()), context, tell)


def _repeated(config: pytest.Config, context: GateContext) -> Duty:
    plugins = installed_plugins()
    load_fixture_modules(config, plugins)
    return repeat(take_inventory(plugins.check_modules()), context)


def _equip(config: pytest.Config, duty: Duty) -> None:
    """Register what collects and runs the checks, in whichever process that happens."""
    config.stash[KEY] = duty
    for warning in _NO_MERE_WARNINGS:
        config.addinivalue_line("filterwarnings", f"error::pytest.{warning}")
    # Registered last, so that nobody's fixture of the same name stands before ours.
    config.pluginmanager.register(fixtures, fixtures.__name__)
    _register(config, Collection(duty, config), Measuring(), _Sharing(duty))


def _register(config: pytest.Config, *parts: object) -> None:
    for part in parts:
        config.pluginmanager.register(part, plugin_name(type(part)))


def _as_offered(found: FoundCheck, context: GateContext) -> PlannedCheck:
    try:
        answer = applicability(found, context)
    except Exception:  # noqa: BLE001  what it needs may not be known yet; the gate asks again
        return found.planned
    reason = answer.reason if isinstance(answer, NotApplies) else None
    return found.planned.model_copy(update={"not_applicable": reason})


@contextmanager
def _told(tell: Tell) -> Generator[None]:
    """Turn an error into two lines for a person, and into trouble for the gate."""
    try:
        yield
    except UpgradeError as error:
        tell(Trouble(message=one_line(str(error)), cure=error.cure))
        raise pytest.UsageError(f"{error}\nfix: {error.cure}") from error


class _Sharing:
    """Gives xdist's workers what was decided, and pytest a word for findings."""

    def __init__(self, duty: Duty) -> None:
        self._shared = duty.context.model_dump_json()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401  xdist has no types
        """Hand the context to a worker before it starts."""
        node.workerinput[_SHARED] = self._shared

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Call a failed warning a finding."""
        if is_finding(report):
            return "finding", "w", ("FINDING", {"yellow": True})
        return None


class _LastWord:
    """Tells the runner that pytest came to its proper end."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """Say so after everybody else."""
        yield
        self._line.tell(Finished(exit_status=int(session.exitstatus)))
        self._line.hang_up()
