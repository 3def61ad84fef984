"""What somebody decided in a form, among the options of a call."""

from typing import Any

import pytest
from mcp.server.elicitation import AcceptedElicitation, DeclinedElicitation
from pydantic import create_model

from aos_upgrade_plugin.mcp_tool.questions import Form, with_decisions

NEEDED = {
    "answers": [{"path": "a", "relation": "both_changed"}],
    "migrations": [{"id": "first"}, {"id": "second"}],
}


DECIDED = {"conflict_1": "keep", "migration_1": True, "migration_2": False}


def form() -> Form:
    """Return a form as it comes back."""
    fields: dict[str, Any] = {name: (type(said), said) for name, said in DECIDED.items()}
    made = create_model("Decisions", __base__=Form, **fields)
    made.needed = NEEDED
    return made()


@pytest.mark.parametrize(
    ("said", "agreed"),
    [
        pytest.param({}, ["first"], id="nothing-yet"),
        pytest.param({"migrate": ["other"]}, ["other", "first"], id="a-list"),
        pytest.param({"migrate": "other, more"}, ["other", "more", "first"], id="a-text"),
    ],
)
def test_what_was_decided_comes_to_what_was_said(said: dict[str, Any], agreed: list[str]) -> None:
    """In whatever form the migrations were named; the call's own options are left alone."""
    given = {**said, "only": "content"}
    options = with_decisions(given, AcceptedElicitation(data=form()))
    assert options["migrate"] == agreed
    assert options["answers"] == [{**NEEDED["answers"][0], "decision": "keep"}]
    assert given == {**said, "only": "content"}


def test_who_declines_decides_nothing() -> None:
    """Then the answer of ``start`` names the choices."""
    assert with_decisions({"only": "content"}, DeclinedElicitation()) == {"only": "content"}
