"""Real environments with real distributions in them, and gates that run there."""

import io
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from pydantic import TypeAdapter

import aos_upgrade_plugin
from aos_upgrade_plugin.models.event import AnyEvent, Event
from aos_upgrade_plugin.models.gate import PlannedCheck
from aos_upgrade_plugin.models.gate_report import GateReport

HEAD = "from aos_upgrade_plugin.api import *\nimport os, pytest, time\n"

# What the engine does with a gate, in the interpreter of the environment.
_GATE = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from aos_upgrade_plugin.decide.run.gate import judge
from aos_upgrade_plugin.effects.gate.check_list import collect
from aos_upgrade_plugin.effects.gate.event_log import EventLog
from aos_upgrade_plugin.effects.gate.gate_run import run_gate
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.models.gate import GateContext, Limits, PlannedCheck
from aos_upgrade_plugin.models.waiver import Waiver

order = json.load(sys.stdin)
context = GateContext.model_validate(order["context"])
limits = Limits.model_validate(order["limits"])
try:
    if order["planned"] is None:
        planned = collect(context, limits=limits)
    else:
        planned = tuple(PlannedCheck.model_validate(one) for one in order["planned"])
    answer = {"planned": [one.model_dump(mode="json") for one in planned]}
    if order["run"]:
        with EventLog(Path(order["log"])) as log:
            def heard(event):
                log.append(event)
                print(event.kind, getattr(event, "check", ""), file=sys.stderr, flush=True)
            events = run_gate(context, planned, limits=limits, on_event=heard)
        waivers = [Waiver.model_validate(one) for one in order["waivers"]]
        report = judge(planned=planned, events=events, waivers=waivers, now=datetime.now(UTC))
        answer["events"] = [event.model_dump(mode="json") for event in events]
        answer["report"] = report.model_dump(mode="json")
except UpgradeError as error:
    answer = {"refused": str(error), "cure": error.cure}
