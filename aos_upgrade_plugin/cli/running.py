"""Around every command: what goes wrong is two lines and an exit status, never a traceback."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aos_upgrade_plugin.cli import output, stopping
from aos_upgrade_plugin.errors import ExitCode, StoppedError, UpgradeError, UsageError

if TYPE_CHECKING:
    from typer import TyperException


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say and return the exit status."""
    as_json = "--json" in arguments
    try:
        _occupy_standard_descriptors()
        stopping.obey()
        output.prepare()
        return _call(arguments)
    except UpgradeError as error:
        return output.show_error(error, as_json=as_json)
    except KeyboardInterrupt:
        return output.show_error(_stopped(), as_json=as_json)
    except Exception as bug:  # noqa: BLE001  the last place where anything can be caught
        from aos_upgrade_plugin.cli.crash import as_error

        return output.show_error(as_error(bug), as_json=as_json)


def _call(arguments: Sequence[str]) -> int:
    import typer

    from aos_upgrade_plugin.cli.app import app

    command = typer.main.get_command(app)
    try:
        with command.make_context("aos-upgrade", list(arguments) or ["--help"]) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    except BrokenPipeError:  # whoever wanted the help has seen enough of it
        output.hang_up()
    except typer.Abort as abort:
        raise KeyboardInterrupt from abort
    except typer.TyperException as error:
        raise _usage(error) from error
    return ExitCode.DONE


def _usage(error: "TyperException") -> UsageError:
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "aos-upgrade")
    return UsageError(error.format_message().rstrip("."), cure=f"see: {command} --help")


def _stopped() -> StoppedError:
    return StoppedError(
        "stopped, with nothing half done: what was begun is taken back or waits to be resumed",
        cure="aos-upgrade status says how everything stands and how to go on",
    )


def _occupy_standard_descriptors() -> None:
    """Keep a file that we open from becoming standard output where that was closed."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # the lowest free number: this one
