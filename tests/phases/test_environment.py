"""The environment of an installation: planned, built beside, exchanged, taken back."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from aos_upgrade_plugin.effects.environment.distributions import requirements
from aos_upgrade_plugin.effects.environment.requirements import read_requirements
from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.effects.session.lock import hold
from aos_upgrade_plugin.effects.tree.files import read_tree
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.errors import (
    BusyError,
    DamagedError,
    PackagesError,
    RefusedError,
    StaleError,
)
from aos_upgrade_plugin.models.journal import JournalHeader
from aos_upgrade_plugin.models.packages import (
    STAGE,
    EnvironmentPlan,
    PostInstallCommand,
    PostInstallContext,
    Requirements,
)
from aos_upgrade_plugin.phases.environment import (
    build_environment,
    environment_change,
    environment_problems,
    settle_environment,
)
from aos_upgrade_plugin.phases.environment_planning import (
    lay_out_requirements,
    plan_environment,
    plan_former_environment,
)
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.source import take
from tests.effects.environments import Told, lay_down_environment, says, tell
from tests.effects.repositories import Item, build
from tests.effects.wheels import Wheel, put_source

MAIN = """
import sys, time
def main():
    print("alpha", __version__, sys.prefix, *sys.argv[1:], flush=True)
    if "fail" in sys.argv:
        sys.exit("error: the browser cannot be had")
    if "wait" in sys.argv:
        time.sleep(600)
"""


def _no_steps(_: PostInstallContext) -> tuple[PostInstallCommand, ...]:
    return ()


class Site(NamedTuple):
    """An installation with an environment, and what a new version asks for."""

    installation: Installation
    bench: Workbench
    asked: Path

    @property
    def install(self) -> Path:
        """Where it is."""
        return self.installation.path

    @property
    def venv(self) -> Path:
        """Where its environment is."""
        return self.install / "venv"

    def plan(self, *lines: str, steps: tuple[PostInstallCommand, ...] = ()) -> EnvironmentPlan:
        """Plan a new requirements file."""
        self.asked.write_text("".join(f"{line}\n" for line in lines))
        return plan_environment(self.installation, self.asked, self.bench, detect=lambda _: steps)

    def build(self, plan: EnvironmentPlan) -> list[str]:
        """Build it; return the steps that were run."""
        return [step.command for step in build_environment(self.installation, plan, self.bench)]

    def exchange(self) -> Transaction:
        """Put what was built into its place."""
        header = JournalHeader(
            owner="a_session",
            purpose="server",
            created_at=datetime.now(UTC),
            changes=(environment_change(self.installation),),
        )
        transaction = Transaction.prepare(self.install, header, lambda _: b"")
        transaction.apply()
        return transaction

    def check(self, plan: EnvironmentPlan) -> tuple[str, ...]:
        """Name what is wrong in its place."""
        settle_environment(self.installation, plan, self.bench)
        return environment_problems(self.installation, plan)

    def packages(self) -> list[str]:
        """List what is installed."""
        return requirements(self.venv).split()


@pytest.fixture(params=Told)
def site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Lay down ``alpha`` 1.0 and a package of the user's own; newer ones can be had."""
    wheels = tmp_path / "wheels"
    tell(monkeypatch, request.param, wheels)
    for version in ("1.0", "2.0"):
        Wheel("alpha", version, ("beta>=1",), {"alpha": "main"}, MAIN).put(wheels)
    Wheel("beta", "1.0").put(wheels)
    Wheel("beta", "1.1").put(wheels)
    Wheel("mine", "0.1").put(wheels)
    layout = next(each for each in known() if each.folder == ".praxis-os")
    install = tmp_path / "it's a project/.praxis-os"
    for folder in ("standards", "mcp_server"):
        (install / folder).mkdir(parents=True)
    (install / layout.requirements).write_text("alpha\n")
    lay_down_environment(install / "venv", "alpha==1.0", "beta==1.0", "mine")
    bench = Workbench(tmp_path / "bench")
    return Site(Installation(install, install.parent, layout), bench, tmp_path / "asked.txt")


