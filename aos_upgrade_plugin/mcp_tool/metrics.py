"""What a server tells of itself in Prometheus' terms. Loaded only where somebody asked for it."""

from collections import Counter as Count
from collections.abc import Iterator, Mapping
from typing import Any

import psutil
from prometheus_client import CollectorRegistry, Counter, Histogram, Info
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from aos_upgrade_plugin import __version__
from aos_upgrade_plugin.actions.workflow_tool import WorkflowTool
from aos_upgrade_plugin.decide.workflow.workflow_counting import (
    CALL,
    MOVES,
    UNKNOWN,
    UPGRADE,
    counted_as,
)
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.models.session import SessionStatus
from aos_upgrade_plugin.models.workflow_call import Action

_UNREADABLE = "unreadable"
_OUTCOMES = (
    ("success", ""),
    ("error", "ValueError"),
    ("error", "NotFoundError"),
    ("error", "ValidationError"),
    ("error", "StateError"),
    ("error", "RuntimeError"),
)
# From what a look takes to what an upgrade takes; 1 s is the limit of the alert, so it is exact.
_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


def measure(tool: WorkflowTool, registry: CollectorRegistry) -> None:
    """Count a tool's calls from now on, and tell of its sessions whenever somebody asks.

    Every series is there from the beginning, at nothing: of one that begins at one, a first error
    would not be seen as an increase.
    """
    seconds = Histogram(
        "aos_workflow_call_seconds",
        "How long calls took; of the kind upgrade are those that may work on an upgrade.",
        ["action", "kind"],
        buckets=_BOUNDS_S,
        registry=registry,
    )
    calls = Counter(
        "aos_workflow_calls",
        "Calls that were answered.",
        ["action", "outcome", "error_type"],
        registry=registry,
    )
    build = Info("aos_workflow_build", "What is running.", registry=registry)
    build.info({"version": __version__})
    registry.register(_Kept(tool))
    for action in (*Action, UNKNOWN):
        seconds.labels(action, CALL)
        for outcome in _OUTCOMES:
            calls.labels(action, *outcome)
    for action in MOVES:
        seconds.labels(action, UPGRADE)

    def watch(arguments: Mapping[str, Any], answer: Mapping[str, Any], took_s: float) -> None:
        told = counted_as(arguments=arguments, answer=answer)
        seconds.labels(told.action, told.kind).observe(took_s)
        calls.labels(told.action, told.outcome, told.error_type).inc()

    tool.watch = watch


class _Kept(Collector):
    """What is kept elsewhere, and read when it is asked for."""

    def __init__(self, tool: WorkflowTool) -> None:
        self._tool = tool

    def describe(self) -> Iterator[Metric]:
        """Name them without reading anything."""
        yield from (*self._cache(), *_sessions(None))

    def collect(self) -> Iterator[Metric]:
        yield from self._cache()
        yield from _sessions(self._by_status())

    def _cache(self) -> Iterator[Metric]:
        counted = self._tool.catalogue.definitions.counted
        for name, value, what in (
            ("hits", counted.hits, "Parts of workflow definitions that had been parsed before."),
            ("misses", counted.misses, "Parts of workflow definitions that had to be parsed."),
        ):
            yield CounterMetricFamily(f"aos_workflow_definitions_cache_{name}", what, value)

    def _by_status(self) -> Mapping[str, int] | None:
        """Return how many sessions there are in each state; nothing where that cannot be told."""
        try:
            stored = sessions.stored(self._tool.installation().path)
        except UpgradeError:
            return None
        states = [each.session.session_status if each.session else _UNREADABLE for each in stored]
        return {**dict.fromkeys((*SessionStatus, _UNREADABLE), 0), **Count(states)}


def _sessions(by_status: Mapping[str, int] | None) -> Iterator[Metric]:
    counted = GaugeMetricFamily(
        "aos_workflow_sessions", "Sessions of the installation, by state.", labels=["status"]
    )
    for status, count in (by_status or {}).items():
        counted.add_metric([status], count)
    yield counted
    yield GaugeMetricFamily(
        "aos_workflow_store_readable",
        "1 where the sessions could be counted, 0 where the installation cannot be read.",
        by_status is not None,
    )


class ProcessMemory(Collector):
    """The memory of this process, now and when it began to serve."""

    def __init__(self) -> None:
        """Take what is used now for what an idle server uses."""
        self._process = psutil.Process()
        self._idle_bytes = self._resident_bytes()

    def collect(self) -> Iterator[Metric]:
        """Say both, by the same measure on every system."""
        yield GaugeMetricFamily(
            "process_resident_memory_bytes", "Resident memory size.", self._resident_bytes()
        )
        yield GaugeMetricFamily(
            "aos_workflow_idle_memory_bytes",
            "Resident memory size when the server began to serve.",
            self._idle_bytes,
        )

    def _resident_bytes(self) -> int:
        resident: int = self._process.memory_info().rss
        return resident
