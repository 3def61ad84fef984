"""What an environment lacks for its requirements, and what nobody asked it for."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.service.requirements import (
    attempts,
    extras,
    has_opaque,
    inconsistent,
    lacking,
)
from aos_upgrade_plugin.models.packages import Environment, Installed, Requirements

MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.7",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "6",
    "platform_system": "Linux",
    "platform_version": "1",
    "python_full_version": "3.11.7",
    "python_version": "3.11",
    "sys_platform": "linux",
}
NOTHING = Requirements()


def _installed(text: str) -> Installed:
    """Read ``name version [: requirement, …]``; an address for a version comes from there."""
    about, _, needs = text.partition(":")
    name, version = about.split()
    return Installed(
        name=name, version=version, requires=tuple(filter(None, map(str.strip, needs.split(","))))
    )


def _environment(*packages: str, borrowed: tuple[str, ...] = ()) -> Environment:
    return Environment(
        folder=Path("/venv"),
        python="3.11.7",
        interpreter=None,
        markers=MARKERS,
        packages=tuple(map(_installed, packages)),
        borrowed=tuple(map(_installed, borrowed)),
    )


def _asks(*lines: str, constraints: tuple[str, ...] = ()) -> Requirements:
    return Requirements(lines=lines, constraints=constraints)


@pytest.mark.parametrize(
    ("lines", "packages", "missing"),
    [
        pytest.param((), (), (), id="nothing-asked"),
        pytest.param(("mcp>=1",), ("mcp 1.19",), (), id="holds"),
        pytest.param(("MCP_Server>=1",), ("mcp-server 1.19",), (), id="spelled-otherwise"),
        pytest.param(("mcp>=2",), ("mcp 1.19",), ("mcp>=2 (1.19 is installed)",), id="too-old"),
        pytest.param(("mcp",), (), ("mcp (not installed)",), id="absent"),
        pytest.param(("mcp>=2",), ("mcp 2.1rc1",), (), id="pre-release-is-there"),
        pytest.param(("mcp; python_version<'3.10'",), (), (), id="not-for-this-python"),
        pytest.param(
            ("mcp; python_version>='3.10'",), (), ("mcp (not installed)",), id="for-this-python"
        ),
        pytest.param(("a",), ("a 1: b>=1", "b 2"), (), id="through-another"),
        pytest.param(
            ("a",), ("a 1: b>=1", "b 0"), ("b>=1 for a (0 is installed)",), id="through-another-not"
        ),
        pytest.param(("a",), ("a 1: b; extra=='cli'",), (), id="extra-not-wanted"),
        pytest.param(
            ("a[cli]",),
            ("a 1: b; extra=='cli'",),
            ("b for a (not installed)",),
            id="extra-wanted",
        ),
        pytest.param(("a",), ("a 1: b", "b 1: a"), (), id="in-a-circle"),
        pytest.param(("./vendored",), (), ("./vendored",), id="only-an-installer-knows"),
        pytest.param(("a; os_name ~= 'garbage'",), (), (), id="a-marker-nobody-understands"),
        pytest.param(("./a\x1b[2J",), (), ("./a\\x1b[2J",), id="nothing-for-a-terminal"),
        pytest.param(("a",), ("a 2024-garbage",), (), id="any-version-will-do"),
        pytest.param(
            ("a>=1",), ("a 2024-garbage",), ("a>=1 (2024-garbage is installed)",), id="no-version"
        ),
    ],
)
def test_what_is_lacking(
    lines: tuple[str, ...], packages: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    """Whatever an installer would have to change is named, and nothing else."""
    found = lacking(_asks(*lines), _environment(*packages), laid_down=NOTHING)
    assert tuple(map(str, found)) == missing


@pytest.mark.parametrize("lines", [("a",), ("./vendored",), ("c @ file:///c.whl",)])
def test_unchanged_requirements_ask_for_themselves_only(lines: tuple[str, ...]) -> None:
    """What was inconsistent before, or cannot be judged, is not repaired by an upgrade."""
    environment = _environment("a 1: b>=2", "b 1", "c 1")
    assert lacking(_asks(*lines), environment, laid_down=NOTHING)
    assert lacking(_asks(*lines), environment, laid_down=_asks(*lines)) == ()


def test_unchanged_requirements_that_do_not_hold_are_named() -> None:
    """An environment somebody broke is not passed over."""
    asked = _asks("a>=2")
    (lack,) = lacking(asked, _environment("a 1"), laid_down=asked)
    assert lack == ("a", "a>=2 (1 is installed)")


def test_constraints_limit_what_is_there() -> None:
    """They ask for nothing, and count where they matter."""
    asked = _asks("a", constraints=("a<2", "b<2"))
    assert lacking(asked, _environment("a 1"), laid_down=NOTHING) == ()
    (lack,) = lacking(asked, _environment("a 2"), laid_down=NOTHING)
    assert lack == ("a", "a<2 (2 is installed)")


def test_what_is_borrowed_counts() -> None:
    """What an environment can import from elsewhere need not be installed again."""
    environment = _environment("a 1", borrowed=("a 0", "b 1"))
    assert lacking(_asks("a>=1", "b"), environment, laid_down=NOTHING) == ()


def test_inconsistent_packages_are_named() -> None:
    """As by ``pip check``: who needs what, and what is there."""
    environment = _environment("a 1: b>=2, c", "b 1", "d 1: a; extra=='x'")
    assert inconsistent(environment) == (
        "a 1 needs b>=2 (1 is installed)",
        "a 1 needs c (not installed)",
    )


@pytest.mark.parametrize(
    ("lines", "packages", "kept"),
    [
        pytest.param(("a",), ("a 1: b", "b 1"), [], id="all-explained"),
        pytest.param(("a",), ("a 1", "mine 1", "pip 23"), ["mine", "pip"], id="the-users"),
        pytest.param((), ("a 1",), ["a"], id="nothing-is-known"),
        pytest.param(("a",), ("a 1: b; extra=='cli'", "b 1"), ["b"], id="extra-by-hand"),
        pytest.param(("a[cli]",), ("a 1: b; extra=='cli'", "b 1"), [], id="extra-asked-for"),
    ],
)
def test_what_somebody_installed_besides(
    lines: tuple[str, ...], packages: tuple[str, ...], kept: list[str]
) -> None:
    """What the requirements do not explain was put there by somebody and is kept."""
    found = extras(_environment(*packages), laid_down=_asks(*lines))
    assert [each.name for each in found] == kept


def test_as_little_as_possible_moves() -> None:
    """All is held but what is lacking; then what is asked for or was added; then nothing."""
    asked = _asks("a>=2", "b[cli]")
    environment = _environment("a 1: c>=1", "b 1: d", "c 0", "d 1", "mine 1")
    lacks = lacking(asked, environment, laid_down=NOTHING)
    kept = extras(environment, laid_down=asked)
    held = attempts(asked, environment, lacks=lacks, kept=kept)
    assert [sorted(each) for each in held] == [["b", "d", "mine"], ["b", "mine"], []]


def test_lines_that_name_nothing() -> None:
    """A folder or a bare address has a name only for who opens it."""
    assert has_opaque(["a", "./b"])
    assert not has_opaque(["a>=1", "b @ https://example.org/b.whl"])
