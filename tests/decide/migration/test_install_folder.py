"""Texts that name the install folder, told anew with everything else as it was."""

import pytest

from aos_upgrade_plugin.decide.migration.install_folder import (
    install_folder,
    with_new_folder,
    with_new_lines,
)
from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.tree import unescape
from tests.decide.migration_facts import facts

OLD, NEW = ".agent-os", ".praxis-os"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param('"{}/venv/bin/python"', None, id="relative"),
        pytest.param('"./{}/venv"', None, id="relative-with-a-dot"),
        pytest.param('"${{workspaceFolder}}/{}"', None, id="a-variable"),
        pytest.param('"/home/me/project/{}/venv"', None, id="absolute"),
        pytest.param("PYTHONPATH=/lib:{}:./{}/x", None, id="a-list"),
        pytest.param('args = ["--config={}/config.json"] # {} \r\n', None, id="toml-and-a-comment"),
        pytest.param('{{ "a":\t"{}" , // {}\r\n}}', None, id="json-with-comments"),
        pytest.param("{}", None, id="nothing-else"),
        pytest.param('"/home/you/project/{}/venv"', OLD, id="another-project"),
        pytest.param('"../other/{}/venv"', OLD, id="beside-the-project"),
        pytest.param('"{}.backup.1/venv"', OLD, id="a-longer-name"),
        pytest.param('"my{}/venv"', OLD, id="the-end-of-a-name"),
        pytest.param('{{"agent-os": {{"x": "agent-os/{}-x"}}}}', OLD, id="the-name-of-a-server"),
    ],
)
def test_only_paths_into_this_installation_are_told_anew(before: str, after: str | None) -> None:
    """Comments, order, indentation and line ends stay, and so does the second time everything."""
    old, new = (before.format(*[name] * 2).encode() for name in (OLD, after or NEW))
    found = with_new_folder(old, old=OLD, new=NEW, project=b"/home/me/project")
    assert found == new
    assert with_new_folder(found, old=OLD, new=NEW, project=b"/home/me/project") == found


def test_patterns_for_git_keep_their_order_and_their_meaning() -> None:
    """Negations stay negations; what only begins with the name, and a comment, is left alone."""
    before = (
        b"*.pyc\r\n/.agent-os/venv/\r\n!.agent-os/keep\r\n**/.agent-os\r\n# .agent-os/ is ours\r\n"
        b".agent-os.backup.*\r\nother/.agent-os/\r\n.agent-os"
    )
    assert with_new_lines(before, old=OLD, new=NEW) == (
        b"*.pyc\r\n/.praxis-os/venv/\r\n!.praxis-os/keep\r\n**/.praxis-os\r\n"
        b"# .agent-os/ is ours\r\n.agent-os.backup.*\r\nother/.agent-os/\r\n.praxis-os"
    )


def test_the_migration_names_every_file_that_tells_of_the_folder() -> None:
    """And nothing else; it is needed, and made while the server stands still."""
    agent_os, praxis_os = known()[:2]
    found = install_folder(
        facts(
            layout=agent_os,
            becomes=praxis_os,
            local={"config.json": b'{"rag": {"standards_path": ".agent-os/standards"}}'},
            outside={
                ".gitignore": b".agent-os/venv\n",
                ".mcp.json": b'{"command": ".agent-os/venv/bin/python"}',
                ".vscode/mcp.json": b'{"command": "other"}',
            },
        )
    )
    assert found is not None
    assert (found.needed, found.part) == (True, Part.SERVER)
    assert found.lines == (
        "rename the install folder",
        "rewrite config.json",
        "rewrite ../.gitignore",
        "rewrite ../.mcp.json",
    )
    assert b".praxis-os/standards" in unescape(found.operations[0].text or "")
    assert install_folder(facts(layout=agent_os)) is None
