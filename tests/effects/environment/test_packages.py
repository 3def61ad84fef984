"""What pip and uv would take, and taking exactly that."""

import functools
import http.server
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.environment import environment as environments
from aos_upgrade_plugin.effects.environment import environment_stage as stage
from aos_upgrade_plugin.effects.environment.installers import Installer, Wanted, bundled
from aos_upgrade_plugin.effects.environment.pip import Pip
from aos_upgrade_plugin.effects.environment.uv import Uv
from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.errors import PackagesError
from aos_upgrade_plugin.models.packages import Environment, Installed, Package, Pinned
from tests.effects.environments import Told, lay_down_environment, tell
from tests.effects.wheels import Wheel


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """Return a workbench of its own."""
    return Workbench(tmp_path / "bench")


@pytest.fixture(params=Told)
def told(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Let each of both know the wheels of a shop with several versions."""
    wheels = tmp_path / "wheels"
    tell(monkeypatch, request.param, wheels)
    for version in ("1.0", "1.5", "2.0"):
        Wheel("alpha", version, requires=("beta>=1",)).put(wheels)
    for version in ("1.0", "1.1"):
        Wheel("beta", version).put(wheels)
    Wheel("mine", "0.1", requires=("gamma",)).put(wheels)
    Wheel("gamma", "3").put(wheels)
    return Told(request.param)


def _environment(folder: Path, *wanted: str | Path) -> Environment:
    read = environments.read(lay_down_environment(folder, *wanted))
    assert read is not None
    return read


def _installer(told: Told, environment: Environment, bench: Workbench) -> Installer:
    found: Installer | None = Uv.find() if told is Told.UV else Pip.find(environment, bench)
    assert found is not None
    return found


def _asking(tmp_path: Path, *lines: str, extras: Sequence[Package] = ()) -> Wanted:
    path = tmp_path / "requirements.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return Wanted(path, extras)


def _resolved(pins: Sequence[Pinned]) -> list[str]:
    return sorted(pin.requirement for pin in pins)


def _sign_of(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(each), each.lstat().st_ctime_ns) for each in folder.rglob("*"))


def test_only_what_has_to_moves(told: Told, tmp_path: Path, bench: Workbench) -> None:
    """What is installed stays where it may; every file is known by its hash; nothing is written."""
    environment = _environment(tmp_path / "venv", "alpha==1.0", "beta==1.0")
    before = _sign_of(environment.folder)
    pins = _installer(told, environment, bench).resolve(
        _asking(tmp_path, "alpha>=1.2"), environment, bench
    )
    assert _resolved(pins) == ["alpha==2.0", "beta==1.0"]
    assert all(pin.hashes and pin.hashes[0].startswith("sha256:") for pin in pins)
    assert _sign_of(environment.folder) == before


def test_the_newest_of_one_does_not_move_another(
    told: Told, tmp_path: Path, bench: Workbench
) -> None:
    """A package that fits is not replaced so that another can be the very newest."""
    wheels = tmp_path / "wheels"
    Wheel("fast-alpha", "2.12", requires=("alpha<2",)).put(wheels)
    Wheel("fast-alpha", "4.1", requires=("alpha>=2",)).put(wheels)
    environment = _environment(tmp_path / "venv", "fast-alpha==2.12", "alpha==1.0")
    wanted = _asking(tmp_path, "alpha>=1.2", "fast-alpha>=2")
    held = ({"beta", "fast-alpha"}, {"fast-alpha"}, set[str]())
    pins = _installer(told, environment, bench).resolve(
        wanted._replace(attempts=held), environment, bench
    )
    assert _resolved(pins) == ["alpha==1.5", "beta==1.1", "fast-alpha==2.12"]


def test_what_has_to_moves(told: Told, tmp_path: Path, bench: Workbench) -> None:
    """Where a package cannot stay, it goes along."""
    wheels = tmp_path / "wheels"
    Wheel("fast-alpha", "2.12", requires=("alpha<2",)).put(wheels)
    Wheel("fast-alpha", "4.1", requires=("alpha>=2",)).put(wheels)
    environment = _environment(tmp_path / "venv", "fast-alpha==2.12", "alpha==1.0", "beta==1.0")
    wanted = _asking(tmp_path, "alpha>=2", "fast-alpha>=2")
    held = ({"beta", "fast-alpha"}, {"fast-alpha"}, set[str]())
    pins = _installer(told, environment, bench).resolve(
        wanted._replace(attempts=held), environment, bench
    )
    assert _resolved(pins) == ["alpha==2.0", "beta==1.0", "fast-alpha==4.1"]


def test_what_somebody_added_stays_with_what_it_needs(
    told: Told, tmp_path: Path, bench: Workbench
) -> None:
    """A package of the user's own is kept; one that nothing needs any more goes."""
    environment = _environment(tmp_path / "venv", "alpha==1.0", "beta==1.0", "mine")
    mine = [each for each in environment.packages if each.name in {"mine", "gamma"}]
    pins = _installer(told, environment, bench).resolve(
        _asking(tmp_path, "beta", extras=mine), environment, bench
    )
    assert _resolved(pins) == ["beta==1.0", "gamma==3", "mine==0.1"]


def test_what_came_from_a_file_comes_from_there_again(
    told: Told, tmp_path: Path, bench: Workbench
) -> None:
    """A wheel that no index knows is taken from its address, and is the same afterwards."""
    wheel = Wheel("own", "4.2").put(tmp_path / "elsewhere")
    environment = _environment(tmp_path / "venv", "alpha==1.0", wheel)
    (own,) = (each for each in environment.packages if each.name == "own")
    installer = _installer(told, environment, bench)
    pins = installer.resolve(_asking(tmp_path, "alpha>=1.2", extras=[own]), environment, bench)
    assert f"own @ {wheel.as_uri()}" in _resolved(pins)
    assert _installed_into(tmp_path / "new", pins, environment, installer, bench) == {
        "alpha": "2.0",
        "beta": "1.1",
        "own": "4.2",
    }


def test_exactly_the_pins_are_installed(told: Told, tmp_path: Path, bench: Workbench) -> None:
    """Not what they need, and not what is newer."""
    environment = _environment(tmp_path / "venv")
    pins = [Pinned(name="alpha", version="1.5"), Pinned(name="gamma", version="3")]
    installer = _installer(told, environment, bench)
    installed = _installed_into(tmp_path / "new", pins, environment, installer, bench)
    assert installed == {"alpha": "1.5", "gamma": "3"}


def test_another_file_under_the_same_name_is_refused(
    told: Told, tmp_path: Path, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was resolved is what is installed, however much later."""
    environment = _environment(tmp_path / "venv")
    installer = _installer(told, environment, bench)
    pins = installer.resolve(_asking(tmp_path, "gamma"), environment, bench)
    Wheel("gamma", "3", code="import os  # something else\n").put(tmp_path / "wheels")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "forgotten"))
    with pytest.raises(PackagesError, match=r"(?i)hash"):
        _installed_into(tmp_path / "new", pins, environment, installer, bench)


def test_what_cannot_be_had_is_named(told: Told, tmp_path: Path, bench: Workbench) -> None:
    """One line that says which package it is about."""
    environment = _environment(tmp_path / "venv")
    with pytest.raises(PackagesError, match="nonesuch") as caught:
        _installer(told, environment, bench).resolve(
            _asking(tmp_path, "nonesuch>=3"), environment, bench
        )
    assert "\n" not in str(caught.value)


def test_the_pip_that_python_brings_can_always_be_had(
    told: Told, tmp_path: Path, bench: Workbench
) -> None:
    """An environment with its first pip can be built again without any index."""
    environment = _environment(tmp_path / "venv")
    folder = bundled(environment)
    if folder is None:
        pytest.skip("this Python brings no pip")
    (wheel,) = folder.glob("pip-*.whl")
    asked = f"pip=={wheel.name.split('-')[1]}"
    pins = _installer(told, environment, bench).resolve(
        _asking(tmp_path, asked), environment, bench
    )
    assert _resolved(pins) == [asked]


def test_pip_is_found_wherever_it_is(tmp_path: Path, bench: Workbench) -> None:
    """The environment's own; else that of its Python; else that of the Python running us."""
    environment = _environment(tmp_path / "venv")
    python = environment.folder / "bin/python"
    own = Installed(name="pip", version="23.2.1")
    assert _started(Pip.find(environment.model_copy(update={"packages": (own,)}), bench)) == python
    old = own.model_copy(update={"version": "22.2"})
    without = environment.model_copy(update={"packages": (old,), "interpreter": None})
    assert _started(Pip.find(without, bench)) == Path(sys.executable)


def test_uv_works_from_its_cache_when_the_index_is_away(
    tmp_path: Path, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was had once can be had offline."""
    wheels = tmp_path / "wheels"
    tell(monkeypatch, Told.UV, wheels)
    monkeypatch.delenv("UV_CONFIG_FILE")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    Wheel("alpha", "1.0").put(wheels)
    environment = _environment(tmp_path / "venv")
    installer = _installer(Told.UV, environment, bench)
    with _index(wheels) as address:
        monkeypatch.setenv("UV_DEFAULT_INDEX", address)
        pins = installer.resolve(_asking(tmp_path, "alpha"), environment, bench)
        _installed_into(tmp_path / "online", pins, environment, installer, bench)
    assert installer.resolve(_asking(tmp_path, "alpha"), environment, bench) == pins
    offline = _installed_into(tmp_path / "offline", pins, environment, installer, bench)
    assert offline == {"alpha": "1.0"}


@pytest.mark.parametrize(
    ("name", "value", "is_told"),
    [
        pytest.param("PIP_INDEX_URL", "https://example.org", True, id="index"),
        pytest.param("PIP_FIND_LINKS", "/wheels", True, id="wheels"),
        pytest.param("PIP_TIMEOUT", "5", False, id="only-patience"),
    ],
)
def test_pip_says_what_it_was_told(
    name: str, value: str, is_told: bool, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files and variables alike; what does not say where packages come from does not count."""
    for other in [*os.environ]:
        if other.startswith("PIP_"):
            monkeypatch.delenv(other)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv(name, value)
    assert Pip((sys.executable, "-I", "-m", "pip")).is_told(bench) is is_told


def test_uv_says_whether_it_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a variable or by its own file."""
    for other in [*os.environ]:
        if other.startswith("UV_"):
            monkeypatch.delenv(other)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert not Uv.is_told()
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv/uv.toml").write_text("")
    assert Uv.is_told()
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("UV_INDEX_COMPANY_URL", "https://example.org")
    assert Uv.is_told()


@pytest.mark.network
@pytest.mark.skipif(
    os.environ.get("AOS_TEST_NETWORK") != "1", reason="AOS_TEST_NETWORK=1 asks a real registry"
)
@pytest.mark.parametrize("told", Told)
def test_a_real_registry(told: Told, tmp_path: Path, bench: Workbench) -> None:
    """What a server of the product needs is resolved and installed as it is."""
    environment = _environment(tmp_path / "venv")
    installer = _installer(told, environment, bench)
    pins = installer.resolve(_asking(tmp_path, "mcp>=1.0.0"), environment, bench)
    installed = _installed_into(tmp_path / "new", pins, environment, installer, bench)
    assert {"mcp", "pydantic", "anyio"} <= installed.keys()


def _installed_into(
    folder: Path,
    pins: Sequence[Pinned],
    environment: Environment,
    installer: Installer,
    bench: Workbench,
) -> dict[str, str]:
    stage.make(environment, folder, bench)
    installer.install(pins, environment.model_copy(update={"folder": folder}), bench)
    read = environments.read(folder)
    assert read is not None
    return {each.name: each.version for each in read.packages}


def _started(pip: Pip | None) -> Path:
    assert pip is not None
    return Path(pip.command[0])


@contextmanager
def _index(wheels: Path) -> Iterator[str]:
    """Serve a folder of wheels as a package index while it lasts. Source: PEP 503."""
    for wheel in wheels.glob("*.whl"):
        page = wheels / "simple" / wheel.name.split("-")[0] / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f'<a href="/{wheel.name}">{wheel.name}</a>')
    answer = functools.partial(_Quiet, directory=str(wheels))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""
