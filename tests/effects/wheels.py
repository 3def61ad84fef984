"""Small wheels in a folder, so that real installers install real packages without a network."""

import hashlib
import io
import tarfile
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple


class Wheel(NamedTuple):
    """A package of one module."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    scripts: Mapping[str, str] = MappingProxyType({})
    """Commands, and the functions of the module that they call."""
    code: str = ""

    def put(self, folder: Path) -> Path:
        """Write it into a folder and return the file."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self._module}-{self.version}-py3-none-any.whl"
        _zip(path, dict(self._files()), self._info)
        return path

    @property
    def _module(self) -> str:
        return self.name.replace("-", "_")

    @property
    def _info(self) -> str:
        return f"{self._module}-{self.version}.dist-info"

    def _files(self) -> Iterator[tuple[str, str]]:
        needs = "".join(f"Requires-Dist: {each}\n" for each in self.requires)
        about = f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n"
        calls = (f"{command} = {self._module}:{call}\n" for command, call in self.scripts.items())
        yield f"{self._module}/__init__.py", f"__version__ = {self.version!r}\n{self.code}"
        yield f"{self._info}/METADATA", about + needs
        yield (
            f"{self._info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        if self.scripts:
            yield f"{self._info}/entry_points.txt", f"[console_scripts]\n{''.join(calls)}"


def _recorded(text: str) -> str:
    digest = urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(text.encode())}"


def put_pointer(folder: Path, name: str, version: str, *, leads_to: Path) -> Path:
    """Write a wheel without modules that lets an environment import what is in another folder."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}_elsewhere.pth": f"{leads_to}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"{name}-{version}-py3-none-any.whl"
    _zip(path, files, info)
    return path


def _zip(path: Path, files: Mapping[str, str], info: str) -> None:
    record = "".join(f"{name},{_recorded(text)}\n" for name, text in files.items())
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")


_BACKEND = """
import pathlib, time, zipfile
NAME, VERSION, FLAG = {about!r}
INFO = f"{{NAME}}-{{VERSION}}.dist-info"
FILES = {{
    f"{{INFO}}/METADATA": f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n",
    f"{{INFO}}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
}}

def prepare_metadata_for_build_wheel(folder, settings=None):
    for name, text in FILES.items():
        path = pathlib.Path(folder, name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return INFO

def build_wheel(folder, settings=None, metadata=None):
    while (flag := pathlib.Path(FLAG)).exists():
        flag.with_suffix(".building").touch()
        time.sleep(0.05)
    name = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as archive:
        for path, text in (FILES | {{f"{{INFO}}/RECORD": ""}}).items():
            archive.writestr(path, text)
    return name
"""


def put_source(folder: Path, name: str, version: str, *, hangs_while: Path) -> Path:
    """Write a source distribution whose build goes on for as long as a file is there.

    It says that it is being built by a file beside that one, named ``.building``.
    """
    top = f"{name}-{version}"
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "backend.py": _BACKEND.format(about=(name, version, str(hangs_while))),
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\n'
        'backend-path = ["."]\n',
    }
    path = folder / f"{top}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for file, text in files.items():
            member = tarfile.TarInfo(f"{top}/{file}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path
