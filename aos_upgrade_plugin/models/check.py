"""How a check is declared: a plain function with an id, a gate, a severity and a remedy."""

from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction, isgeneratorfunction
from typing import Annotated, Any, TypedDict, TypeVar, Unpack

from pydantic import Field, ValidationError

from aos_upgrade_plugin.models.base import Frozen
from aos_upgrade_plugin.models.gate import (
    Applicability,
    Applies,
    CheckId,
    Gate,
    GateContext,
    Line,
    Severity,
)

PREFIX = "check_"
_ATTRIBUTE = "__aos_check__"
_Function = TypeVar("_Function", bound=Callable[..., None])


def always(_context: GateContext) -> Applicability:
    """Say that a check applies wherever its gate does."""
    return Applies()


class Declaration(Frozen):
    """What a check says of itself."""

    id: CheckId
    gate: Gate
    severity: Severity
    title: Line
    """What holds when the check passes."""
    remedy: Line
    """What a person should do when it does not."""
    aliases: tuple[CheckId, ...] = ()
    """Earlier ids; plans and waivers that still name them mean this check."""
    applies: Callable[[GateContext], Applicability] = always
    limit_s: Annotated[float, Field(gt=0)] = 60
    """After so many seconds the check is stopped, and the gate is shut."""


class _Rest(TypedDict, total=False):
    title: str
    aliases: tuple[str, ...]
    applies: Callable[[GateContext], Applicability]
    limit_s: float


def check(
    check_id: str, /, *, gate: Gate, severity: Severity, remedy: str, **rest: Unpack[_Rest]
) -> Callable[[_Function], _Function]:
    """Declare the decorated function a check.

    Without ``title`` the first line of its docstring is the title. A declaration that makes no
    sense is a :class:`TypeError` where the module is imported: the gate then says so.
    """

    def declare(function: _Function) -> _Function:
        name = function.__name__
        if not name.startswith(PREFIX):
            raise TypeError(f"{check_id}: the name of a check begins with {PREFIX}, not {name}")
        if isgeneratorfunction(function) or iscoroutinefunction(function):
            raise TypeError(f"{check_id} ({name}): a check is a plain function, no yield, no async")
        first_line = (function.__doc__ or "").strip().partition("\n")[0].strip()
        fields: dict[str, Any] = {"title": first_line.rstrip("."), **rest}
        try:
            declaration = Declaration(
                id=check_id, gate=gate, severity=severity, remedy=remedy, **fields
            )
        except ValidationError as error:
            wrong = "; ".join(f"{_field(one['loc'])}: {one['msg']}" for one in error.errors())
            raise TypeError(f"{check_id} ({name}) is declared wrongly: {wrong}") from None
        setattr(function, _ATTRIBUTE, declaration)
        # Also in its module, so that a check which another name or decorator hides is missed.
        function.__globals__.setdefault(_ATTRIBUTE, []).append(declaration)
        return function

    return declare


def declaration_of(function: object) -> Declaration | None:
    """Return what a function was declared to be; nothing for an ordinary one."""
    found = getattr(function, _ATTRIBUTE, None)
    return found if isinstance(found, Declaration) else None


def declared_in(namespace: Mapping[str, object]) -> tuple[Declaration, ...]:
    """Return all declarations that were made in a module, given its namespace."""
    found = namespace.get(_ATTRIBUTE, ())
    return tuple(found) if isinstance(found, list) else ()


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location)
