"""A source is looked at without an error, and taken only when it is one."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.errors import NotFoundError
from aos_upgrade_plugin.models.source import SourceFacts
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.source import look, take
from tests.effects.repositories import Item, build, git
from tests.phases.products import lay_down, product

PRODUCT = product({"standards/a.md": b"a\n"}, version="1.2.0")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a source with one commit."""
    build(tmp_path / "source", PRODUCT)
    return tmp_path / "source"


def test_a_good_source(source: Path) -> None:
    """Everything that a check wants to know, and no problem."""
    facts = look(source)
    assert facts.problem is None
    assert (facts.exists, facts.is_repository, facts.is_product, facts.clean) == (True,) * 4
    assert facts.commit == git(source, "rev-parse", "HEAD").strip()
    assert (facts.version, facts.layout) == ("1.2.0", "agent_os")
    assert "universal/standards" in facts.looked_for
    assert SourceFacts.model_validate(facts.model_dump(exclude={"clean", "is_product"})) == facts


def test_what_is_no_source_is_a_fact_with_a_cure(source: Path, tmp_path: Path) -> None:
    """As much as could be found out, what is wrong, and what to do about it."""
    build(tmp_path / "other", {"universal/standards/a.md": b"a\n"})
    (tmp_path / "folder").mkdir()
    for path, reference, found in (
        (tmp_path / "nowhere", "HEAD", (False, False, False, False)),
        (tmp_path / "folder", "HEAD", (True, False, False, False)),
        (source, "v9", (True, True, False, False)),
        (tmp_path / "other", "HEAD", (True, True, True, False)),
    ):
        facts = look(path, reference)
        has_commit = facts.commit is not None
        assert (facts.exists, facts.is_repository, has_commit, facts.is_product) == found
        assert facts.problem
        assert facts.cure
        assert not facts.clean or has_commit
        with pytest.raises(NotFoundError):
            take(path, reference)


def test_any_commit_can_be_taken(source: Path) -> None:
    """A branch, a tag or a commit; the checkout may be anywhere."""
    git(source, "tag", "v1.2.0")
    git(source, "checkout", "-q", "--orphan", "empty")
    facts = look(source, "v1.2.0")
    assert facts.is_product
    assert [(claim.where, claim.version) for claim in facts.claims] == [
        ("VERSION.txt", "1.2.0"),
        ("tag v1.2.0", "1.2.0"),
    ]


def test_dirt_is_named_but_not_that_of_the_installation(source: Path) -> None:
    """The product may be installed in its own checkout; its files there are no dirt."""
    lay_down(PRODUCT, source)
    (source / ".gitignore").write_text("*.pyc\n")
    (source / ".cursor").mkdir()
    for client in (".mcp.json", ".cursor/mcp.json"):
        (source / client).write_text("{}\n")
    installation = find(source)
    assert set(look(source).dirt) > {".gitignore"}
    facts = look(source, installation=installation)
    assert (facts.dirt, facts.clean) == ((), True)
    (source / "universal/standards/a.md").write_text("changed\n")
    facts = look(source, installation=installation)
    assert (facts.dirt, facts.clean) == (("universal/standards/a.md",), False)
    assert facts.problem is None


def test_what_could_not_be_laid_down_is_noted(tmp_path: Path) -> None:
    """Submodules and pointers, where they would be laid down."""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    build(
        tmp_path / "source",
        {
            **PRODUCT,
            "universal/workflows/other": Item(b"1" * 40, "160000"),
            "docs/other": Item(b"1" * 40, "160000"),
            "universal/usage/big.bin": pointer,
        },
    )
    facts = look(tmp_path / "source")
    assert facts.submodules == ("universal/workflows/other",)
    assert facts.lfs_pointers == ("usage/big.bin",)
