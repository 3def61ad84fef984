"""What pytest itself takes from, or would write to, the folders that a gate looks at."""

from pathlib import Path

import pytest


def keep_out(early_config: pytest.Config) -> None:
    """Refuse configuration from the target, and write nothing there.

    pytest looks for its configuration before it knows our options, so it takes the DIR of
    ``--aos-target DIR`` for a test path. With ``=`` it does not.
    """
    options = early_config.known_args_namespace
    started_in = early_config.invocation_params.dir
    for name, folder in (("target", options.aos_target), ("source", options.aos_source)):
        if folder is None:
            continue
        own_choice = name == "source" and _within(started_in, folder)
        if early_config.inipath and _within(early_config.inipath, folder) and not own_choice:
            raise pytest.UsageError(
                f"pytest took its configuration from the {name}, {early_config.inipath}\n"
                f"fix: write --aos-{name}=DIR, with an equals sign, and start from another folder"
            )
        if _within(early_config.rootpath, folder) and not own_choice:
            for plugin in ("cacheprovider", "stepwise"):
                early_config.pluginmanager.set_blocked(plugin)


def _within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
