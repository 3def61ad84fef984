"""Says which package is under test: the working tree, or, for ``make test``, the built wheel."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test the working tree where the wheel was promised."""
    del config
    if os.environ.get("AOS_TEST_WHEEL") == "1" and _package() == HERE / "aos_upgrade_plugin":
        raise pytest.UsageError(f"AOS_TEST_WHEEL=1, but the package under test is {_package()}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Let ``-n auto`` start one more than there are processors: tests wait for their children."""
    return (os.cpu_count() or 1) + 1


def pytest_report_header() -> str:
    """Name the package under test on every run."""
    return f"package under test: {_package()}"


def _package() -> Path:
    spec = find_spec("aos_upgrade_plugin")
    if spec is None or spec.origin is None:
        raise pytest.UsageError("aos_upgrade_plugin is not installed; run: make dev")
    return Path(spec.origin).resolve().parent
