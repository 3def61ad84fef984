"""An environment that was built on the stage is at home in its place."""

import marshal
import os
import shutil
import struct
import types
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.environment import environment as environments
from aos_upgrade_plugin.effects.environment import environment_stage as stage
from aos_upgrade_plugin.effects.environment.installers import Installer
from aos_upgrade_plugin.effects.environment.pip import Pip
from aos_upgrade_plugin.effects.environment.relocation import compile_bytecode, rehome, relocate
from aos_upgrade_plugin.effects.environment.uv import Uv
from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.effects.tree.files import read_tree
from aos_upgrade_plugin.models.packages import STAGE, Environment, Pinned
from tests.effects.environments import Told, lay_down_environment, says, tell
from tests.effects.wheels import Wheel

CODE = "import sys\ndef main():\n    print('alpha', sys.prefix)\n"
PINS = (Pinned(name="alpha", version="1.0"), Pinned(name="beta", version="2.0"))
HARD_NAMES = ['it\'s a "project" é 日本 \\ $(touch x)', "long-" + "x" * 120]


@pytest.fixture(params=Told)
def told(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """Let each of both install two packages, one with a script."""
    tell(monkeypatch, request.param, tmp_path / "wheels")
    Wheel("alpha", "1.0", ("beta",), {"alpha": "main"}, CODE).put(tmp_path / "wheels")
    Wheel("beta", "2.0", code="def broken(:\n").put(tmp_path / "wheels")
    return Told(request.param)


def _build(folder: Path, model: Environment, told: Told, bench: Workbench) -> Path:
    stage.make(model, folder, bench)
    installer: Installer | None = Uv.find() if told is Told.UV else Pip.find(model, bench)
    assert installer is not None
    installer.install(PINS, model.model_copy(update={"folder": folder}), bench)
    return folder


def _model(install: Path) -> Environment:
    install.mkdir(parents=True)
    read = environments.read(lay_down_environment(install / "venv"))
    assert read is not None
    return read


@pytest.mark.parametrize("name", HARD_NAMES)
def test_nothing_tells_where_it_was_built(name: str, told: Told, tmp_path: Path) -> None:
    """Byte for byte it is what would have been made at its place, whatever the project's name."""
    install, bench = tmp_path / name / ".praxis-os", Workbench(tmp_path / "bench")
    model = _model(install)
    built = _build(install / STAGE, model, told, bench)
    relocate(built, home=install / "venv")
    staged = read_tree(built)
    shutil.rmtree(install / "venv")
    shutil.rmtree(built)
    in_place = read_tree(_build(install / "venv", model, told, bench))
    assert staged == in_place


def test_its_scripts_are_its_own(told: Told, tmp_path: Path) -> None:
    """After the exchange a script of ``bin`` runs the new environment, not the old one."""
    install, bench = tmp_path / "it's a project/.praxis-os", Workbench(tmp_path / "bench")
    built = _build(install / STAGE, _model(install), told, bench)
    relocate(built, home=install / "venv")
    shutil.rmtree(install / "venv")
    built.rename(install / "venv")
    assert says(install / "venv/bin/alpha") == f"alpha {install}/venv"
    activated = says("sh", "-c", '. "$0/bin/activate" && command -v alpha', install / "venv")
    assert activated == f"{install}/venv/bin/alpha"


def test_a_file_of_the_installers_cache_is_not_changed(told: Told, tmp_path: Path) -> None:
    """A script may be one file with another, which belongs to somebody else."""
    install, bench = tmp_path / ".praxis-os", Workbench(tmp_path / "bench")
    built = _build(install / STAGE, _model(install), told, bench)
    os.link(built / "bin/alpha", tmp_path / "cached")
    before = (tmp_path / "cached").read_bytes()
    relocate(built, home=install / "venv")
    assert (tmp_path / "cached").read_bytes() == before
    assert (built / "bin/alpha").read_bytes() != before
    assert os.access(built / "bin/alpha", os.X_OK)


def test_its_bytecode_is_ready_at_home(told: Told, tmp_path: Path) -> None:
    """The first start compiles nothing, and errors name the files where they are.

    What cannot be compiled does not stop anybody.
    """
    install, bench = tmp_path / ".praxis-os", Workbench(tmp_path / "bench")
    built = _build(install / STAGE, _model(install), told, bench)
    relocate(built, home=install / "venv")
    compile_bytecode(built, home=install / "venv", bench=bench)
    shutil.rmtree(install / "venv")
    built.rename(install / "venv")
    (source,) = install.glob("venv/lib/*/site-packages/alpha/__init__.py")
    (compiled,) = source.parent.glob("__pycache__/*.pyc")
    header, code = compiled.read_bytes()[:16], marshal.loads(compiled.read_bytes()[16:])  # noqa: S302
    assert isinstance(code, types.CodeType)
    assert code.co_filename == str(source)
    status = source.stat()
    assert struct.unpack("<III", header[4:]) == (0, int(status.st_mtime), status.st_size)


def test_it_is_at_home_under_the_other_name_of_its_folder(told: Told, tmp_path: Path) -> None:
    """Its scripts are its own after the folder was renamed, and as before when it goes back."""
    old, new, bench = tmp_path / ".agent-os", tmp_path / ".praxis-os", Workbench(tmp_path / "bench")
    built = _build(old / STAGE, _model(old), told, bench)
    relocate(built, home=old / "venv")
    shutil.rmtree(old / "venv")
    built.rename(old / "venv")
    before = read_tree(old / "venv")
    old.rename(new)
    for _ in range(2):
        rehome(new / "venv", formerly=old)
    assert says(new / "venv/bin/alpha") == f"alpha {new}/venv"
    new.rename(old)
    rehome(old / "venv", formerly=new)
    assert read_tree(old / "venv") == before
