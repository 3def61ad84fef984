"""Whether the server's search asks its index, proven by sentences that it has to find."""

from collections.abc import Mapping, Sequence

from aos_upgrade_plugin.decide.service.known_answer import (
    known_answers,
    new_answers,
    why_not_answered,
)
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.models.server import KnownAnswer, Site, ToolAnswer, ToolCall
from aos_upgrade_plugin.models.tree import TreePath

STANDARDS: Sequence[TreePath] = ("standards",)


def pick_known_answers(
    site: Site, folders: Sequence[TreePath], *, changed: Mapping[TreePath, str] | None = None
) -> tuple[KnownAnswer, ...]:
    """Pick sentences of the installation's own standards, below these folders of it.

    With ``changed``, what some of the files said earlier, sentences that stood there already; only
    where there are none, others.
    """
    texts = _texts(site, folders)
    return known_answers(texts, changed=changed) or known_answers(texts)


def new_sentences(
    site: Site, before: Mapping[TreePath, str], *, folders: Sequence[TreePath] = STANDARDS
) -> tuple[KnownAnswer, ...]:
    """Return sentences by which a search shows that its index holds what files say since.

    ``before`` holds what each file that changed said earlier; nothing for one that is new.
    """
    with as_disk_error("reading the standards"):
        return new_answers(_texts(site, folders), before=before)


def _texts(site: Site, folders: Sequence[TreePath]) -> Mapping[TreePath, str]:
    return {
        path.relative_to(site.install).as_posix(): path.read_text("utf-8", "replace")
        for folder in folders
        for path in sorted((site.install / folder).rglob("*.md"))
        if path.is_file()
    }


def question(answer: KnownAnswer, *, tool: str = "search_standards") -> ToolCall:
    """Return the call that has to find a known answer."""
    return ToolCall(tool=tool, arguments={"query": answer.sentence, "n_results": 5})


def why_search_failed(answers: Sequence[KnownAnswer], said: Sequence[ToolAnswer]) -> str | None:
    """Say why no answer proves that the index was asked; nothing when one does."""
    problems = [
        each.problem or why_not_answered(known, each.content)
        for known, each in zip(answers, said, strict=False)
    ]
    return None if None in problems else (problems or ["there is no sentence to search for"])[0]
