"""An expression applied to values: with a budget of steps, and no error but its own."""

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from aos_upgrade_plugin.decide.workflow.expressions import (
    METHODS,
    MOST_BITS,
    Expression,
    ExpressionError,
    target_names,
)

MOST_STEPS = 200_000
"""Half a second's work; a part of a value that is looked through costs steps, too."""

_TYPES: dict[str, type] = {"bool": bool, "float": float, "int": int, "str": str}
_ASKED_FOR: dict[str, type] = {**_TYPES, "dict": dict, "list": list}
_FUNCTIONS: dict[str, Callable[..., object]] = {
    **_TYPES,
    **{
        each.__name__: each for each in (abs, all, any, isinstance, len, max, min, set, sorted, sum)
    },
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], object]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda one, other: one in other,
    ast.NotIn: lambda one, other: one not in other,
}
_SIGNS: dict[type[ast.unaryop], Callable[[Any], object]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_WRONG = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError)
_TOO_MUCH = (RecursionError, MemoryError)


def holds(expression: Expression, *, values: Mapping[str, object]) -> bool:
    """Say whether an expression is true of some values, one for each parameter.

    Values are what JSON has. Raises ExpressionError, and nothing else, where it cannot be told.
    """
    missing = [name for name in expression.parameters if name not in values]
    if missing:
        raise ExpressionError(f"it needs a value for {missing[0]}")
    evaluation = _Evaluation({name: values[name] for name in expression.parameters})
    try:
        return bool(evaluation.of(expression.body))
    except ExpressionError:
        raise
    except _WRONG as error:
        raise ExpressionError(f"it came to nothing: {type(error).__name__}") from error
    except _TOO_MUCH as error:
        raise ExpressionError("it takes too much") from error


class _Evaluation:
    """One evaluation, with the names that are known where it is."""

    def __init__(self, names: dict[str, object]) -> None:
        self._names = names
        self._left = MOST_STEPS

    def of(self, node: ast.AST) -> Any:  # noqa: ANN401, PLR0911 - whatever JSON has; a table
        """Return the value of a part."""
        self._spend(1)
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._names[name] if name in self._names else _type(name)
            case ast.BoolOp() | ast.IfExp() | ast.UnaryOp():
                return self._logic(node)
            case ast.BinOp(left=left, op=op, right=right):
                return _number(_ARITHMETIC[type(op)](*map(_number, self._all([left, right]))))
            case ast.Compare():
                return self._compare(node)
            case ast.Call(func=function, args=arguments):
                return self._call(function, self._all(arguments))
            case _:
                return self._collection(node)

    def _logic(self, node: ast.BoolOp | ast.IfExp | ast.UnaryOp) -> object:
        match node:
            case ast.IfExp():
                return self.of(node.body if self.of(node.test) else node.orelse)
            case ast.UnaryOp(op=ast.Not()):
                return not self.of(node.operand)
            case ast.UnaryOp():
                return _SIGNS[type(node.op)](_number(self.of(node.operand)))
            case ast.BoolOp():
                stops_at = isinstance(node.op, ast.Or)
                value: object = None
                for part in node.values:
                    value = self.of(part)
                    if bool(value) is stops_at:
                        break
                return value

    def _compare(self, node: ast.Compare) -> bool:
        left = self.of(node.left)
        for op, part in zip(node.ops, node.comparators, strict=True):
            right = self.of(part)
            self._look_through(left, right)
            if not _COMPARISONS[type(op)](left, right):
                return False
            left = right
        return True

    def _call(self, function: ast.expr, arguments: Sequence[object]) -> object:
        if isinstance(function, ast.Attribute):
            owner = self.of(function.value)
            self._look_through(owner, *arguments)
            return _method(owner, function.attr)(*arguments)
        name = function.id if isinstance(function, ast.Name) else ""
        if name != "len":
            self._look_through(*arguments)
        result = _FUNCTIONS[name](*arguments)
        return _number(result) if isinstance(result, int | float) else result

    def _collection(self, node: ast.AST) -> object:
        match node:
            case ast.List(elts=parts):
                return self._all(parts)
            case ast.Tuple(elts=parts):
                return tuple(self._all(parts))
            case ast.Set(elts=parts):
                return set(self._all(parts))
            case ast.Subscript(value=whole, slice=place):
                return self.of(whole)[self.of(place)]
            case ast.SetComp(elt=part, generators=turns):
                return set(self._comprehended(part, turns))
            case (
                ast.ListComp(elt=part, generators=turns)
                | ast.GeneratorExp(elt=part, generators=turns)
            ):
                return list(self._comprehended(part, turns))
            case _:
                raise ExpressionError(f"it may not hold a {type(node).__name__} here")

    def _comprehended(self, part: ast.expr, turns: Sequence[ast.comprehension]) -> Iterator[object]:
        if not turns:
            yield self.of(part)
            return
        first, *others = turns
        names, before = target_names(first.target), dict(self._names)
        for each in self.of(first.iter):
            values = list(each) if isinstance(first.target, ast.Tuple) else [each]
            self._names.update(zip(names, values, strict=True))
            if all(self.of(test) for test in first.ifs):
                yield from self._comprehended(part, others)
        self._names = before

    def _all(self, parts: Iterable[ast.expr]) -> list[Any]:
        return [self.of(part) for part in parts]

    def _look_through(self, *values: object) -> None:
        for value in values:
            if isinstance(value, str):
                self._spend(len(value) // 256)
            elif isinstance(value, list | dict | set | tuple):
                self._spend(len(value) // 8)

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise ExpressionError("it takes too much")


def _type(name: str) -> type:
    if name not in _ASKED_FOR:
        raise ExpressionError(f"{name} has no value here")
    return _ASKED_FOR[name]


def _number(value: object) -> object:
    if not isinstance(value, int | float):
        raise ExpressionError("only numbers can be computed with")
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise ExpressionError("a number is too large")
    return value


def _method(owner: object, name: str) -> Callable[..., object]:
    if name not in METHODS or type(owner) not in {str, dict} or not hasattr(type(owner), name):
        raise ExpressionError(f"there is no {name} here")
    method: Callable[..., object] = getattr(owner, name)
    return method
