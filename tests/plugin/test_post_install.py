"""Steps after packages were installed, named by plugins."""

import pytest

from aos_upgrade_plugin.api import PostInstallCommand, PostInstallContext, hookimpl
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.gate import Distribution
from aos_upgrade_plugin.models.packages import ChangeKind, PackageChange
from aos_upgrade_plugin.plugins import OURS, BuiltIn, Plugins

ACME = Distribution(name="acme-models", version="1")
CHANGES = tuple(
    PackageChange(name=name, kind=ChangeKind.INSTALLED, after="1")
    for name in ("playwright", "sentence-transformers")
)
CONTEXT = PostInstallContext(changes=CHANGES, config={"mcp": {"enabled_tool_groups": ["browser"]}})


class Models:
    """A stranger's detector."""

    @hookimpl
    def aos_post_install_steps(self, context: PostInstallContext) -> list[PostInstallCommand]:
        """Fetch a model for a new version of what uses it."""
        if not context.is_new("sentence-transformers"):
            return []
        command = ("python", "-c", "print('fetched')")
        return [
            PostInstallCommand(
                package="sentence-transformers", reason="it needs a model", command=command
            )
        ]


class Wrong:
    """A detector that answers with something else."""

    @hookimpl
    def aos_post_install_steps(self) -> list[str]:
        """Return no commands."""
        return ["playwright install"]


def _plugins(*strangers: object) -> Plugins:
    plugins = Plugins()
    plugins.register(BuiltIn(), OURS, name="built-in")
    for number, stranger in enumerate(strangers):
        plugins.register(stranger, ACME, name=f"stranger-{number}")
    return plugins


def test_the_built_in_detector_comes_through_the_hook() -> None:
    """A new playwright gets its browser, by the same way as anybody's step."""
    assert [str(step) for step in _plugins().post_install_steps(CONTEXT)] == [
        "playwright install chromium"
    ]


def test_a_strangers_step_is_added() -> None:
    """Steps add up, the built-in ones first."""
    steps = _plugins(Models()).post_install_steps(CONTEXT)
    assert [step.package for step in steps] == ["playwright", "sentence-transformers"]
    nothing = PostInstallContext(changes=())
    assert _plugins(Models()).post_install_steps(nothing) == ()


def test_an_answer_that_is_no_command_is_blamed_on_its_distribution() -> None:
    """Whoever reads the error knows what to repair or leave out."""
    with pytest.raises(RefusedError, match="acme-models"):
        _plugins(Wrong()).post_install_steps(CONTEXT)
