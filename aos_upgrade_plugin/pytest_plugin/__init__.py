"""What pytest loads when the plugin is installed: options, and nothing else of ours until used.

``pytest -p aos_upgrade_plugin --aos-gate=GATE --aos-source=DIR --aos-target=DIR``
"""

import argparse
from pathlib import Path

import pytest

_NEED_A_GATE = ("aos_source", "aos_target", "aos_waivers", "aos_context")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add one group of options, all beginning with ``--aos-``."""
    group = parser.getgroup("aos-upgrade", "gates of aos-upgrade")
    option = group.addoption
    option(
        "--aos-gate",
        metavar="GATE",
        help="run the checks of this gate and nothing else: pre-flight, backup, content, server,"
        " validation, cleanup, rollback, or a phase number from 0 to 5",
    )
    option("--aos-source", metavar="DIR", type=Path, help="the checkout to upgrade from")
    option("--aos-target", metavar="DIR", type=Path, help="the installation's folder")
    option("--aos-waivers", metavar="FILE", type=Path, help="TOML file of waivers")
    option("--aos-context", metavar="FILE", type=Path, help="what checks may know, as JSON")
    # Between the runner and the process it starts; see effects/gate/gate_process.py.
    option("--aos-line", type=int, help=argparse.SUPPRESS)
    option("--aos-list", action="store_true", help=argparse.SUPPRESS)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Take nothing from the target, which pytest may have found as ``--aos-target DIR``."""
    if early_config.known_args_namespace.aos_gate is not None:
        from aos_upgrade_plugin.pytest_plugin import surroundings

        surroundings.keep_out(early_config)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin a gate when one is asked for; do nothing otherwise."""
    if config.getoption("aos_gate") is None:
        for name in _NEED_A_GATE:
            if config.getoption(name) is not None:
                option = name.replace("_", "-")
                raise pytest.UsageError(f"--{option} means nothing without --aos-gate")
        return
    from aos_upgrade_plugin.pytest_plugin import gate

    gate.begin(config)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> pytest.ExitCode | None:
    """List the checks when the runner asks for that; otherwise leave pytest alone."""
    if not config.getoption("aos_list") or config.getoption("aos_line") is None:
        return None
    from aos_upgrade_plugin.pytest_plugin import gate

    return gate.offer(config)
