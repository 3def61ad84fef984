"""What was measured of an installation's server before an upgrade, and what became of it."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, JsonValue

from aos_upgrade_plugin.models.base import Frozen, Utc
from aos_upgrade_plugin.models.evidence import PostInstallStep
from aos_upgrade_plugin.models.moment import Moment
from aos_upgrade_plugin.models.server import (
    Doubtful,
    Probe,
    Seconds,
    ServerProcess,
    StartCommand,
    Started,
    Stopped,
)
from aos_upgrade_plugin.models.tree import Entry


class Measured(Frozen):
    """What a server answered when everything was asked that an upgrade could break."""

    probe: Probe
    search_problem: str | None = None
    """Why no answer proves that the search asks its index; nothing when one does."""
    search_hopeless: bool = False
    """No waiting mends the search: there is no such tool, or no sentence to search for."""
    index_problem: str | None = None
    """Why no answer proves that the index holds what is new; nothing when one does."""
    workflows: tuple[str, ...] | None = None
    """Those that it lists, by name; nothing where no tool of it lists any."""

    @property
    def searchable(self) -> bool:
        """The search asks its index, and that is of today."""
        return self.search_problem is None and self.index_problem is None


class ServerBefore(Frozen):
    """The server as it was before the run changed anything."""

    running: tuple[ServerProcess, ...] = ()
    doubtful: tuple[Doubtful, ...] = ()
    restart: StartCommand | None = None
    """How what ran is started again; nothing where nothing ran that is ours to restart."""
    ask: StartCommand | None = None
    """How it is asked while nothing serves: started over its pipes, and ended again."""
    measured: Measured | None = None
    environment: Entry | None = None
    """The environment in use, by its identity on the disk; nothing where there was none."""

    @classmethod
    def told_in(cls, facts: Mapping[str, JsonValue]) -> Self | None:
        """Return what the facts of a run tell of it; nothing where they do not."""
        found = facts.get("server_before")
        return None if found is None else cls.model_validate(found)

    @property
    def answered(self) -> bool:
        """It was asked, and shook hands."""
        return self.measured is not None and self.measured.probe.reached

    @property
    def problem(self) -> str | None:
        """Why it did not answer; nothing where it did, or was not asked."""
        return self.measured.probe.problem if self.measured else None

    @property
    def search_problem(self) -> str | None:
        """Why its search was broken; nothing where that worked, or was not asked."""
        return self.measured.search_problem if self.measured else None

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools that it listed."""
        return self.measured.probe.tools if self.measured else ()

    @property
    def stoppable(self) -> tuple[ServerProcess, ...]:
        """What ran and was ours to restart."""
        return tuple(each for each in self.running if each.may_be_stopped)


class ServerNow(Frozen):
    """The server after something was done to it: upgraded, or taken back."""

    endpoint: str | StartCommand | None
    """Where it answers, or how it is asked where none is kept running.

    Nothing where the installation has no environment to run it with.
    """
    stopped: tuple[Stopped, ...] = ()
    started: Started | None = None
    """Nothing where none ran before, or somebody else started it."""
    not_started: tuple[ServerProcess, ...] = ()
    """Servers that were stopped beside the one that was started again: one serves everybody."""
    exchanged: Moment | None = None
    """Since when the code and the environment that stand are the new ones."""
    restarted_at: Utc | None = None
    down_s: Seconds | None = None
    """From stopping the old one to the new one's answer."""
    clients: tuple[ServerProcess, ...] = ()
    """Servers that a client had started: it has to start them anew."""
    log: str | None = None
    """What the started one prints goes there, from this byte on."""
    log_from_bytes: int = Field(default=0, ge=0)
    expected_tools: tuple[str, ...] | None = None
    """Those of the new version's own code, started beside; nothing where it did not tell."""
    expected_problem: str | None = None
    steps: tuple[PostInstallStep, ...] = ()

    @classmethod
    def told_in(cls, facts: Mapping[str, JsonValue]) -> Self | None:
        """Return what the facts of a run tell of it; nothing where they do not."""
        found = facts.get("server")
        return None if found is None else cls.model_validate(found)
