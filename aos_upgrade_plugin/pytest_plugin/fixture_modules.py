"""Registers the pytest plugin modules in which distributions keep the fixtures of their checks."""

import pytest

from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.words import describe
from aos_upgrade_plugin.plugins import DISABLE, Plugins


def load_fixture_modules(config: pytest.Config, plugins: Plugins) -> None:
    """Make the fixtures of every distribution known; RefusedError names one that cannot be."""
    for brought in plugins.fixture_modules():
        name = str(brought.where)
        if config.pluginmanager.has_plugin(name):
            continue
        try:
            config.pluginmanager.import_plugin(name)
        except (Exception, SystemExit, pytest.skip.Exception) as error:
            raise RefusedError(
                f"the fixtures {name} of {brought.distribution} cannot be used: {describe(error)}",
                cure="repair or uninstall it, or leave it out:"
                f" {DISABLE}={brought.distribution.name}",
            ) from error
