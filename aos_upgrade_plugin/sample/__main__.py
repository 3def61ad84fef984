"""``python -m aos_upgrade_plugin.sample DIR``: the sample's source and a project that has it."""

import sys

from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.sample import build_source, lay_down, variants
from aos_upgrade_plugin.sample.new_folder import new_folder

_INSTALLED, _NEXT = "1.0.0", "1.1.0"


def main() -> int:
    """Make both in a new folder; the installation has files, edits and settings of a user's."""
    try:
        folder = new_folder(sys.argv[1:], module="aos_upgrade_plugin.sample")
        source = build_source(folder / "source", at=_NEXT)
        install = lay_down(source, _INSTALLED, folder / "project")
        variants.move_in(install)
    except UpgradeError as error:
        sys.stderr.write(f"error: {error}\nfix: {error.cure}\n")
        return int(error.exit_code)
    sys.stdout.write(f"a checkout of {_NEXT} in {source.folder}\n")
    sys.stdout.write(f"an installation of {_INSTALLED} in {install}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
