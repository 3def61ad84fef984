"""Environments of the real product as of its time, with a stand-in for its embedding model.

They need uv and a package registry that tells when packages were uploaded: packages are chosen as
of October 2025 (mcp 1.19, fastmcp 2.13, lancedb 0.25): 0.6 GB once, 2 s from uv's cache after that.
They are asked for with ``AOS_TEST_NETWORK=1``; the tests have a home of their own, so name uv's
cache with ``UV_CACHE_DIR`` to keep them. The real embedding model, two more gigabytes, is
replaced by a package of the same name that hashes words: the index is LanceDB's own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.effects.wheels import Wheel
from tests.real.installations import file_at

_AS_OF = "2025-10-25"
_MODEL = """
# Words, hashed into as many numbers as the real model gives.
import re
import zlib

import numpy as np


class SentenceTransformer:
    def __init__(self, name):
        pass

    def encode(self, text, **_):
        vector = np.zeros(384, dtype=np.float32)
        for word in re.findall(r"\\w+", text.lower()):
            vector[zlib.crc32(word.encode()) % 384] += 1
        if not vector.any():  # of no words, as of a heading alone: like nothing that is asked
            vector[0] = 1
        return vector / np.linalg.norm(vector)
"""
_BUILD = """
import inspect
import sys
from pathlib import Path
from build_rag_index import IndexBuilder

install = Path(sys.argv[1])
known = inspect.signature(IndexBuilder).parameters
parts = {name + "_path": install / name for name in ("standards", "usage", "workflows")}
parts = {name: path for name, path in parts.items() if name in known}
built = IndexBuilder(index_path=install / ".cache/vector_index", **parts).build_index()
sys.exit(built["status"] != "success")
"""


def make_environment(install: Path) -> None:
    """Make ``venv`` in an installation, with what its requirements gave at the time."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if uv is None or os.environ.get("AOS_TEST_NETWORK") != "1":
        pytest.skip("needs uv and a package registry: AOS_TEST_NETWORK=1")
    wheels = install.parent.parent / "wheels"
    Wheel("sentence-transformers", "5.1.2+standin", requires=("numpy",), code=_MODEL).put(wheels)
    environment, requirements = install / "venv", install / "mcp_server/requirements.txt"
    subprocess.run([uv, "venv", "--quiet", "--seed", str(environment)], check=True)
    into = ("--python", str(environment / "bin/python"), "--requirement", str(requirements))
    chosen = ("--exclude-newer", _AS_OF, "--find-links", str(wheels))
    subprocess.run([uv, "pip", "install", "--quiet", *into, *chosen], check=True)


def build_index(clone: Path, commit: str, install: Path) -> None:
    """Build the index of an installation with the commit's own script.

    The instructions make an empty folder for it, and its servers take that for an index. The
    script lay elsewhere before 7cdef7e, where no instructions copied it from.
    """
    shutil.rmtree(install / ".cache/vector_index")
    folder = install.parent.parent / "script"
    folder.mkdir(exist_ok=True)
    places = ("scripts/build_rag_index.py", ".agent-os/scripts/build_rag_index.py")
    script = next(text for each in places if (text := file_at(clone, commit, each)))
    (folder / "build_rag_index.py").write_bytes(script)
    subprocess.run(
        [install / "venv/bin/python", "-c", _BUILD, str(install)],
        env={**os.environ, "PYTHONPATH": f"{install}:{folder}", "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
    )
