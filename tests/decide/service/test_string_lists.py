"""Items taken out of lists in configurations: those, and nothing else."""

import json
import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.service.string_lists import Names, without_items
from aos_upgrade_plugin.errors import InvalidError

OLD = {"start_workflow", "get_task"}


def unwanted(names: Names, item: str) -> bool:
    """Say that the older tools shall go, from the lists of one name."""
    return names[-1:] == ("allow",) and item in OLD


REMARKS = """{
  // what the agent may do
  "allow": [
    "search", // often
    "start_workflow", // remark
    /* mine */ "y",
    "get_task"
  ],
  "other": ["get_task"],
}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"allow": ["a", "get_task"]}', '{"allow": ["a"]}'),
        ('{"allow": ["get_task", "a"]}', '{"allow": ["a"]}'),
        ('{"allow": ["a", "start_workflow", "get_task"]}', '{"allow": ["a"]}'),
        ('{"allow": ["start_workflow", "get_task"]}', '{"allow": []}'),
        ('{"allow":["a","get_task",]}', '{"allow":["a",]}'),
        ('{"allow": [\n    "get_task"\n  ]}', '{"allow": []}'),
        ('{"deny": ["get_task"]}', '{"deny": ["get_task"]}'),
        (
            REMARKS,
            REMARKS.replace('"start_workflow", //', "//")
            .replace('    "get_task"\n', "")
            .replace('"y",', '"y"'),
        ),
    ],
)
def test_what_becomes_of_a_list(before: str, after: str) -> None:
    """Commas, lines and remarks are as a person would leave them; another list keeps its items."""
    for end in ("\n", "\r\n"):
        given_text, wanted = before.replace("\n", end), after.replace("\n", end)
        assert without_items(given_text, unwanted=unwanted, is_toml=False)[0] == wanted


def test_toml() -> None:
    """Quotes of both kinds, remarks, and a table of a dotted name."""
    before = (
        '# mine\n[servers."agent-os"]\nallow = [\'search\', "get_task", # often\n'
        "  'start_workflow',\n]\n[other]\nallow = [1, 2]\nargs = [\"get_task\"]\n"
    )
    after, removed = without_items(before, unwanted=unwanted, is_toml=True)
    assert removed == ("get_task", "start_workflow")
    assert after.startswith("# mine\n[servers.\"agent-os\"]\nallow = ['search', # often\n]\n")
    assert after.endswith('args = ["get_task"]\n')
    assert tomllib.loads(after)["servers"]["agent-os"]["allow"] == ["search"]


@pytest.mark.parametrize(
    "text",
    [
        '{"allow": ',
        "",
        "[1,,2]",
        '{"a" 1}',
        "[" * 200,
        "[" * 5_000 + "]" * 5_000,
        '{"a": 1} x',
        '{"allow": [1, "get_task"]}',
    ],
)
def test_what_cannot_be_changed_in_place_is_refused(text: str) -> None:
    """What is no JSON, and a list that holds more than texts: in one line, whatever it is."""
    with pytest.raises(InvalidError):
        without_items(text, unwanted=unwanted, is_toml=False)


ITEMS = st.lists(st.sampled_from(["a", "b]", "c,", "// d", 'e"', *sorted(OLD)]), max_size=6)


@given(
    given_lists=st.dictionaries(st.sampled_from(["allow", "deny", "x\\y"]), ITEMS),
    indent=st.sampled_from([None, 2, "\t"]),
)
def test_any_json(given_lists: dict[str, list[str]], indent: int | str | None) -> None:
    """Exactly the unwanted items are gone, however it is laid out."""
    before = json.dumps({"mcp": given_lists, "z": [1, None]}, indent=indent)
    after, _ = without_items(before, unwanted=unwanted, is_toml=False)
    left = {
        name: [each for each in items if name != "allow" or each not in OLD]
        for name, items in given_lists.items()
    }
    assert json.loads(after) == {"mcp": left, "z": [1, None]}
    assert re.sub(r"\s", "", after) == re.sub(r"\s", "", json.dumps({"mcp": left, "z": [1, None]}))
