"""The benchmarks run: what they measure is read by people, not by a test."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.effects.repositories import Item, Tree, build
from tests.phases.products import product

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TREES, WORKFLOWS = BENCHMARKS / "trees.py", BENCHMARKS / "workflows.py"
THREE_WAY = BENCHMARKS / "three_way.py"


def test_trees_are_measured(tmp_path: Path) -> None:
    """By one command, whatever tools are installed; tables for people, figures for programs."""
    output = tmp_path / "output"
    options = ("--files", "30", "--rounds", "1", "--folder", tmp_path, "--output", output)
    ran = subprocess.run(
        [sys.executable, TREES, *options], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "| 30 files, 2 MB, made durable | backup | verify | second | restore |" in ran.stdout
    assert ran.stdout.strip() in (output / "trees.md").read_text()
    figures = json.loads((output / "trees.json").read_text())["30"]
    assert {"ours", "naive"} <= set(figures)
    assert all(len(rounds) == 1 for rounds in figures["ours"].values())


def test_calls_of_the_workflow_tool_are_measured() -> None:
    """In process and over a real server's pipes: one command, one table, with the goals beside."""
    ran = subprocess.run(
        [sys.executable, WORKFLOWS, "--rounds", "1", "--sessions", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "| call | in process | over stdio | goal |" in ran.stdout
    assert "| memory for 50 sessions |" in ran.stdout


def test_upgrades_are_compared(tmp_path: Path) -> None:
    """By one command: whoever has to be there is judged and timed beside git's merge."""
    old, new = build(tmp_path / "product", _product("old"), _product("new"))
    output = tmp_path / "output"
    who = ("git merge", "ours, three-way alone", "rsync -a --delete")
    options = ("--pairs", f"{old}:{new}", "--rounds", "1", "--folder", tmp_path, "--output", output)
    ran = subprocess.run(
        [sys.executable, THREE_WAY, "--repository", tmp_path / "product", *options, "--only", *who],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert (
        "| all upgrades | lost edits | left behind | wrong conflicts | missed updates |"
        in ran.stdout
    )
    assert ran.stdout.strip() == (output / "three-way.md").read_text().strip()
    (pair,) = json.loads((output / "three-way.json").read_text())
    for name in who[:2]:
        for fault in ("lost", "stranded", "wrong", "missed", "unasked"):
            assert pair["outcomes"][name][fault] == [], (name, fault)
    if shutil.which("rsync"):
        assert "standards/universal/our-notes.md" in pair["outcomes"][who[2]]["lost"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--repository", "."), "no clone of the product"),
        (("--only", "unison"), "nobody is called unison"),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_line(
    tmp_path: Path, options: tuple[str, ...], named: str
) -> None:
    """Before anything is made: no traceback, status 2."""
    ran = subprocess.run(
        [sys.executable, THREE_WAY, *options],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "AOS_REAL_PRAXIS_OS"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, named in ran.stderr) == (2, True), ran.stderr
    assert "Traceback" not in ran.stderr


def _product(version: str) -> Tree:
    """Return a version of a product that is large enough for every kind of edit that merges."""
    lines = "".join(f"line {number}\n" for number in range(9))
    content: Mapping[bytes | str, bytes | Item] = {
        f"{part}/{number}.md": f"# {part} {number}\n{lines}{version * (number < 4)}\n".encode()
        for part in ("standards", "workflows")
        for number in range(9)
    }
    return product(content)
