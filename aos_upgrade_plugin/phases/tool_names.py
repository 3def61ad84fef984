"""The tools that an installed server's code still brings."""

from collections.abc import Collection

from aos_upgrade_plugin.decide.service.tool_names import tools_in
from aos_upgrade_plugin.models.server import Site


def names_in_code(site: Site, names: Collection[str]) -> frozenset[str]:
    """Return those of some names that the server's code defines or registers.

    A tool that is gone and still among them was not dropped on purpose.
    """
    code = site.install.joinpath(*site.module.split(".")).rglob("*.py")
    found = (tools_in(code=each.read_bytes(), names=names) for each in code)
    return frozenset[str]().union(*found)
