"""Folders that upstream renamed or gave up, and the user's own files in them."""

import pytest

from aos_upgrade_plugin.decide.migration.moved_content import (
    content_folders,
    renamed_folders,
    usage_folder,
)
from aos_upgrade_plugin.models.layout import Part
from tests.decide.migration_facts import Texts, facts

OLD, NEW = "standards/universal/old", "standards/universal/new"


@pytest.mark.parametrize(
    ("laid_down", "incoming", "renamed"),
    [
        pytest.param({"s/a/x", "s/a/y"}, {"s/b/x", "s/b/y"}, {"s/a": "s/b"}, id="all-of-it"),
        pytest.param({"s/a/d/x", "s/a/y"}, {"s/b/d/x", "s/b/y"}, {"s/a": "s/b"}, id="the-highest"),
        pytest.param({"s/a/x", "s/a/y", "s/a/z"}, {"s/b/x", "s/b/y"}, {"s/a": "s/b"}, id="most"),
        pytest.param({"s/a/x", "s/a/y"}, {"s/b/x"}, {}, id="half-is-not-most"),
        pytest.param({"s/a/x", "s/a/y"}, {"s/a/x", "s/b/y"}, {}, id="it-is-still-there"),
        pytest.param({"s/a/x", "s/b/x"}, {"s/b/x"}, {}, id="the-other-was-there-before"),
        pytest.param({"s/a/d/x", "s/a/y"}, {"s/a/e/x", "s/a/y"}, {"s/a/d": "s/a/e"}, id="deeper"),
        pytest.param({"a/x"}, {"b/x"}, {}, id="a-whole-root"),
        pytest.param({"s/a/x"}, {}, {}, id="given-up"),
    ],
)
def test_a_folder_is_renamed_where_most_of_it_is_elsewhere(
    laid_down: set[str], incoming: set[str], renamed: dict[str, str]
) -> None:
    """Told by the paths below it; nothing is guessed where it is still there, or split."""
    assert renamed_folders(laid_down=laid_down, incoming=incoming) == renamed


def _renamed(mine: Texts, *, incoming: Texts | None = None) -> tuple[str, ...]:
    laid = {f"{OLD}/a.md": b"a", f"{OLD}/b.md": b"b"}
    comes = {f"{NEW}/a.md": b"a", f"{NEW}/b.md": b"b", **(incoming or {})}
    found = content_folders(facts(base=laid, local={**laid, **mine}, incoming=comes))
    return found.lines if found else ()


def test_only_the_users_own_files_move_along() -> None:
    """What upstream renamed is laid down by itself; what stands or comes there is not covered."""
    assert _renamed({f"{OLD}/deep/mine.md": b"m"}) == (
        f"move {OLD}/deep/mine.md to {NEW}/deep/mine.md",
    )
    assert _renamed({}) == ()
    assert _renamed({f"{OLD}/mine.md": b"m", f"{NEW}/mine.md": b"n"}) == ()
    assert _renamed({f"{OLD}/mine.md": b"m"}, incoming={f"{NEW}/mine.md": b"n"}) == ()


def test_nobody_has_to_let_them_move() -> None:
    """Nothing breaks where they stay, so it is offered and never needed."""
    laid = {f"{OLD}/a.md": b"a"}
    local = {**laid, f"{OLD}/mine.md": b"m"}
    found = content_folders(facts(base=laid, local=local, incoming={f"{NEW}/a.md": b"a"}))
    assert found is not None
    assert not found.needed
    assert found.why.startswith(f"{OLD} is {NEW} now")


GUIDE = {"usage/guide.md": b"guide"}
MINE = {"usage/mine.md": b"mine", "usage/deep/mine.md": b"mine"}
NOW = "standards/development/usage"


@pytest.mark.parametrize(
    ("base", "local", "incoming", "lines"),
    [
        pytest.param(
            GUIDE,
            {**GUIDE, **MINE},
            {},
            (
                f"move usage/deep/mine.md to {NOW}/deep/mine.md",
                f"move usage/mine.md to {NOW}/mine.md",
            ),
            id="given-up",
        ),
        pytest.param({}, {"usage/m": b""}, {}, (f"move usage/m to {NOW}/m",), id="given-up-before"),
        pytest.param(GUIDE, {**GUIDE, **MINE}, GUIDE, (), id="still-there"),
        pytest.param({}, MINE, GUIDE, (), id="it-comes-and-nothing-was-moved"),
        pytest.param(
            {}, {f"{NOW}/m": b""}, GUIDE, (f"move {NOW}/m to usage/m",), id="restored-upstream"
        ),
        pytest.param(GUIDE, GUIDE, {}, (), id="nothing-of-the-user's"),
    ],
)
def test_own_guides_are_where_the_server_searches(
    base: Texts, local: Texts, incoming: Texts, lines: tuple[str, ...]
) -> None:
    """Out of usage/ when upstream gave it up, and back when it comes again; else they stay."""
    found = usage_folder(facts(base=base, local=local, incoming=incoming))
    assert (found.lines if found else ()) == lines


def test_the_server_alone_moves_no_guides() -> None:
    """Without content nothing is known of usage/."""
    assert usage_folder(facts(base=GUIDE, local=MINE, parts=(Part.SERVER,))) is None
