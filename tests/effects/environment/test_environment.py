"""An environment told from its files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.environment import environment as environments
from aos_upgrade_plugin.errors import RefusedError
from tests.effects.environments import Told, lay_down_environment, tell
from tests.effects.wheels import Wheel
from tests.mounts import mounted


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the one folder that pip knows packages from."""
    folder = tmp_path / "wheels"
    tell(monkeypatch, Told.PIP, folder)
    return folder


def _sign_of(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(each), each.lstat().st_ctime_ns) for each in folder.rglob("*"))


def test_an_environment_is_read_without_starting_it(wheels: Path, tmp_path: Path) -> None:
    """Its Python, its packages and what they need; nothing in it runs or changes."""
    Wheel("alpha", "1.0", requires=("beta>=1",)).put(wheels)
    Wheel("beta", "1.5").put(wheels)
    folder = lay_down_environment(tmp_path / "venv", "alpha")
    for name in ("python", "python3"):
        (folder / "bin" / name).unlink()
        (folder / "bin" / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
        (folder / "bin" / name).chmod(0o755)
    before = _sign_of(folder)
    read = environments.read(folder)
    assert read is not None
    assert read.python == sys.version.split()[0]
    assert read.interpreter is not None
    assert [(each.name, each.version, each.requires) for each in read.packages] == [
        ("alpha", "1.0", ("beta>=1",)),
        ("beta", "1.5", ()),
    ]
    assert (_sign_of(folder), (tmp_path / "started").exists()) == (before, False)


def test_its_python_is_named_as_it_names_itself(tmp_path: Path) -> None:
    """The markers of requirements are judged for that Python, as that Python judges them."""
    folder = lay_down_environment(tmp_path / "venv")
    read = environments.read(folder)
    assert read is not None
    ask = "import platform, sys; print(platform.python_version(), sys.implementation.name)"
    asked = subprocess.run(
        [folder / "bin/python", "-c", ask], capture_output=True, text=True, check=True
    )
    markers = read.markers
    assert asked.stdout.split() == [markers["python_full_version"], markers["implementation_name"]]


def test_nothing_is_there(tmp_path: Path) -> None:
    """A fresh installation may have no environment: that is a fact, no failure."""
    assert environments.read(tmp_path / "venv") is None


@pytest.mark.parametrize("kind", ["file", "folder", "dangling-link"])
def test_something_else_is_there(kind: str, tmp_path: Path) -> None:
    """What is no environment is not taken for one, nor for none."""
    place = tmp_path / "venv"
    match kind:
        case "file":
            place.write_text("")
        case "folder":
            place.mkdir()
        case _:
            place.symlink_to("nowhere")
    with pytest.raises(RefusedError, match="no Python environment"):
        environments.read(place)


def test_what_it_borrows_is_seen(wheels: Path, tmp_path: Path) -> None:
    """Folders that ``.pth`` files add count as importable; their code is not run."""
    Wheel("alpha", "1.0").put(wheels)
    lender = lay_down_environment(tmp_path / "lender", "alpha")
    folder = lay_down_environment(tmp_path / "venv")
    (site,) = folder.glob("lib/*/site-packages")
    (lent,) = lender.glob("lib/*/site-packages")
    code = f"import os; open({str(tmp_path / 'ran')!r}, 'w')"
    (site / "lent.pth").write_text(f"# lent\n{code}\n{lent}\n/nowhere\n")
    read = environments.read(folder)
    assert read is not None
    assert (read.packages, set(read.importable)) == ((), {"alpha"})
    assert not (tmp_path / "ran").exists()


def test_packages_beside_its_python_are_seen(tmp_path: Path) -> None:
    """An environment that sees its Python's own packages need not have them."""
    folder = tmp_path / "venv"
    kind = ("--without-pip", "--system-site-packages")
    subprocess.run([sys.executable, "-I", "-m", "venv", *kind, folder], check=True)
    ask = "import importlib.metadata as m; print(*{d.name.lower() for d in m.distributions()})"
    seen = subprocess.run(
        [folder / "bin/python", "-I", "-c", ask], capture_output=True, text=True, check=True
    )
    read = environments.read(folder)
    assert read is not None
    assert (read.system_packages, read.packages) == (True, ())
    assert "pip" not in seen.stdout.split() or "pip" in read.importable


def test_an_environment_of_uv_is_read(tmp_path: Path) -> None:
    """Another tool writes down the same under other words."""
    folder = lay_down_environment(tmp_path / "venv")
    home = Path(sys.executable).resolve().parent
    words = f"home = {home}\nimplementation = CPython\nuv = 0.9.0\nversion_info = 3.11.4\n"
    (folder / "pyvenv.cfg").write_text(f"{words}prompt = mine\n")
    read = environments.read(folder)
    assert read is not None
    assert (read.python, read.prompt) == ("3.11.4", "mine")
    assert read.markers["python_version"] == "3.11"


def test_a_python_that_is_gone_is_named_with_a_cure(tmp_path: Path) -> None:
    """The environment is still read; only a new one cannot be built with that Python."""
    folder = lay_down_environment(tmp_path / "venv")
    (folder / "pyvenv.cfg").write_text("home = /opt/gone/bin\nversion = 3.11.2\n")
    read = environments.read(folder)
    assert read is not None
    with pytest.raises(RefusedError, match=r"Python 3\.11\.2 .* is gone") as caught:
        environments.require_interpreter(read)
    assert "venv --clear" in caught.value.cure


def test_a_linked_environment_is_not_exchanged(tmp_path: Path) -> None:
    """What a link names may be somebody else's too."""
    lay_down_environment(tmp_path / "shared")
    (tmp_path / "venv").symlink_to("shared")
    assert environments.read(tmp_path / "venv") is not None
    with pytest.raises(RefusedError, match="is a link to shared"):
        environments.refuse_immovable(tmp_path, tmp_path / "venv")


@pytest.mark.mount
def test_a_mounted_environment_is_not_exchanged(tmp_path: Path) -> None:
    """A mount cannot be moved."""
    folder = lay_down_environment(tmp_path / "venv")
    with (
        mounted("--bind", folder, at=folder),
        pytest.raises(RefusedError, match="is a mount"),
    ):
        environments.refuse_immovable(tmp_path, folder)


def test_its_size_is_what_the_disk_says(tmp_path: Path) -> None:
    """Pre-flight asks for as much space as the environment takes now."""
    folder = tmp_path / "venv"
    folder.mkdir()
    (folder / "big").write_bytes(os.urandom(1 << 20))
    (folder / "link").symlink_to("big")
    assert (1 << 20) <= environments.size_bytes(folder) < (1 << 20) + (1 << 16)
