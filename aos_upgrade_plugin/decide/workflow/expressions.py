"""The expressions of gate definitions: read by a grammar of our own, never given to ``eval``.

A definition may be a stranger's. What it may say is a small part of Python: comparisons,
arithmetic on numbers, ``and``, ``or``, ``not``, ``in``, subscripts, comprehensions, and the
functions and methods named here. Nothing in it can reach an attribute, a module or a name of ours.
"""

import ast
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MOST_CHARACTERS = 1_000
MOST_NODES = 200
DEEPEST = 25
MOST_BITS = 256
"""Of a whole number, written or computed."""

FUNCTIONS = frozenset(
    {"abs", "all", "any", "bool", "float", "int", "isinstance", "len"}
    | {"max", "min", "set", "sorted", "str", "sum"}
)
TYPES = frozenset({"bool", "dict", "float", "int", "list", "str"})
"""What ``isinstance`` may ask for."""
METHODS = frozenset(
    {"endswith", "get", "isdigit", "items", "keys", "lower", "split", "startswith", "strip"}
    | {"upper", "values"}
)

_OPERATORS = (ast.boolop, ast.unaryop, ast.operator, ast.cmpop, ast.expr_context)
_REFUSED_OPERATORS = (
    *(ast.Pow, ast.LShift, ast.RShift, ast.BitOr, ast.BitXor, ast.BitAnd, ast.MatMult),
    *(ast.Invert, ast.Del),
)
_PLAIN = (
    *(ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.IfExp, ast.Subscript),
    *(ast.List, ast.Tuple, ast.Set, ast.GeneratorExp, ast.ListComp, ast.SetComp),
)


class ExpressionError(ValueError):
    """An expression is not one that may be evaluated, or came to nothing; says why in one line."""


class Expression(NamedTuple):
    """What an expression says, known to be harmless."""

    parameters: tuple[str, ...]
    """The names that need a value; the first stands for what is judged."""
    body: ast.expr


def read_expression(text: str, *, implied: str) -> Expression:
    """Read ``lambda x, low: x > low``, or the bare ``x > 0``; nothing of it is run.

    A bare expression calls what it judges ``implied``. Raises ExpressionError for everything that
    is not in the grammar, that is too long or too deep.
    """
    tree = _parsed(text)
    if isinstance(tree, ast.Lambda):
        expression = Expression(_parameters(tree.args), tree.body)
    else:
        expression = Expression((implied,), tree)
    _refuse_size(expression.body)
    known = {*expression.parameters, *_bound(expression.body)}
    for node in ast.walk(expression.body):
        _refuse_foreign(node, known)
    return expression


def _parsed(text: str) -> ast.expr:
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError(f"it is longer than {MOST_CHARACTERS} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError, Warning) as error:
        raise ExpressionError("it is no expression") from error


def _parameters(arguments: ast.arguments) -> tuple[str, ...]:
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults:
        raise ExpressionError("its parameters may be plain names only")
    names = tuple(each.arg for each in (*arguments.posonlyargs, *arguments.args))
    if not names:
        raise ExpressionError("it takes nothing to judge")
    if reserved := sorted({*names} & (FUNCTIONS | TYPES)):
        raise ExpressionError(f"a parameter may not be called {reserved[0]}")
    return names


def _refuse_size(body: ast.expr) -> None:
    waiting: list[tuple[ast.AST, int]] = [(body, 1)]
    for count in range(MOST_NODES + 1):
        if not waiting:
            return
        node, depth = waiting.pop()
        if depth > DEEPEST or count == MOST_NODES:
            raise ExpressionError("it is too large")
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]


def _bound(body: ast.expr) -> Iterator[str]:
    """Yield the names that comprehensions bring in."""
    for node in ast.walk(body):
        if isinstance(node, ast.comprehension):
            yield from target_names(node.target)


def target_names(target: ast.expr) -> Sequence[str]:
    """Return the names that one turn of a comprehension binds; raise ExpressionError for others."""
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    if len(names) < len(parts) or {*names} & (FUNCTIONS | TYPES):
        raise ExpressionError("a comprehension may bind plain names only")
    return names


def _refuse_foreign(node: ast.AST, known: set[str]) -> None:
    match node:
        case ast.Name(id=name):
            allowed = name in known or name in FUNCTIONS | TYPES
        case ast.Constant(value=value):
            allowed = value is None or type(value) in {bool, float, str} or _fits(value)
        case ast.Call(func=function, keywords=[], args=arguments):
            allowed = _callable(function) and not any(isinstance(a, ast.Starred) for a in arguments)
        case ast.Attribute(attr=name):
            allowed = name in METHODS  # whether it is called: a bare one is refused when evaluated
        case ast.comprehension(is_async=turns):
            allowed = not turns
        case _:
            operator = isinstance(node, _OPERATORS) and not isinstance(node, _REFUSED_OPERATORS)
            allowed = operator or isinstance(node, _PLAIN)
    if not allowed:
        raise ExpressionError(f"it may not hold {_shown(node)}")


def _callable(function: ast.expr) -> bool:
    if isinstance(function, ast.Name):
        return function.id in FUNCTIONS
    return isinstance(function, ast.Attribute)


def _fits(value: object) -> bool:
    return type(value) is int and value.bit_length() <= MOST_BITS


def _shown(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return f"the name {name!r}"
        case ast.Call():
            return "this call"
        case _:
            return f"a {type(node).__name__}"
