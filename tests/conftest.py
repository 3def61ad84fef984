"""The surroundings of every test: nothing of the developer's own machine, and no clock."""

import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from aos_upgrade_plugin.effects.service import processes
from aos_upgrade_plugin.models.server import Site
from aos_upgrade_plugin.phases import serving
from aos_upgrade_plugin.phases.installation import find, site_of
from aos_upgrade_plugin.sample import Environment, Source, build_source, lay_down

# A busy machine is no failure: no test is judged by time.
settings.register_profile("aos-upgrade", deadline=None)
settings.load_profile("aos-upgrade")

# What is started in the background, or by nohup, ignores these, and so would every child that a
# test means to stop. A handler, unlike ignoring, is not inherited; this process goes on as it was.
for _stop in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_stop) is signal.SIG_IGN:
        signal.signal(_stop, lambda *_: None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the whole sweeps where nobody asked for them."""
    asked_for = item.config.getoption("markexpr")
    for sweep in ("clients_full", "faults_full", "random_full"):
        if item.get_closest_marker(sweep) and sweep not in asked_for:
            pytest.skip(f"a whole sweep, by its own command: pytest -m {sweep}")


@pytest.fixture(scope="session", autouse=True)
def _private_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Home, settings and git are the tests' own, in this process and in its children."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith(("AOS_UPGRADE_", "GIT_", "XDG_")):
                patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "A Tester")
            patch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")
        # A child imports what is installed, never what lies in its working directory.
        patch.setenv("PYTHONSAFEPATH", "1")
        yield


@pytest.fixture
def unmeasured(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let children not measure their coverage, which takes them half as long again.

    For modules whose children only do over and over what others do once, measured; a test of such
    a module that is the one to measure says so with the mark ``measured``.
    """
    if request.node.get_closest_marker("measured"):
        return
    for name in [*os.environ]:
        if name.startswith("COVERAGE_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sample_source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Build the sample's source, for tests that only read it."""
    return build_source(tmp_path_factory.mktemp("sample") / "source")


@pytest.fixture
def lay_site(sample_source: Source, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Lay down installations of the sample that can serve; what serves at the end is stopped."""
    with _laying(sample_source, tmp_path) as lay:
        yield lay


@pytest.fixture(scope="module")
def lay_shared_site(
    sample_source: Source, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Site]]:
    """Lay down the same for all tests of a module."""
    with _laying(sample_source, tmp_path_factory.mktemp("shared")) as lay:
        yield lay


@contextmanager
def _laying(source: Source, below: Path) -> Generator[Callable[..., Site]]:
    sites: list[Site] = []

    def lay(version: str = "1.1.0", *, project: str = "project") -> Site:
        folder = below / project
        folder.mkdir(parents=True)
        install = lay_down(source, version, folder, environment=Environment.SHARED)
        sites.append(site_of(find(install)))
        return sites[-1]

    try:
        yield lay
    finally:
        for site in sites:
            for server in serving.look(site).running:
                processes.stop(server.pid, born=server.born, grace_s=0)
