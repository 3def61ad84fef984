"""A small product of our own, in the real one's shape, to be upgraded by the demo and the tests.

A source with history, installations of any of its versions, and what users do to them. Reference:
docs/reference/sample.md.
"""

from aos_upgrade_plugin.sample.environment import Environment
from aos_upgrade_plugin.sample.installation import lay_down
from aos_upgrade_plugin.sample.source import Source, build_source

__all__ = ["Environment", "Source", "build_source", "lay_down"]
