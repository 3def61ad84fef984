"""A question whose answer is known beforehand, and whether the index gave it."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from aos_upgrade_plugin.models.server import KnownAnswer

_FENCED = re.compile(r"(?ms)^(```|~~~).*?^\1")
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"[a-z]{3,}")
_MARKUP = re.compile(r"[*_`\s]+")
_NOT_PROSE = ("#", "-", "*", "+", "|", ">", "<", "```", "~~~", "!", "[")
_WORDS = range(8, 31)
_BEYOND_SCAN = 1000
"""A text scan returns the beginning of a file: a sentence further down tells the two apart."""
_FALLBACKS = ("fallback", "grep", "scan")
_OWN_DATA = (".cache", ".mcp_server_state.json", ".universal-manifest.json")


def known_answers(
    texts: Mapping[str, str], *, count: int = 3, changed: Mapping[str, str] | None = None
) -> tuple[KnownAnswer, ...]:
    """Pick the most distinctive sentences of the texts, one a file, the best first.

    Distinctive: its words are in few other files. Beyond a file's first thousand characters if
    there is such a sentence. ``texts`` maps Markdown files to what they say; the same texts
    give the same answer. ``changed`` holds what some files said before they changed: of those only
    sentences that stood there already are asked for, as an older index knows no others.
    """
    said = {file: _plain(text) for file, text in (changed or {}).items()}
    candidates = {
        file: [each for each in _sentences(text) if file not in said or _plain(each) in said[file]]
        for file, text in texts.items()
    }
    return _most_distinctive(texts, candidates, count)


def new_answers(
    texts: Mapping[str, str], *, before: Mapping[str, str], count: int = 3
) -> tuple[KnownAnswer, ...]:
    """Pick likewise among the sentences that the files in ``before`` did not have then.

    An index that was not made anew since cannot know them.
    """
    said = {file: _plain(text) for file, text in before.items()}
    candidates = {
        file: [each for each in _sentences(texts[file]) if _plain(each) not in said[file]]
        for file in texts.keys() & said.keys()
    }
    return _most_distinctive(texts, candidates, count)


def _most_distinctive(
    texts: Mapping[str, str], candidates: Mapping[str, Sequence[str]], count: int
) -> tuple[KnownAnswer, ...]:
    words = {file: set(_WORD.findall(text.lower())) for file, text in texts.items()}
    files_with = Counter(word for each in words.values() for word in each)
    best: list[tuple[tuple[bool, float], KnownAnswer]] = []
    for file, sentences in sorted(candidates.items()):
        ranked = [
            ((texts[file].find(each[:20]) > _BEYOND_SCAN, _rarity(each, files_with)), each)
            for each in sentences
        ]
        if ranked:
            rank, sentence = max(ranked)
            best.append((rank, KnownAnswer(file, sentence)))
    best.sort(key=lambda each: each[0], reverse=True)
    return tuple(answer for _, answer in best[:count])


def _sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a Markdown file's prose, each on one line."""
    for paragraph in re.split(r"\n\s*\n", _FENCED.sub("\n\n", text)):
        lines = paragraph.strip().splitlines()
        if not lines or any(line.lstrip().startswith(_NOT_PROSE) for line in lines):
            continue
        for sentence in _SENTENCE_ENDS.split(" ".join(line.strip() for line in lines)):
            if len(sentence.split()) in _WORDS and sentence[-1:] in ".!?":
                yield sentence


def _rarity(sentence: str, files_with: Counter[str]) -> float:
    words = set(_WORD.findall(sentence.lower()))
    return sum(1 / files_with[word] for word in words) / max(len(words), 1)


def why_not_answered(answer: KnownAnswer, content: JsonValue) -> str | None:
    """Say why what a search returned does not prove that the index answered; nothing if it does.

    Proof is a hit that names the file and holds the sentence, from a search that does not call
    itself a fallback and does not show the server's own data.
    """
    return next(_objections(answer, content), None)


def _objections(answer: KnownAnswer, content: JsonValue) -> Iterator[str]:
    """Yield what speaks against a proof, the gravest first; some assume that none came before."""
    if not isinstance(content, Mapping):
        yield "the search answered with something else than results"
        return
    method = str(content.get("retrieval_method", ""))
    if any(word in method.lower() for word in _FALLBACKS):
        yield f"the search did not ask its index: it says {method!r}"
    hits = [_hit(each) for each in _list(content.get("results"))]
    if not hits:
        yield "the search found nothing"
    for file, _ in hits:
        if any(own in file.split("/") for own in _OWN_DATA):
            yield f"the search returned the server's own data: {file}"
    found = [text for file, text in hits if _same_file(file, answer.file)]
    if not found:
        yield f"the search did not find {answer.file} by a sentence of it"
    if not any(_plain(answer.sentence) in _plain(text) for text in found):
        yield f"the search found {answer.file}, but not the sentence that was asked for"


def _hit(result: JsonValue) -> tuple[str, str]:
    """Return the file and the text of one result, empty where it has none."""
    if not isinstance(result, Mapping):
        return "", ""
    return str(result.get("file", result.get("file_path", ""))), str(result.get("content", ""))


def _list(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, list) else ()


def _same_file(one: str, other: str) -> bool:
    """Say whether one path ends with the other, part by part: servers cut them differently."""
    ends = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    return bool(one) and all(a == b for a, b in ends)


def _plain(text: str) -> str:
    return _MARKUP.sub(" ", text).strip().lower()
