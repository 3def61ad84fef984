"""Settings put together: what a flag says counts first, then the environment, then the project."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from aos_upgrade_plugin.errors import UsageError
from aos_upgrade_plugin.models.settings import Settings

PREFIX = "AOS_UPGRADE_"
_MOST_ACTIVE = "max_active_sessions"
_NOT_SETTINGS = frozenset({"EXCHANGE", "DISABLE_PLUGINS", _MOST_ACTIVE.upper()})
_DEFAULT_MOST_ACTIVE = 1_000


def settled(
    *,
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    project: Mapping[str, Any],
    flags_are: str = "the command line",
) -> Settings:
    """Return the settings of a run; raise UsageError that names what makes no sense and where.

    A flag that was not given is nothing. ``project`` is ``[tool.aos-upgrade]``; its keys may be
    written with hyphens.
    """
    of_project = _with_underscores(project)
    of_project.pop(_MOST_ACTIVE, None)
    layers = (
        ("[tool.aos-upgrade]", of_project),
        ("the environment", _from_environment(environment)),
        (flags_are, {key: value for key, value in flags.items() if value is not None}),
    )
    said = {key: value for _, layer in layers for key, value in layer.items()}
    where = {key: place for place, layer in layers for key in layer}
    if "source_path" not in said:
        raise UsageError(
            f"no source is named by {flags_are}, the environment or the project",
            cure="name a checkout of the product: --source DIR, or source_path among the options",
        )
    try:
        return Settings.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        raise UsageError(
            f"the setting {name} in {where.get(name, 'the settings')}: {first['msg'].lower()}",
            cure="see the settings and their values: aos-upgrade run --help",
        ) from error


def most_active_sessions(*, environment: Mapping[str, str], project: Mapping[str, Any]) -> int:
    """Return how many sessions may be active at once; raise UsageError for nonsense."""
    said: object = environment.get(PREFIX + _MOST_ACTIVE.upper())
    if said is None:
        said = _with_underscores(project).get(_MOST_ACTIVE, _DEFAULT_MOST_ACTIVE)
    text = str(said)
    if text.isdecimal() and int(text[:9]) >= 1 and len(text) <= len("100000000"):
        return int(text)
    raise UsageError(
        f"the setting {_MOST_ACTIVE} is no number of sessions: {text[:40]!r}",
        cure=f"set {_MOST_ACTIVE} to a whole number from 1 on",
    )


def _with_underscores(project: Mapping[str, Any]) -> dict[str, Any]:
    return {key.replace("-", "_"): value for key, value in project.items()}


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    named = {
        name.removeprefix(PREFIX): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    return {name.lower(): value for name, value in named.items() if name not in _NOT_SETTINGS}
