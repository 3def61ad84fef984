"""``python -m aos_upgrade_plugin.sample DIR``: the sample's source and a project that has it."""

import sys
from pathlib import Path

from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.errors import UpgradeError, UsageError
from aos_upgrade_plugin.sample import build_source, lay_down, variants

_INSTALLED, _NEXT = "1.0.0", "1.1.0"


def main() -> int:
    """Make both in a new folder; the installation has files, edits and settings of a user's."""
    try:
        folder = _folder(sys.argv[1:])
        source = build_source(folder / "source", at=_NEXT)
        install = lay_down(source, _INSTALLED, folder / "project")
        variants.move_in(install)
    except UpgradeError as error:
        sys.stderr.write(f"error: {error}\nfix: {error.cure}\n")
        return int(error.exit_code)
    sys.stdout.write(f"a checkout of {_NEXT} in {source.folder}\n")
    sys.stdout.write(f"an installation of {_INSTALLED} in {install}\n")
    return 0


def _folder(arguments: list[str]) -> Path:
    if len(arguments) != 1 or arguments[0].startswith("-") or Path(arguments[0]).exists():
        raise UsageError(
            "name one folder that does not exist yet",
            cure="python -m aos_upgrade_plugin.sample DIR",
        )
    folder = Path(arguments[0]).absolute()
    durable.make_directories(folder / "project")
    return folder


if __name__ == "__main__":
    sys.exit(main())
