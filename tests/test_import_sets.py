"""What is loaded when nothing of it is needed: import sets of fresh processes, not timings."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = "aos_upgrade_plugin"
SLOW = {
    *("pytest", "_pytest", "mcp", "pydantic", "psutil", "filelock", "jinja2", "yaml"),
    "prometheus_client",
}

_SAY_MODULES = "import json, sys; print('modules:' + json.dumps(sorted(sys.modules)))"

_RUN_COMMAND = f"""
import sys
from {PACKAGE}.cli import main
sys.argv = ["aos-upgrade", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""

_IDLE_CONFTEST = """
import json, sys
from pathlib import Path

def pytest_unconfigure(config):
    Path(__file__).with_name("modules.json").write_text(json.dumps(sorted(sys.modules)))
"""


def _modules_after(code: str, *arguments: str, folder: Path) -> set[str]:
    """Run ``code`` in a fresh process and return the names of all modules it loaded."""
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{_SAY_MODULES}", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    (said,) = (line for line in run.stdout.splitlines() if line.startswith("modules:"))
    return set(json.loads(said.removeprefix("modules:")))


def _ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == PACKAGE}


def test_the_package_loads_only_itself(tmp_path: Path) -> None:
    """``import aos_upgrade_plugin`` costs next to nothing: every pytest run pays for it."""
    modules = _modules_after(f"import {PACKAGE}", folder=tmp_path)
    assert _ours(modules) == {PACKAGE}
    assert not modules & SLOW


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_loads_the_command_line_only(tmp_path: Path, argument: str) -> None:
    """``aos-upgrade --help`` waits for nothing that only a command's work needs."""
    modules = _modules_after(_RUN_COMMAND, argument, folder=tmp_path)
    allowed = (f"{PACKAGE}.cli", f"{PACKAGE}.errors")
    assert {name for name in _ours(modules) - {PACKAGE} if not name.startswith(allowed)} == set()
    assert modules & SLOW == set()


def test_a_server_without_metrics_loads_nothing_for_them(tmp_path: Path) -> None:
    """No metric costs anything unless somebody asked for it."""
    served = f"from pathlib import Path\nfrom {PACKAGE}.mcp_tool import serving\n"
    code = f"{served}serving.server_for(Path(), source=None)"
    assert "prometheus_client" not in _modules_after(code, folder=tmp_path)


def test_an_idle_pytest_run_loads_the_plugin_only(tmp_path: Path) -> None:
    """Whoever has the plugin installed and does not use it does not pay for it."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(_IDLE_CONFTEST)
    (tmp_path / "test_theirs.py").write_text("def test_theirs() -> None:\n    pass\n")
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    modules = set(json.loads((tmp_path / "modules.json").read_text()))
    assert _ours(modules) == {PACKAGE, f"{PACKAGE}.pytest_plugin"}
    assert modules & (SLOW - {"pytest", "_pytest"}) == set()