by_one = pytest.mark.parametrize("site", [Told.UV], indirect=True)
"""For promises that do not depend on who installs."""

NEW = ["alpha==2.0", "beta==1.0", "mine==0.1"]
OLD = ["alpha==1.0", "beta==1.0", "mine==0.1"]


def test_the_whole_trip(site: Site) -> None:
    """Planned, shown, built beside, exchanged, checked; what was there before is gone at commit."""
    plan = site.plan("alpha>=1.5")
    assert plan.lacking == ("alpha>=1.5 (1.0 is installed)",)
    assert [str(each) for each in plan.changes] == ["upgraded alpha 1.0 → 2.0 (major jump)"]
    before = read_tree(site.venv)
    assert site.build(plan) == []
    assert read_tree(site.venv) == before
    transaction = site.exchange()
    assert site.check(plan) == ()
    assert says(site.venv / "bin/alpha") == f"alpha 2.0 {site.venv}"
    assert site.packages() == NEW
    assert read_tree(site.install / STAGE) == before
    transaction.commit()
    assert sorted(os.listdir(site.install)) == ["mcp_server", "standards", "venv"]


def test_the_way_back_is_one_exchange(site: Site) -> None:
    """Undone, the very same environment is back, and the new one is gone."""
    before, inode = read_tree(site.venv), site.venv.stat().st_ino
    site.build(site.plan("alpha>=1.5"))
    site.exchange().undo()
    assert (read_tree(site.venv), site.venv.stat().st_ino) == (before, inode)
    assert sorted(os.listdir(site.install)) == ["mcp_server", "standards", "venv"]


@by_one
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(("alpha",), id="the-same"),
        pytest.param(("# another comment", "alpha>=1 # why"), id="only-words-changed"),
        pytest.param(("alpha==1.0", "beta"), id="held-already"),
        pytest.param((), id="nothing-asked"),
    ],
)
def test_what_holds_costs_nothing(site: Site, lines: tuple[str, ...]) -> None:
    """No process, no network, no file: it is read from what is installed."""
    assert site.plan(*lines).nothing_to_do
    assert not site.bench.folder.exists()


@by_one
def test_no_environment_is_a_fact(site: Site) -> None:
    """Who runs the server in another way is not given an environment."""
    shutil.rmtree(site.venv)
    plan = site.plan("alpha>=1.5")
    assert (plan.nothing_to_do, plan.notes[0][:36]) == (
        True,
        "the installation has no environment;",
    )
    assert site.check(plan) == ()


