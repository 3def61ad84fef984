"""What the server of an installation leaves on the disk, looked at while it works there."""

import compileall
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.effects.service.server import forget_bytecode, index_bytes
from aos_upgrade_plugin.models.layout import Layout
from aos_upgrade_plugin.models.server import Site

_LOOKS = 3000


def test_an_index_that_is_put_into_place_meanwhile_can_be_looked_at(
    lay_site: Callable[..., Site],
) -> None:
    """The server renames what it built while a restart waits for it: no restart fails by that."""
    site = lay_site()
    over = threading.Event()

    def build() -> None:
        while not over.is_set():
            partial = site.index_folder / "standards.jsonl.partial"
            partial.write_text("a section\n")
            partial.replace(site.index_folder / "standards.jsonl")

    builder = threading.Thread(target=build)
    builder.start()
    try:
        seen = {index_bytes(site) for _ in range(_LOOKS)}
    finally:
        over.set()
        builder.join()
    assert len("a section\n") in seen


def test_without_an_index_there_is_nothing_of_it(lay_site: Callable[..., Site]) -> None:
    """One that nobody built yet is no error."""
    site = lay_site()
    site.index_folder.rmdir()
    assert index_bytes(site) == 0


def _imported(install: Path, module: str) -> str:
    command = [sys.executable, "-B", "-c", f"import {module} as m; print(m.VERSION)"]
    environment = {**os.environ, "PYTHONPATH": str(install), "PYTHONSAFEPATH": ""}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("layout", known(), ids=lambda layout: layout.name)
@pytest.mark.parametrize("module", ["{server}.tools.info", "scripts.build_rag_index"])
def test_no_compiled_code_outlives_its_source(tmp_path: Path, layout: Layout, module: str) -> None:
    """Same size, same second: Python would run the old code, and does not any more."""
    module = module.format(server=layout.server.replace("/", "."))
    source = tmp_path.joinpath(*module.split(".")).with_suffix(".py")
    source.parent.mkdir(parents=True)
    source.write_text("VERSION = 1\n")
    os.utime(source, (1_700_000_000, 1_700_000_000))
    compileall.compile_dir(str(tmp_path), quiet=2)
    source.write_text("VERSION = 2\n")
    os.utime(source, (1_700_000_000, 1_700_000_000))
    assert _imported(tmp_path, module) == "1"
    forget_bytecode(tmp_path, layout)
    assert _imported(tmp_path, module) == "2"
    assert not [*tmp_path.rglob("__pycache__")]
