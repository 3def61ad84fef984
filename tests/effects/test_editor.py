"""A text in the user's own editor."""

import os
import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.editor import edited
from aos_upgrade_plugin.errors import RefusedError

_APPENDS = f"{sys.executable} -c \"import sys; open(sys.argv[1], 'a').write('more')\""


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the state of the user in a folder of the test, and name no editor."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    return tmp_path


@pytest.mark.parametrize("name", ["standards/a.md", "x" * 300, "odd \\xff\\x0a.md"])
@pytest.mark.parametrize("variable", ["VISUAL", "EDITOR"])
def test_what_the_user_made_of_it_comes_back(
    monkeypatch: pytest.MonkeyPatch, state: Path, name: str, variable: str
) -> None:
    """Whatever the file is called; and nothing of it stays."""
    monkeypatch.setenv(variable, _APPENDS)
    assert edited(b"\xff\n", name=name, terminal=2) == b"\xff\nmore"
    assert [path for path in state.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("command", ["false", "/nowhere/editor", "'", os.devnull])
def test_an_editor_that_fails_is_refused(
    monkeypatch: pytest.MonkeyPatch, state: Path, command: str
) -> None:
    """It says which one, and nothing is taken for edited."""
    monkeypatch.setenv("EDITOR", command)
    with pytest.raises(RefusedError, match=r"the editor .*") as refused:
        edited(b"text", name="a.md", terminal=2)
    assert "EDITOR" in refused.value.cure
    assert [path for path in state.rglob("*") if path.is_file()] == []