def test_offline_is_one_clear_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is lacking is named before anything is begun."""
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    if config := os.environ.get("UV_CONFIG_FILE"):
        Path(config).write_text('index-url = "http://127.0.0.1:9/simple"\n')
    with pytest.raises(PackagesError, match=r"lacks alpha>=1\.5 \(1\.0 is installed\)") as caught:
        site.plan("alpha>=1.5")
    assert "go online" in caught.value.cure
    assert not (site.install / STAGE).exists()


@by_one
def test_packages_that_changed_since_are_not_overwritten(site: Site) -> None:
    """A plan for another state is refused."""
    plan = site.plan("alpha>=1.5")
    shutil.rmtree(next(site.venv.glob("lib/*/site-packages/mine-0.1.dist-info")))
    with pytest.raises(StaleError, match="changed after the plan was made"):
        site.build(plan)


@by_one
def test_a_linked_environment_is_refused_only_where_it_would_change(site: Site) -> None:
    """As long as nothing has to be installed, a link is as good as a folder."""
    site.venv.rename(site.install.parent / "shared")
    site.venv.symlink_to("../shared")
    assert site.plan("alpha").nothing_to_do
    with pytest.raises(RefusedError, match="is a link"):
        site.plan("alpha>=1.5")


@by_one
def test_what_was_inconsistent_before_is_not_blamed_on_us(site: Site) -> None:
    """Only what an upgrade broke counts."""
    (metadata,) = site.venv.glob("lib/*/site-packages/mine-0.1.dist-info/METADATA")
    metadata.write_text(metadata.read_text() + "Requires-Dist: nonesuch\n")
    plan = site.plan("alpha")
    assert plan.inconsistent == ("mine 0.1 needs nonesuch (not installed)",)
    assert site.check(plan) == ()
    assert site.check(EnvironmentPlan()) == plan.inconsistent


def _step(*arguments: str, again: bool = False) -> PostInstallCommand:
    command = ("alpha", *arguments)
    return PostInstallCommand(
        package="alpha", reason="it is tested", command=command, again_in_place=again
    )


def test_steps_run_with_the_new_environment(site: Site) -> None:
    """Each by its own executable where it is built, repeated in place where it wants that."""
    plan = site.plan("alpha>=1.5", steps=(_step("fetch", again=True), _step("once")))
    assert site.build(plan) == ["alpha fetch", "alpha once"]
    site.exchange()
    assert site.check(plan) == ()
    said = [line for line in site.bench.log.read_text().splitlines() if line.startswith("alpha 2")]
    stage = site.install / STAGE
    assert said == [
        f"alpha 2.0 {stage} fetch",
        f"alpha 2.0 {stage} once",
        f"alpha 2.0 {site.venv} fetch",
    ]


@by_one
@pytest.mark.parametrize(
    ("step", "said"),
    [
        pytest.param(_step("fail"), "alpha fail failed, .*the browser cannot be had", id="fails"),
        pytest.param(
            _step().model_copy(update={"command": ("nonesuch",)}), "brings no nonesuch", id="absent"
        ),
        pytest.param(
            _step().model_copy(update={"command": ("/bin/sh",)}), "brings no /bin/sh", id="not-its"
        ),
    ],
)
def test_a_step_that_fails_leaves_nothing(site: Site, step: PostInstallCommand, said: str) -> None:
    """Its last words are the error, and the stage is empty again."""
    plan = site.plan("alpha>=1.5", steps=(step,))
    with pytest.raises(PackagesError, match=said):
        site.build(plan)
    assert not (site.install / STAGE).exists()
    assert site.packages() == OLD


@by_one
def test_the_stage_is_not_cleared_while_it_leads_back(site: Site) -> None:
    """After the exchange the old environment is there: nobody removes it before commit."""
    plan = site.plan("alpha>=1.5")
    site.build(plan)
    site.exchange()
    again = plan_environment(
        site.installation, _asks(site, "alpha<2"), site.bench, detect=_no_steps
    )
    with pytest.raises(RefusedError, match="a_session still needs"):
        site.build(again)
    assert requirements(site.install / STAGE).split() == OLD


@by_one
def test_the_packages_of_a_snapshot_come_back(site: Site) -> None:
    """After commit the list in the backup leads back, in one exchange again."""
    snapshot = requirements(site.venv)
    site.build(site.plan("alpha>=1.5"))
    site.exchange().commit()
    back = plan_former_environment(site.installation, snapshot, detect=_no_steps)
    assert [str(each) for each in back.changes] == ["downgraded alpha 2.0 → 1.0 (major jump)"]
    site.build(back)
    site.exchange().commit()
    assert site.check(back) == ()
    assert site.packages() == OLD
    again = plan_former_environment(site.installation, snapshot, detect=_no_steps)
    assert again.nothing_to_do


@by_one
def test_a_damaged_snapshot_is_named(site: Site) -> None:
    """Nothing is guessed."""
    with pytest.raises(DamagedError, match="'alpha>=1' names no version"):
        plan_former_environment(site.installation, "alpha>=1\n", detect=_no_steps)
    nothing = "# nothing is installed\n"
    plan = plan_former_environment(site.installation, nothing, detect=_no_steps)
    assert plan.nothing_to_do


@by_one
def test_a_killed_installer_leaves_nothing(site: Site, slow: Path) -> None:
    """``kill -9`` of pip or uv in the middle: an error that says so, and an empty stage."""
    plan = site.plan("alpha>=1.5", "slow")
    killer = threading.Thread(target=_kill_installer, args=(os.getpid(), slow))
    killer.start()
    with pytest.raises(PackagesError, match="ended by SIGKILL"):
        site.build(plan)
    killer.join()
    assert sorted(os.listdir(site.install)) == ["mcp_server", "standards", "venv"]
    assert site.packages() == OLD


@by_one
def test_a_killed_run_is_repeated(site: Site, slow: Path, tmp_path: Path) -> None:
    """``kill -9`` of ourselves: the orphan keeps the lock, then the next run clears and builds."""
    plan = site.plan("alpha>=1.5", "slow")
    (tmp_path / "plan.json").write_text(plan.model_dump_json())
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, site.install, tmp_path / "plan.json", tmp_path / "bench"]
    )
    _until(slow.with_suffix(".building").exists)
    orphans = psutil.Process(runner.pid).children(recursive=True)
    runner.kill()
    runner.wait()
    with pytest.raises(BusyError), hold(site.install, session=None, command="a test"):
        pass
    left = {".upgrade-lock", STAGE, "mcp_server", "standards", "venv"}
    assert set(os.listdir(site.install)) == left
    if any(str(site.install / STAGE) in " ".join(each.cmdline()) for each in orphans):
        with pytest.raises(BusyError, match=r"still works in .*venv-stage"):
            site.build(plan)
    for orphan in orphans:
        orphan.kill()
    psutil.wait_procs(orphans)
    slow.unlink()
    with hold(site.install, session=None, command="a test"):
        site.build(plan)
    site.exchange().commit()
    assert site.packages() == sorted([*NEW, "slow==1.0"])


RUNNER = """
import sys
from pathlib import Path
from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.effects.session.lock import hold
from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.models.packages import EnvironmentPlan
from aos_upgrade_plugin.phases.environment import build_environment
from aos_upgrade_plugin.phases.installation import Installation
install, plan, bench = map(Path, sys.argv[1:])
layout = next(each for each in known() if each.folder == install.name)
with hold(install, session=None, command="a runner") as lock:
    build_environment(
        Installation(install, install.parent, layout),
        EnvironmentPlan.model_validate_json(plan.read_bytes()),
        Workbench(bench, inherited=lock.descriptors),
    )
