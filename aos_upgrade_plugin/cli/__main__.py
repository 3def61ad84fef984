"""``python -m aos_upgrade_plugin.cli``: the command, where its script is not at hand."""

from aos_upgrade_plugin.cli import main

main()
