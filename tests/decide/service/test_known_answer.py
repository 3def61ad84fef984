"""A question whose answer is known, and what proves that the index gave it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from aos_upgrade_plugin.decide.service.known_answer import (
    known_answers,
    new_answers,
    why_not_answered,
)
from aos_upgrade_plugin.models.server import KnownAnswer

COMMON = "Write the code so that the reader of the code can read the code."
RARE = "Porcelain teapots were glazed with cobalt before each autumn auction."
ANSWER = KnownAnswer("standards/universal/pottery/teapots.md", RARE)


def test_the_rarest_sentence_of_each_file_is_asked_for() -> None:
    """Words that no other file has are what an index finds again."""
    texts = {
        "a.md": f"# Title\n\n{COMMON} {RARE}\n",
        "b.md": f"# Other\n\n{COMMON}\n",
        "c.md": f"# Third\n\n{COMMON}\n",
    }
    best, *_ = known_answers(texts)
    assert best == KnownAnswer("a.md", RARE)


def test_a_sentence_beyond_the_reach_of_a_text_scan_is_preferred() -> None:
    """A scan returns the beginning of a file: further down it cannot pass for an index."""
    filler = "\n\n".join(f"Paragraph {number} of filler." for number in range(60))
    late = "Nobody expects that a sentence this far below is ever shown."
    best, *_ = known_answers({"a.md": f"{RARE}\n\n{filler}\n\n{late}\n", "b.md": COMMON})
    assert best == KnownAnswer("a.md", late)


def test_a_sentence_may_run_over_lines() -> None:
    """It is asked for on one line."""
    broken = RARE.replace(" with ", "\nwith ")
    assert known_answers({"a.md": broken})[0].sentence == RARE


def test_only_what_is_new_is_asked_for() -> None:
    """A sentence that was there before, in whatever markup, proves nothing of an index of today."""
    fresh = "Nobody had written this sentence down before that day in May."
    texts = {"a.md": f"{RARE}\n\n{fresh}\n", "b.md": COMMON, "c.md": RARE}
    before = {"a.md": RARE.replace("teapots", "**teapots**"), "b.md": f"{COMMON} More."}
    assert new_answers(texts, before=before) == (KnownAnswer("a.md", fresh),)
    assert new_answers(texts, before={"c.md": ""}) == (KnownAnswer("c.md", RARE),)
    assert new_answers(texts, before={}) == ()


def test_nothing_is_asked_for_that_an_older_index_cannot_know() -> None:
    """Of a file that changed a sentence that stayed is asked for, of one that came none."""
    fresh = "Nobody had written this sentence down before that day in May."
    texts = {"a.md": f"{fresh}\n\n{COMMON}\n", "b.md": fresh, "c.md": RARE}
    assert {*known_answers(texts, changed={"a.md": f"Once. {COMMON}", "b.md": ""})} == {
        KnownAnswer("a.md", COMMON),
        KnownAnswer("c.md", RARE),
    }


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("Too short.", id="short"),
        pytest.param(f"# {RARE}", id="heading"),
        pytest.param(f"- {RARE}", id="list"),
        pytest.param(f"| {RARE} |", id="table"),
        pytest.param(f"> {RARE}", id="quotation"),
        pytest.param(f"```\n{RARE}\n\n{RARE}\n```", id="code"),
        pytest.param("word " * 200 + ".", id="endless"),
    ],
)
def test_only_prose_is_asked_for(text: str) -> None:
    """What an index may cut, strip or render otherwise proves nothing."""
    assert known_answers({"a.md": text}) == ()


def test_no_more_than_asked_for() -> None:
    """A few questions are enough."""
    texts = {f"{number}.md": f"{RARE[:-1]} number {number}." for number in range(9)}
    assert len(known_answers(texts, count=3)) == 3


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=300)))
def test_the_same_texts_give_the_same_questions(texts: dict[str, str]) -> None:
    """Before and after an upgrade the same is asked, whatever users write."""
    asked = known_answers(texts)
    assert asked == known_answers(dict(reversed(texts.items())))
    assert all("\n" not in each.sentence for each in asked)


def _found(**hit: JsonValue) -> JsonValue:
    usual: dict[str, JsonValue] = {
        "file": "universal/pottery/teapots.md",
        "content": f"# Teapots\n\n{RARE}",
    }
    return {"retrieval_method": "vector", "results": [{**usual, **hit}]}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_found(), id="relative"),
        pytest.param(_found(file=f"/home/robin/.praxis-os/{ANSWER.file}"), id="absolute"),
        pytest.param(_found(content=RARE.replace(" with ", "\n  **with** ")), id="other-markup"),
        pytest.param(
            {
                "results": [
                    {"file": "x.md", "content": "?"},
                    {"file_path": ANSWER.file, "content": RARE},
                ]
            },
            id="second-hit-older-name",
        ),
    ],
)
def test_a_hit_that_names_the_file_and_holds_the_sentence_is_proof(content: JsonValue) -> None:
    """Servers cut paths and wrap lines in their own ways."""
    assert why_not_answered(ANSWER, content) is None


@pytest.mark.parametrize(
    ("content", "because"),
    [
        pytest.param("an error", "something else than results", id="text"),
        pytest.param(None, "something else than results", id="nothing"),
        pytest.param({}, "found nothing", id="no-results"),
        pytest.param({"results": "many"}, "found nothing", id="results-are-no-list"),
        pytest.param({"results": [1]}, "did not find", id="results-are-numbers"),
        pytest.param(
            {**_found(), "retrieval_method": "grep_fallback"},  # type: ignore[dict-item]  # it is a dictionary
            "it says 'grep_fallback'",
            id="calls-itself-a-fallback",
        ),
        pytest.param(
            _found(file="/p/.praxis-os/.cache/vector_index/metadata.json"),
            "the server's own data",
            id="its-own-metadata",
        ),
        pytest.param(_found(file="universal/pottery/cups.md"), "did not find", id="another-file"),
        pytest.param(_found(file="otherteapots.md"), "did not find", id="a-name-that-ends-alike"),
        pytest.param(_found(file=""), "did not find", id="no-file"),
        pytest.param(_found(content="# Teapots"), "not the sentence", id="another-section"),
    ],
)
def test_what_proves_nothing_says_why(content: JsonValue, because: str) -> None:
    """A search that quietly reads something else never passes."""
    assert because in str(why_not_answered(ANSWER, content))
