"""How long each kind of call of the workflow tool takes, and how much memory sessions cost.

Run it: python benchmarks/workflows.py --rounds 200. The figures are of calls in one process; over
a transport comes what that costs.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

sys.path.append(str(Path(__file__).resolve().parents[1]))  # what is installed comes first

from aos_upgrade_plugin.actions.workflow_tool import WorkflowTool, open_tool
from aos_upgrade_plugin.sample import build_source, lay_down

GOALS_MS = {
    "list_workflows": 5,
    "start": 20,
    "get_phase": 5,
    "get_task": 5,
    "get_state": 5,
    "get_session": 5,
    "get_errors": 5,
    "list_sessions, 100": 20,
}
"""From the project's own requirements; the others have none."""
GOAL_MEMORY_BYTES = 5 << 20
WORKFLOW = "change_review_v1"


def call(tool: WorkflowTool, action: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
    """Call the tool; an error ends the benchmark."""
    answer = tool.call({"action": action, **arguments})
    if answer["status"] != "success":
        sys.exit(f"{action}: {answer['error']}")
    return answer


def median_ms(step: Callable[[], object], rounds: int) -> float:
    """Return how long a step takes, the median of some rounds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        step()
        times.append((time.perf_counter() - began) * 1_000)
    return statistics.median(times)


def measure(project: Path, *, rounds: int, most: int) -> Mapping[str, float]:
    """Measure every kind of call in a project, with more and more sessions in it."""
    began = time.perf_counter()
    tool = open_tool(project)
    call(tool, "list_workflows")
    found = {"list_workflows, the first": (time.perf_counter() - began) * 1_000}
    found["list_workflows"] = median_ms(lambda: call(tool, "list_workflows"), rounds)
    name = _start(tool)
    found["start"] = median_ms(lambda: _start(tool), min(rounds, 40))
    session = {"session_id": name}
    for action in ("get_phase", "get_state", "get_session", "get_errors"):
        found[action] = median_ms(lambda action=action: call(tool, action, **session), rounds)  # type: ignore[misc]
    task = {**session, "phase": 0, "task_number": 1}
    found["get_task"] = median_ms(lambda: call(tool, "get_task", **task), rounds)
    there = call(tool, "list_sessions")["count"]
    for count in sorted({min(100, most), most}):
        for _ in range(count - there):
            _start(tool)
        there = max(count, there)
        found[f"list_sessions, {count}"] = median_ms(lambda: call(tool, "list_sessions"), 5)
    hits, misses = tool.catalogue.definitions.counted
    found["cache hits, %"] = 100 * hits / (hits + misses)
    return found


def _start(tool: WorkflowTool) -> str:
    begun = call(tool, "start", workflow_type=WORKFLOW, target_file="src/module.py")
    name: str = begun["session_id"]
    return name


def memory_bytes(project: Path) -> int:
    """Return how much a process grows by 50 sessions that are begun and looked at."""
    tool = open_tool(project)
    call(tool, "get_phase", session_id=_start(tool))
    call(tool, "list_sessions")
    process = psutil.Process()
    before: int = process.memory_info().rss
    for _ in range(50):
        call(tool, "get_phase", session_id=_start(tool))
    call(tool, "list_sessions")
    after: int = process.memory_info().rss
    return after - before


def main() -> None:
    """Measure, and print a table with the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--sessions", type=int, default=1_000)
    asked = parser.parse_args()
    os.environ["AOS_UPGRADE_MAX_ACTIVE_SESSIONS"] = "100000"
    with tempfile.TemporaryDirectory() as folder:
        source = build_source(Path(folder) / "source")
        projects = [Path(folder) / name for name in ("memory", "time")]
        for project in projects:
            project.mkdir()
            lay_down(source, "1.1.0", project)
        grown = memory_bytes(projects[0])
        found = measure(projects[1], rounds=asked.rounds, most=asked.sessions)
    lines = ["| call | median | goal |", "|---|---|---|"]
    for name, value in found.items():
        goal = f"{GOALS_MS[name]} ms" if name in GOALS_MS else ""
        unit = "%" if name.endswith("%") else "ms"
        lines.append(f"| {name.removesuffix(', %')} | {value:.1f} {unit} | {goal} |")
    most_mb = GOAL_MEMORY_BYTES / 1e6
    lines.append(f"| memory for 50 sessions | {grown / 1e6:.1f} MB | {most_mb:.1f} MB |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
