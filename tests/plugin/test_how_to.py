"""The distribution of ``docs/how-to/write-a-check.md``, typed off, built and installed."""

import re
import subprocess
import sys
from pathlib import Path

from aos_upgrade_plugin.models.gate import Distribution
from tests.plugin.worlds import World

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-check.md"
FILES = {
    "pyproject.toml": "toml",
    "acme_checks/plugin.py": "python",
    "acme_checks/checks/check_disk.py": "python",
}


def test_the_distribution_of_the_page_works(world: World) -> None:
    """Whoever types the page off has a check that is listed, planned, run and enforced."""
    project = world.folder / "acme-checks"
    (project / "acme_checks" / "checks").mkdir(parents=True)
    blocks = iter(re.findall(r"```(toml|python)\n(.*?)```", PAGE.read_text(), re.DOTALL))
    for name, language in FILES.items():
        written_in, code = next(blocks)
        assert written_in == language
        (project / name).write_text(code)
    for package in (project / "acme_checks", project / "acme_checks" / "checks"):
        (package / "__init__.py").touch()
    _uv("build", "--quiet", "--wheel", str(project))
    (wheel,) = (project / "dist").glob("*.whl")
    _uv("pip", "install", "--quiet", "--no-deps", "--python", str(world.python), str(wheel))

    answer = world.gate()
    (planned,) = answer.planned
    assert (planned.id, planned.title) == ("ACME-DISK-1", "At least 10 GB are free")
    assert planned.distribution == Distribution(name="acme-checks", version="1.0")
    free_bytes = answer.verdict.facts["acme_free_bytes"]
    assert isinstance(free_bytes, int)
    assert answer.verdict.opens is (free_bytes >= 10_000_000_000)
    assert world.pytest("-k", "ACME-DISK-1").returncode == int(not answer.verdict.opens)


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", "--offline", *arguments], check=True)