"""


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """Offer a package that is built from source, for ever while the file returned is there."""
    flag = tmp_path / "slow.flag"
    flag.touch()
    put_source(tmp_path / "wheels", "slow", "1.0", hangs_while=flag)
    return flag


def _kill_installer(master: int, flag: Path) -> None:
    _until(flag.with_suffix(".building").exists)
    for child in psutil.Process(master).children():
        if STAGE in " ".join(child.cmdline()):
            child.send_signal(signal.SIGKILL)


def _until(is_true: Callable[[], bool]) -> None:
    while not is_true():
        time.sleep(0.01)


def _asks(site: Site, line: str) -> Path:
    site.asked.write_text(f"{line}\n")
    return site.asked


SOURCE: dict[bytes | str, bytes | Item] = {
    "scripts/install-praxis-os.py": b"",
    "universal/standards/a.md": b"a\n",
    "mcp_server/server.py": b"",
}


def test_requirements_come_from_the_commit(tmp_path: Path) -> None:
    """What lies in the checkout and is not committed is not installed; lists go along."""
    repository = tmp_path / "source"
    build(
        repository,
        SOURCE
        | {
            "mcp_server/requirements.txt": b"-r base.txt\nalpha\n",
            "mcp_server/base.txt": b"beta\n",
        },
    )
    (repository / "mcp_server/requirements.txt").write_text("something-else\n")
    path = lay_out_requirements(take(repository), tmp_path / "asked")
    assert read_requirements(path) == Requirements(lines=("beta", "alpha"))
    assert {each.name for each in path.parent.iterdir()} == {"requirements.txt", "base.txt"}


def test_a_source_without_requirements_asks_for_nothing(tmp_path: Path) -> None:
    """No file is no error."""
    build(tmp_path / "source", SOURCE)
    path = lay_out_requirements(take(tmp_path / "source"), tmp_path / "asked")
    assert read_requirements(path) == Requirements()
