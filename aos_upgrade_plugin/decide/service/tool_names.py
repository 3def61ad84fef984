"""Which tools a server's code still brings, told by the code alone."""

import ast
import re
import warnings
from collections.abc import Collection, Iterator


def tools_in(*, code: bytes, names: Collection[str]) -> frozenset[str]:
    """Return those of some names that a module defines a function for, or registers a tool as.

    A name in any other text, a comment or a message, brings no tool. In a module that cannot be
    read every mention counts: it may well be the reason why a tool is missing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(name for name in names if _mentions(code, name))
    return frozenset(names) & {*_defined(tree)}


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Call) and "tool" in _called(node.func).lower():
            given = (*node.args, *(keyword.value for keyword in node.keywords))
            yield from (
                each.value
                for each in given
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )


def _called(function: ast.expr) -> str:
    """Return the last word of what is called: ``tool`` of ``@server.tool(...)``."""
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _mentions(code: bytes, name: str) -> bool:
    raw = re.escape(name.encode())
    return re.search(rb"""\bdef\s+%s\b|["']%s["']""" % (raw, raw), code) is not None
