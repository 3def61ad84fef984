"""What a user made where we go back: kept under its path, listed, and nothing is ever covered."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree.set_aside import keep, listed, make_way
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.tree import Entry, Kind, escape

_FOLDER = Entry(kind=Kind.DIRECTORY, mode=0o755)


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make an install folder."""
    folder = tmp_path / ".praxis-os"
    folder.mkdir()
    return folder


def _owner(install: Path) -> Path:
    return install / ".upgrades" / "a_session"


def _gone(path: str, place: Place = Place.INSTALL) -> Change:
    return Change(path=path, before=_FOLDER, after=None, place=place)


def _keep(install: Path, path: str, text: str, place: Place = Place.INSTALL) -> None:
    location = install / "on its way"
    location.write_text(text)
    keep(_owner(install), _gone(path, place), bytes(location))


def _contents(install: Path) -> dict[tuple[str, str], list[str]]:
    kept: dict[tuple[str, str], list[str]] = {}
    for each in listed(install, _owner(install)):
        kept.setdefault((each.place, each.path), []).append((install / each.kept_at).read_text())
    return kept


def test_it_lies_under_its_own_path(install: Path) -> None:
    """The same path of the installation and of the project are two."""
    _keep(install, "a/b", "of the installation")
    _keep(install, "a/b", "of the project", Place.PROJECT)
    assert _contents(install) == {
        ("install", "a/b"): ["of the installation"],
        ("project", "a/b"): ["of the project"],
    }


def test_what_comes_twice_covers_nothing(install: Path) -> None:
    """Nor does what needs a folder where a file was kept, or the other way round."""
    for text in ("one", "two", "three"):
        _keep(install, "a", text)
    _keep(install, "a/b", "below")
    assert _contents(install) == {
        ("install", "a"): ["one", "two", "three"],
        ("install", "a/b"): ["below"],
    }


def test_any_name_is_listed_as_text(install: Path) -> None:
    """A line break in it breaks no list."""
    _keep(install, escape(b"two\nlines"), "text")
    (aside,) = listed(install, _owner(install))
    assert aside.path == r"two\x0alines"
    assert aside.kept_at.endswith(r"set-aside/install/two\x0alines")


def test_the_way_is_freed_down_to_the_path(install: Path) -> None:
    """A file where a folder comes back goes aside, and so does what stands at the path itself."""
    (install / "a").write_text("in the way")
    make_way(_owner(install), install, _gone("a/b/c"))
    assert (install / "a" / "b").is_dir()
    (install / "a" / "b" / "c").write_text("at the place")
    make_way(_owner(install), install, _gone("a/b/c"))
    assert not (install / "a" / "b" / "c").exists()
    assert _contents(install) == {
        ("install", "a"): ["in the way"],
        ("install", "a/b/c"): ["at the place"],
    }


def test_a_link_in_the_way_goes_aside_itself(install: Path, tmp_path: Path) -> None:
    """What it names is not touched, and nothing is made there."""
    (tmp_path / "elsewhere").mkdir()
    (install / "a").symlink_to(tmp_path / "elsewhere")
    make_way(_owner(install), install, _gone("a/b"))
    assert not (install / "a").is_symlink()
    assert [*(tmp_path / "elsewhere").iterdir()] == []
    (aside,) = listed(install, _owner(install))
    assert (install / aside.kept_at).readlink() == tmp_path / "elsewhere"


def test_nothing_is_listed_where_nothing_is_kept(install: Path) -> None:
    """Also before there is any folder."""
    assert listed(install, _owner(install)) == ()
