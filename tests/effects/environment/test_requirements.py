"""A requirements file read as pip reads it."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.environment.requirements import read_requirements
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.packages import Requirements


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("# a\n\n  # b\na>=1  # why\r\nb\n", ["a>=1", "b"], id="comments"),
        pytest.param("a>=1,\\\n  <2\nb", ["a>=1,   <2", "b"], id="continued"),
        pytest.param("a \\\n --hash=sha256:0 \\\n --hash=sha256:1\n", ["a"], id="hashes"),
        pytest.param("--index-url https://example.org\n-i x\na\n", ["a"], id="options"),
        pytest.param("-e ./b\n--editable=c\n", ["-e ./b", "-e c"], id="editable"),
        pytest.param(
            "a @ https://example.org/a#egg=a\n", ["a @ https://example.org/a#egg=a"], id="address"
        ),
        pytest.param("a; python_version > '3'\n", ["a; python_version > '3'"], id="marker"),
        pytest.param("\ufeffa\n", ["a"], id="byte-order-mark"),
    ],
)
def test_what_a_file_asks_for(text: str, lines: list[str], tmp_path: Path) -> None:
    """One requirement each; what says how to install is no requirement."""
    (tmp_path / "requirements.txt").write_bytes(text.encode())
    read = read_requirements(tmp_path / "requirements.txt")
    assert (list(read.lines), read.constraints) == (lines, ())


def test_other_files_are_followed(tmp_path: Path) -> None:
    """Relative to who names them; all that a constraints file names only limits."""
    (tmp_path / "more").mkdir()
    (tmp_path / "requirements.txt").write_text("-r more/base.txt\na\n-cmore/limits.txt\n")
    (tmp_path / "more/base.txt").write_text("--requirement=deep.txt\nb\n")
    (tmp_path / "more/deep.txt").write_text("c\n")
    (tmp_path / "more/limits.txt").write_text("-r deep.txt\nd<2\n")
    read = read_requirements(tmp_path / "requirements.txt")
    assert read == Requirements(lines=("c", "b", "a"), constraints=("c", "d<2"))


def test_only_what_is_asked_for_makes_files_differ(tmp_path: Path) -> None:
    """A changed comment is no changed requirement, and costs nothing."""
    (tmp_path / "old.txt").write_text("# Agent OS\na>=1\n")
    (tmp_path / "new.txt").write_text("# prAxIs OS\n\na>=1   # as before\n")
    assert read_requirements(tmp_path / "old.txt") == read_requirements(tmp_path / "new.txt")


def test_no_file_asks_for_nothing(tmp_path: Path) -> None:
    """A server without requirements needs nothing."""
    assert read_requirements(tmp_path / "requirements.txt") == Requirements()


def test_a_file_that_names_itself_is_refused(tmp_path: Path) -> None:
    """Reading ends, with a word about why."""
    (tmp_path / "a.txt").write_text("-r b.txt\n")
    (tmp_path / "b.txt").write_text("-r a.txt\n")
    with pytest.raises(RefusedError, match="names itself"):
        read_requirements(tmp_path / "a.txt")
