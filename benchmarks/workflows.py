"""How long each kind of call of the workflow tool takes, and how much memory sessions cost.

Run it: python benchmarks/workflows.py --rounds 200. The calls are made in this process, and by the
official client to a real server over its standard input and output.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from anyio.from_thread import start_blocking_portal
from mcp import Client, StdioServerParameters, stdio_client

sys.path.append(str(Path(__file__).resolve().parents[1]))  # what is installed comes first

from aos_upgrade_plugin.actions.workflow_tool import WorkflowTool, open_tool
from aos_upgrade_plugin.mcp_tool.registration import DESCRIPTION
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


Answer = dict[str, Any]
Call = Callable[..., Answer]
"""Calls the tool, wherever it is: the action, and its arguments by name."""


def calls_here(project: Path) -> tuple[WorkflowTool, Call]:
    """Open the tool in this process."""
    tool = open_tool(project)
    return tool, lambda action, **arguments: good(tool.call({"action": action, **arguments}))


def good(answer: Answer) -> Answer:
    """Return an answer; an error ends the benchmark."""
    if answer["status"] != "success":
        sys.exit(f"{answer['action']}: {answer['error']}")
    return answer


@contextmanager
def calls_there(project: Path) -> Generator[tuple[psutil.Process, Call]]:
    """Start a server on a project and let a client call it."""
    command = str(Path(sys.executable).with_name("aos-upgrade"))
    arguments = ["serve", "--target", str(project)]
    server = StdioServerParameters(command=command, args=arguments, env={**os.environ})
    with start_blocking_portal() as portal:
        talking = portal.wrap_async_context_manager(Client(stdio_client(server)))
        with talking as client:

            def call(action: str, **arguments: Any) -> Answer:  # noqa: ANN401
                ask = client.call_tool
                told = portal.call(ask, "aos_workflow", {"action": action, **arguments})
                return good(told.structured_content or {})

            (process,) = psutil.Process().children()
            yield process, call


def median_ms(step: Callable[[], object], rounds: int) -> float:
    """Return how long a step takes, the median of some rounds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        step()
        times.append((time.perf_counter() - began) * 1_000)
    return statistics.median(times)


def measure(call: Call, *, rounds: int, most: int) -> dict[str, float]:
    """Measure every kind of call in a project, with more and more sessions in it."""
    found = {"list_workflows, the first": median_ms(lambda: call("list_workflows"), 1)}
    found["list_workflows"] = median_ms(lambda: call("list_workflows"), rounds)
    name = start(call)
    found["start"] = median_ms(lambda: start(call), min(rounds, 40))
    session = {"session_id": name}
    for action in ("get_phase", "get_state", "get_session", "get_errors"):
        found[action] = median_ms(lambda action=action: call(action, **session), rounds)  # type: ignore[misc]
    task = {**session, "phase": 0, "task_number": 1}
    found["get_task"] = median_ms(lambda: call("get_task", **task), rounds)
    there = call("list_sessions")["count"]
    for count in sorted({min(100, most), most}):
        for _ in range(count - there):
            start(call)
        there = max(count, there)
        found[f"list_sessions, {count}"] = median_ms(lambda: call("list_sessions"), 5)
    return found


def start(call: Call) -> str:
    """Begin a session and return its name."""
    begun = call("start", workflow_type=WORKFLOW, target_file="src/module.py")
    name: str = begun["session_id"]
    return name


def memory_bytes(process: psutil.Process, call: Call) -> int:
    """Return how much a process grows by 50 sessions that are begun and looked at."""
    call("get_phase", session_id=start(call))
    call("list_sessions")
    before: int = process.memory_info().rss
    for _ in range(50):
        call("get_phase", session_id=start(call))
    call("list_sessions")
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
        projects = [Path(folder) / name for name in ("memory", "time", "served")]
        for project in projects:
            project.mkdir()
            lay_down(source, "1.1.0", project)
        grown = memory_bytes(psutil.Process(), calls_here(projects[0])[1])
        tool, call = calls_here(projects[1])
        here = measure(call, rounds=asked.rounds, most=asked.sessions)
        hits, misses = tool.catalogue.definitions.counted
        with calls_there(projects[2]) as (server, call):
            grown_there = memory_bytes(server, call)
            there = measure(call, rounds=asked.rounds, most=asked.sessions)
    lines = ["| call | in process | over stdio | goal |", "|---|---|---|---|"]
    for name, value in here.items():
        goal = f"{GOALS_MS[name]} ms" if name in GOALS_MS else ""
        lines.append(f"| {name} | {value:.1f} ms | {there[name]:.1f} ms | {goal} |")
    most_mb, mb = GOAL_MEMORY_BYTES / 1e6, (grown / 1e6, grown_there / 1e6)
    lines.append(f"| memory for 50 sessions | {mb[0]:.1f} MB | {mb[1]:.1f} MB | {most_mb:.1f} MB |")
    lines.append(f"| parsed files used again | {100 * hits / (hits + misses):.1f} % | | 90 % |")
    lines.append(f"| description | {len(DESCRIPTION.encode()) / 1e3:.1f} kB | | 3.0 kB |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
