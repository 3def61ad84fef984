"""The command ``aos-upgrade``: one file a group of commands.

Nothing is imported before it is needed: ``--help`` stays quick, and a Ctrl-C at the very start
meets a handler and not a traceback.
"""

import gc
import sys


def main() -> None:
    """Run the command line of this process."""
    # What is imported stays: looking through it for garbage takes a quarter of a command's start.
    gc.set_threshold(100_000, 20, 20)
    try:
        from aos_upgrade_plugin.cli.running import run

        sys.exit(run(sys.argv[1:]))
    except KeyboardInterrupt:  # before the command line was even read
        sys.exit(130)
    finally:
        gc.freeze()  # nor is it looked through once more at the end