print(json.dumps(answer))
"""

_EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[AnyEvent])
_PLANNED: TypeAdapter[list[PlannedCheck]] = TypeAdapter(list[PlannedCheck])


class Answer(NamedTuple):
    """What came of an order."""

    planned: list[PlannedCheck]
    events: list[Event]
    report: GateReport | None
    refused: str
    cure: str

    @property
    def verdict(self) -> GateReport:
        """The report of a gate that ran."""
        assert self.report is not None, self.refused
        return self.report

    def outcomes(self) -> dict[str, str]:
        """How each check ended."""
        return {one.check.id: one.outcome.value for one in self.verdict.results}

    def messages(self) -> dict[str, str | None]:
        """What each check said."""
        return {one.check.id: one.message for one in self.verdict.results}


class World:
    """A fresh virtual environment with what we are tested with, and a folder to upgrade."""

    def __init__(self, folder: Path, *, built_in_checks: bool = False) -> None:
        """Make it by hand: a link to the interpreter, and a path to its packages.

        Without the built-in checks each test brings all checks of its world.
        """
        self.folder = folder
        self.target = folder / "project" / ".praxis-os"
        self.source = folder / "source"
        for made in (self.target, self.source, folder / "elsewhere"):
            made.mkdir(parents=True)
        self.log = folder / "evidence" / "events.jsonl"
        venv = folder / "venv"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.site_packages = venv / "lib" / version / "site-packages"
        self.site_packages.mkdir(parents=True)
        (venv / "bin").mkdir()
        base = Path(getattr(sys, "_base_executable", sys.executable))
        (venv / "pyvenv.cfg").write_text(
            f"home = {base.parent}\ninclude-system-site-packages = false\n"
        )
        self.python = venv / "bin" / "python"
        self.python.symlink_to(base)
        ours = sysconfig.get_path("purelib")
        (self.site_packages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
        if not built_in_checks:
            self._install_ours_without_its_checks()

    def _install_ours_without_its_checks(self) -> None:
        real = Path(aos_upgrade_plugin.__file__).parent
        package = self.site_packages / real.name
        package.mkdir()
        for part in real.iterdir():
            if part.name != "_bundled":
                (package / part.name).symlink_to(part)

    def install(
        self,
        name: str,
        modules: Mapping[str, str],
        *,
        hooks: str | None = None,
        version: str = "1.0",
    ) -> None:
        """Install a distribution with modules of checks, a plugin and its entry point."""
        package = name.replace("-", "_")
        root = self.site_packages / package
        (root / "checks").mkdir(parents=True, exist_ok=True)
        (root / "__init__.py").write_text("")
        (root / "checks" / "__init__.py").write_text("")
        for module, code in modules.items():
            (root / "checks" / f"{module}.py").write_text(HEAD + dedent(code))
        (root / "plugin.py").write_text(
            "from aos_upgrade_plugin.api import hookimpl\n"
            + dedent(
                hooks
                or f"""
                @hookimpl
                def aos_check_modules():
                    return ["{package}.checks"]
                """
            )
        )
        info = self.site_packages / f"{package}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[aos_upgrade]\n{package} = {package}.plugin\n")

    def uninstall(self, name: str, version: str = "1.0") -> None:
        """Take a distribution away; its package stays where nobody names it."""
        info = self.site_packages / f"{name.replace('-', '_')}-{version}.dist-info"
        (info / "entry_points.txt").unlink()

    def gate(  # noqa: PLR0913  an order has so many parts
        self,
        gate: str | None = "pre-flight",
        *,
        run: bool = True,
        planned: list[PlannedCheck] | None = None,
        limits: Mapping[str, object] | None = None,
        waivers: Sequence[Mapping[str, object]] = (),
        environ: Mapping[str, str] | None = None,
        context: Mapping[str, object] | None = None,
    ) -> Answer:
        """List the checks of a gate and run it isolated, as the engine does."""
        order = {
            "context": {**self._given(gate), **(context or {})},
            "run": run,
            "planned": None if planned is None else _PLANNED.dump_python(planned, mode="json"),
            "limits": limits or {},
            "waivers": list(waivers),
            "log": str(self.log),
        }
        done = subprocess.run(
            [self.python, "-I", "-c", _GATE],
            input=json.dumps(order),
            cwd=self.target,
            env={**os.environ, **(environ or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        return Answer(
            _PLANNED.validate_python(answer.get("planned", [])),
            _EVENTS.validate_python(answer.get("events", [])),
            GateReport.model_validate(answer["report"]) if "report" in answer else None,
            answer.get("refused", ""),
            answer.get("cure", ""),
        )

    def start_gate(self) -> subprocess.Popen[str]:
        """Start the runner of the pre-flight gate, and leave it alone."""
        order: dict[str, object] = {"context": self._given("pre-flight"), "run": True}
        order |= {"planned": None, "limits": {}, "waivers": [], "log": str(self.log)}
        runner = subprocess.Popen(
            [self.python, "-I", "-c", _GATE],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with runner.stdin or io.StringIO() as told:
            told.write(json.dumps(order))
        return runner

    def _given(self, gate: str | None) -> dict[str, object]:
        return {"gate": gate, "target": str(self.target), "source": str(self.source)}

    def pytest(
        self,
        *arguments: str,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the pre-flight gate directly, as a person does, from a folder that is no project."""
        return self.run_pytest(
            *("-p", "aos_upgrade_plugin", "--aos-gate=pre-flight"),
            *(f"--aos-target={self.target}", f"--aos-source={self.source}", *arguments),
            cwd=cwd or self.folder / "elsewhere",
            environ=environ,
        )

    def run_pytest(
        self, *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run pytest in this environment."""
        return subprocess.run(
            [self.python, "-m", "pytest", *arguments],
            cwd=cwd,
            env={**os.environ, **(environ or {})},
            capture_output=True,
            text=True,
            check=False,
        )
