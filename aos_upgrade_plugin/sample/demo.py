"""``python -m aos_upgrade_plugin.sample.demo DIR``: an upgrade, and two bad ones that go back.

Nothing of it is staged: a project with a running server, and the command as people call it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.decide.layout import recognise, signs
from aos_upgrade_plugin.decide.service.server import sort_out, start_command, surroundings
from aos_upgrade_plugin.effects.layouts import known, present
from aos_upgrade_plugin.effects.service import processes
from aos_upgrade_plugin.effects.service.server import launch, read_state
from aos_upgrade_plugin.errors import ServerError, UpgradeError
from aos_upgrade_plugin.models.server import Site, Transport
from aos_upgrade_plugin.sample.environment import Environment
from aos_upgrade_plugin.sample.installation import lay_down
from aos_upgrade_plugin.sample.new_folder import new_folder
from aos_upgrade_plugin.sample.source import LATEST, Source, build_source
from aos_upgrade_plugin.sample.variants import move_in

_INSTALLED, _NEXT = "1.0.0", "1.1.0"
_COMPLETED, _ROLLED_BACK = 0, 5
_STARTS_WITHIN_S = 60.0
_LOOK_AGAIN_S = 0.05
_SOON_S = "5"
"""How long a bad version may take; a good one is there in one second."""


class Demo(NamedTuple):
    """The project that is upgraded, and what it is upgraded from."""

    folder: Path
    source: Source
    site: Site

    def call(self, *words: str, expected: int = 0) -> None:
        """Call the command in the project, and let everybody see it."""
        command = Path(sys.executable).with_name("aos-upgrade")
        _say(f"\n$ aos-upgrade {' '.join(words)}")
        ended = subprocess.run([command, *words], cwd=self.site.project, check=False)
        if ended.returncode != expected:
            raise ServerError(
                f"the demo went wrong: exit status {ended.returncode}, and {expected} was expected",
                cure=f"look what is left in {self.folder}",
            )

    def check_out(self, version: str) -> None:
        """Put the source at another version."""
        _say(f"\n$ git -C ../source checkout {version}")
        self.source.check_out(version)

    @contextmanager
    def serving(self) -> Generator[None]:
        """Start the server as a person does, and stop whatever serves at the end."""
        command = start_command(site=self.site, transport=Transport.HTTP)
        if command is None:
            raise AssertionError("every version of the sample speaks HTTP")
        words = command.arguments[0].removeprefix(f"{self.site.project}/")
        install = self.site.install.name
        _say(f"\n$ PYTHONPATH={install} {words} {' '.join(command.arguments[1:])} &")
        environment = surroundings(os.environ, command)
        launched = launch(command, environment=environment, log=self.folder / "server.log")
        try:
            give_up_at_s = time.monotonic() + _STARTS_WITHIN_S
            while read_state(self.site) is None:
                if launched.ended_with is not None or time.monotonic() > give_up_at_s:
                    said = " | ".join(launched.last_lines())
                    raise ServerError(f"the server did not start: {said}", cure="see its log")
                time.sleep(_LOOK_AGAIN_S)
            yield
        finally:
            self._stop()

    def _stop(self) -> None:
        found = processes.running(self.site.module)
        for server in sort_out(found, site=self.site, state=None).running:
            processes.stop(server.pid, born=server.born, grace_s=1)


def main() -> int:
    """Show it all in a new folder; the source is left at a version that is still to be had."""
    try:
        demo = _lay_out(sys.argv[1:])
        _title("An installation whose server runs")
        with demo.serving():
            _show(demo)
    except UpgradeError as error:
        sys.stderr.write(f"error: {error}\nfix: {error.cure}\n")
        return int(error.exit_code)
    except KeyboardInterrupt:
        return 130
    _say_more(demo)
    return 0


def _show(demo: Demo) -> None:
    demo.call("doctor")
    _title(f"The upgrade to {_NEXT}: content, server code, restart, and proof of each")
    demo.call("run", "--source", "../source", expected=_COMPLETED)
    bad = ("run", "--source", "../source", "--restart-timeout", _SOON_S)
    _title("A version whose server does not start: everything goes back, the server too")
    demo.check_out("bad-start")
    demo.call(*bad, expected=_ROLLED_BACK)
    _title("A version whose search has lost its index, and does not say so: caught, and taken back")
    demo.check_out("silent-search")
    demo.call(*bad, expected=_ROLLED_BACK)
    _title("After all that")
    demo.call("doctor")
    demo.check_out(LATEST)


def _say_more(demo: Demo) -> None:
    _title("Try more")
    _say(f"The server is stopped, and the source is at {LATEST}, which is good. In the project:")
    _say(f"\n  cd {demo.site.project}")
    command = Path(sys.executable).with_name("aos-upgrade")
    for words in ("plan --source ../source --diff", "run --source ../source", "report", "rollback"):
        _say(f"  {command} {words}")


def _lay_out(arguments: list[str]) -> Demo:
    folder = new_folder(arguments, module="aos_upgrade_plugin.sample.demo")
    source = build_source(folder / "source", at=_NEXT)
    install = lay_down(source, _INSTALLED, folder / "project", environment=Environment.SHARED)
    move_in(install)
    listing = present(install, signs(known()))
    layout = recognise(name=install.name, listing=listing, layouts=known())
    return Demo(folder, source, Site.of(install=install, project=install.parent, layout=layout))


def _title(text: str) -> None:
    _say(f"\n== {text}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
