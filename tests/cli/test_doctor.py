"""``aos-upgrade doctor``: everything on one screen, a fix for each problem, nothing changed."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from aos_upgrade_plugin.models.server import Site
from tests.checks import gates
from tests.cli.conftest import Aos


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return what changes whenever anything below a folder does."""
    found = [folder, *folder.rglob("*")]
    return {str(each): (each.lstat().st_mtime_ns, each.lstat().st_ctime_ns) for each in found}


def test_a_healthy_installation(lay_site: Callable[..., Site], aos: Aos) -> None:
    """All of it on one screen: environment, server, search, clients; exit status 0."""
    site = lay_site("1.2.0", project="served")
    started = gates.start(site)
    subprocess.run(["git", "init", "--quiet", site.project], check=True)
    ran = aos("doctor", cwd=site.project)
    assert ran.status == 0, ran
    for words in (
        f"process {started.pid}, http",
        f"{started.url}: sample-agent-os 1.2.0, 5 tools",
        "search        works",
        ".mcp.json (praxis-os), .cursor/mcp.json (praxis-os)",
        "are not committed",
        "healthy",
        "fix: aos-upgrade backups create",
    ):
        assert words in ran.out
    assert len(ran.out.splitlines()) <= 24


def test_every_problem_has_its_fix(lay_site: Callable[..., Site], aos: Aos) -> None:
    """Packages that do not fit, a silent search, a damaged backup, a broken configuration."""
    site = lay_site("silent-search", project="served")
    started = gates.start(site)
    gates.inconsistencies(site, "needs-teapot", requires="teapot>=2")
    (site.install / "mcp_server/requirements.txt").write_text("kettle>=3\n")
    (site.install / "config.json").write_text("{")
    (site.install / ".backups/2025-11-21-043842").mkdir(parents=True)
    ran = aos("doctor", "--json", cwd=site.project)
    assert ran.status == 1
    fixes = {each["why"]: each["command"] for each in json.loads(ran.out)["problems"]}
    told = "\n".join(f"{why} -> {command}" for why, command in fixes.items())
    for words in ("kettle", "needs-teapot", "config.json is no JSON", "own data", "is damaged"):
        assert words in told
    assert f"-m pip install -r {site.install}/mcp_server/requirements.txt" in told
    assert f"kill {started.pid}" in told
    assert "aos-upgrade backups verify 2025-11-21-043842" in told


def test_nothing_is_changed(install: Path, aos: Aos) -> None:
    """Not a byte and not a time, also of an installation that cannot run anything."""
    before = _stamps(install.parent)
    ran = aos("doctor")
    assert ran.status == 1
    assert "problem       there is no environment to run the server with" in ran.out
    assert f"fix: python3 -m venv {install}/venv" in ran.out
    assert _stamps(install.parent) == before
    os.mkfifo(install / "pipe")
    assert aos("doctor").status == 1
