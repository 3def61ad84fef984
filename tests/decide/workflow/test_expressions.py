"""The expressions of gate definitions: what they may say, and that nothing else is ever run."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.workflow.checkpoint import STANDARD
from aos_upgrade_plugin.decide.workflow.evaluating import MOST_STEPS, holds
from aos_upgrade_plugin.decide.workflow.expressions import (
    MOST_CHARACTERS,
    ExpressionError,
    read_expression,
)


def _holds(text: str, value: object, **others: object) -> bool:
    expression = read_expression(text, implied="x")
    first, *_ = expression.parameters
    return holds(expression, values={first: value, **others})


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("x > 0", 1, True),
        ("lambda x: x > 0", 0, False),
        ("lambda n: 1 <= n <= 3", 3, True),
        ("lambda n: 1 <= n <= 3", 4, False),
        ("not x", "", True),
        ("x and x[0] == 'a'", "", False),
        ("x or True", 0, True),
        ("len(x) >= 2", [1, 2], True),
        ("len(x.strip().split()) == 3", " one two three ", True),
        ("lambda e: e['files'] == len(e['names'])", {"files": 1, "names": ["a"]}, True),
        ("lambda e: e.get('a', 0) + e.get('b', 0) == 3", {"a": 1, "b": 2}, True),
        ("all(each['done'] for each in x)", [{"done": True}, {"done": False}], False),
        ("any(name.endswith('.md') for name in x if name)", ["", "a.md"], True),
        ("sum(n for _, n in x.items()) > 2", {"a": 1, "b": 2}, True),
        ("all(a != b for a in x for b in ['z'])", ["a", "b"], True),
        ("len({n % 2 for n in x}) == 1", [1, 3, 5], True),
        ("x is not None and isinstance(x, str)", "a", True),
        ("'a' if x else False", 0, False),
        ("-x < +1", 0, True),
        ("x in ('a', 'b')", "c", False),
        ("set(x.keys()) == {'a'}", {"a": 1}, True),
        ("sorted(x) == [1, 2]", [2, 1], True),
        ("max(x) - min(x) == abs(-4)", [1, 5], True),
        ("int(x) / 2 == 1.5 and int(x) // 2 == 1", "3", True),
    ],
)
def test_what_may_be_said(text: str, value: object, expected: bool) -> None:
    """The part of Python that gate definitions need means what it means there."""
    assert _holds(text, value) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x >",
        "import os",
        "x = 1",
        "lambda: True",
        "lambda *x: True",
        "lambda x, **y: True",
        "lambda x=1: True",
        "lambda len: True",
        "__import__('os').system('true')",
        "open('/etc/passwd')",
        "eval('1')",
        "x.__class__",
        "x.__class__.__mro__[1].__subclasses__()",
        "().__class__.__base__",
        "x.format(1)",
        "'{0.__class__}'.format(x)",
        "f'{x}'",
        "x ** 9",
        "1 << 99",
        "x @ x",
        "~x",
        "(y := 1)",
        "lambda x: lambda y: y",
        "[*x]",
        "len(*x)",
        "len(x, **x)",
        "sorted(x, key=len)",
        "{'a': 1}",
        "{k: v for k, v in x.items()}",
        "x[1:2]",
        "(await x)",
        "[a async for a in x]",
        "[len for len in x]",
        "[0 for x.a in x]",
        "y > 0",
        "getattr(x, 'a')",
        "globals()",
        "b'a' == x",
        "1j == x",
        "... == x",
        "x(1)",
        "(lambda y: y)(1)",
        "'\\d' == x",
        "-" * 900 + "1",
        "(" * 900,
        "9" * 200 + " > x",
        "x" + " or x" * 200,
        "x" * (MOST_CHARACTERS + 1),
        "\0",
    ],
)
def test_what_is_refused(text: str) -> None:
    """What is not in the grammar is refused when it is read: nothing of it is run."""
    with pytest.raises(ExpressionError):
        read_expression(text, implied="x")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x > 0", "a"),
        ("x['a']", {}),
        ("x[9]", []),
        ("1 / x", 0),
        ("1 % x", 0),
        ("x * 3", "aaa"),
        ("x + x", [1]),
        ("x % 1", "%s"),
        ("len(x)", 1),
        ("x.get('a')", "a"),
        ("x.upper()", {}),
        ("x.keys", {}),
        ("len == 1", 1),
        ("int(x)", "a"),
        ("int(x)", "9" * 4_000),
        ("sorted(x)", [1, "a"]),
        ("set(x)", [[1]]),
        ("isinstance(x, x)", 1),
        ("[0 for a, b in x]", [[1]]),
        ("x * x * x * x * x", 2**80),
        ("all(a == b == c for a in x for b in x for c in x)", [0] * 999),
        ("[x.lower() for _ in y]", "a" * 1_000),
        ("lambda x, needed: x == needed", 1),
        ("x.split(0)", "a"),
    ],
)
def test_what_comes_to_nothing(text: str, value: object) -> None:
    """Whatever goes wrong on the way is one kind of error, and never a yes."""
    with pytest.raises(ExpressionError):
        _holds(text, value, **({"y": [0] * MOST_STEPS} if "in y" in text else {}))


def test_every_standard_validator_can_be_read() -> None:
    """Those that every gate has are in the grammar, too."""
    for text in STANDARD.values():
        assert read_expression(text, implied="x").parameters[0] == "x"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)
_PIECES = st.lists(
    st.sampled_from(
        [
            *("x", "y", "(", ")", "[", "]", "{", "}", ".", ",", ":", " for ", " in ", " if "),
            *(" else ", "lambda ", "lambda x:", " and ", " or ", " not ", "==", "<", "+", "*"),
            *("**", "%", "//", "len", "all(", "sum(", "isinstance(", "int", "str(", "set("),
            *("sorted(", "max(", ".get(", ".keys()", ".items()", ".split()", ".lower()"),
            *("__class__", "open", "import", "'a'", "0", "-1", "1.5", "None", "True"),
            *("9" * 30, "\\", "\n", "#", "@", ":=", "*"),
        ]
    ),
    max_size=14,
).map("".join)


@settings(max_examples=150)
@given(text=_PIECES | st.text(max_size=40), value=_JSON)
def test_whatever_is_said_nothing_but_its_own_error_is_raised(text: str, value: object) -> None:
    """Any text and any value: a yes, a no, or an ExpressionError."""
    with suppress(ExpressionError):
        assert _holds(text, value) in {True, False}
