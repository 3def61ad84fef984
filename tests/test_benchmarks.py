"""The benchmarks run: what they measure is read by people, not by a test."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TREES, WORKFLOWS = BENCHMARKS / "trees.py", BENCHMARKS / "workflows.py"


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
