"""Which names of tools in a module bring a tool."""

import pytest

from aos_upgrade_plugin.decide.service.tool_names import tools_in


@pytest.mark.parametrize(
    ("code", "brings"),
    [
        pytest.param("def search(): ...", True, id="a-function"),
        pytest.param(
            "def register(s):\n    @s.tool()\n    async def search(): ...", True, id="tool"
        ),
        pytest.param("@server.tool(name='search')\ndef _(): ...", True, id="another-name"),
        pytest.param("server.add_tool(_find, 'search')", True, id="registered"),
        pytest.param("tools = [types.Tool(name='search')]", True, id="described"),
        pytest.param("def search(: ...", True, id="a-module-that-cannot-be-read"),
        pytest.param("x = 'search' if", True, id="a-text-in-such-a-module"),
        pytest.param("# def search(): 'search'", False, id="a-comment"),
        pytest.param("'''Once there was:\n\ndef search(): ...\n'''", False, id="a-docstring"),
        pytest.param("GONE = {'search': 'find'}", False, id="a-table-of-what-is-gone"),
        pytest.param("if name == 'search': raise Gone('search')", False, id="a-question"),
        pytest.param("def research(): ...", False, id="a-longer-name"),
        pytest.param("(lambda: 0)('search')", False, id="a-call-of-no-name"),
        pytest.param("x = '\0'", False, id="nothing-to-parse"),
    ],
)
def test_what_brings_a_tool(code: str, brings: bool) -> None:
    """A definition or a registration; where nothing can be told, whatever names it."""
    assert tools_in(code=code.encode(), names=["search"]) == ({"search"} if brings else set())
