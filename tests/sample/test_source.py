"""The sample's source: a real repository, the same everywhere."""

import ast
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.errors import NotFoundError, RefusedError
from aos_upgrade_plugin.sample import build_source, variants
from aos_upgrade_plugin.sample.history import Files, files_of, versions
from aos_upgrade_plugin.sample.source import git

GOOD = ("0.8.0", "0.9.0", "1.0.0", "1.1.0", "1.2.0")
BAD = ("bad-start", "lost-tool", "silent-search")
OLDER = "separate-tools"
HOSTILE = """
[user]
    name = Somebody Else
    email = else@example.org
[commit]
    gpgsign = true
[core]
    autocrlf = true
    hooksPath = /nowhere
[init]
    defaultBranch = trunk
"""


def test_the_commits_are_the_same_on_every_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the user's git configuration nor their identity reaches the history."""
    here = build_source(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
    (tmp_path / ".gitconfig").write_text(HOSTILE)
    there = build_source(tmp_path / "there")
    assert here.commits == there.commits
    assert git(there.folder, "status", "--porcelain") == b""


def test_the_history_has_good_versions_and_bad_ones(tmp_path: Path) -> None:
    """Tests name versions by tag; the branch stands at the newest good one."""
    source = build_source(tmp_path / "source")
    assert tuple(source.commits) == (*GOOD, *BAD, OLDER)
    assert git(source.folder, "rev-parse", "main", "HEAD").split() == [
        source.commits["1.2.0"].encode(),
        source.commits["1.2.0"].encode(),
    ]
    line = git(source.folder, "log", "--reverse", "--format=%H", "main").decode().split()
    assert line == [source.commits[version] for version in GOOD]
    for version in BAD:
        parent = git(source.folder, "rev-parse", f"{version}^").decode().strip()
        assert parent == source.commits["1.2.0"]
    before = git(source.folder, "rev-parse", f"{OLDER}^").decode().strip()
    assert before == source.commits["0.9.0"]


def test_what_git_refuses_is_one_line(tmp_path: Path) -> None:
    """A folder that somebody else uses is left alone, with git's own reason."""
    taken = tmp_path / "taken/README.md"
    taken.parent.mkdir()
    taken.write_text("mine\n")
    with pytest.raises(RefusedError, match="git checkout failed for the sample"):
        build_source(taken.parent)
    assert taken.read_text() == "mine\n"


def test_without_git_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git learns what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFoundError, match="no git"):
        build_source(tmp_path / "source")


def test_a_source_stands_at_the_version_that_was_asked_for(tmp_path: Path) -> None:
    """The working tree is that version, and clean."""
    source = build_source(tmp_path / "source", at="0.9.0")
    assert (source.folder / "scripts/install-agent-os.py").is_file()
    source.check_out("bad-start")
    assert (source.folder / "scripts/install-praxis-os.py").is_file()
    assert git(source.folder, "rev-parse", "HEAD").decode().strip() == source.commits["bad-start"]
    assert git(source.folder, "status", "--porcelain") == b""


def test_an_unknown_version_is_named_with_those_there_are(tmp_path: Path) -> None:
    """A typing error in a test is told in one line."""
    with pytest.raises(NotFoundError, match=r"no version .3\.0.") as error:
        build_source(tmp_path / "source", at="3.0")
    assert "1.0.0" in error.value.cure


@pytest.mark.parametrize("version", [*GOOD, *BAD, OLDER])
def test_every_version_is_a_source_of_its_generation(version: str) -> None:
    """The layouts know each version for what it is, and its Python is Python."""
    files = files_of(version)
    layouts = [layout.name for layout in known() if set(layout.source_signs) & set(files)]
    assert layouts == (["agent_os"] if version.startswith(("0.", OLDER)) else ["praxis_os"])
    for path, file in files.items():
        if path.endswith(".py"):
            ast.parse(file.content, path)


def _relations(before: Files, after: Files) -> tuple[set[str], set[str], set[str]]:
    changed = {path for path in {*before} & {*after} if before[path] != after[path]}
    return {*after} - {*before}, {*before} - {*after}, changed


def test_every_relation_occurs_between_1_0_0_and_1_1_0() -> None:
    """Content comes, goes and changes, server code and a mode change, requirements do not."""
    before, after = files_of("1.0.0"), files_of("1.1.0")
    added, removed, changed = _relations(before, after)
    assert "universal/standards/security/secrets.md" in added
    assert "universal/workflows/dependency_update_v1/metadata.json" in added
    assert removed == {variants.REMOVED.replace("standards/universal", "universal/standards")}
    assert "universal/standards/failure-modes/retries.md" in changed
    assert {"mcp_server/index.py", "mcp_server/tools/__init__.py"} <= changed
    assert "mcp_server/tools/reading.py" in added
    script = "scripts/build_rag_index.py"
    assert before[script].content == after[script].content
    assert (before[script].executable, after[script].executable) == (False, True)
    assert "mcp_server/requirements.txt" not in changed


def test_requirements_change_with_1_2_0_only() -> None:
    """A test chooses by the pair of versions whether an environment has to be built."""
    requirements = {name: files_of(name)["mcp_server/requirements.txt"] for name in GOOD + BAD}
    assert len({requirements[name] for name in GOOD[:4]}) == 1
    assert len({requirements[name] for name in (*GOOD[4:], *BAD)}) == 1
    assert requirements["1.1.0"] != requirements["1.2.0"]


def test_the_manifest_is_stale_as_in_the_real_product() -> None:
    """Whoever takes it for a base is wrong: it stayed as it was at 1.0.0."""
    name = "universal/.universal-manifest.json"
    assert files_of("1.0.0")[name] == files_of("1.2.0")[name] != files_of("0.9.0")[name]


def test_every_version_says_when_it_was_made() -> None:
    """Dates rise along the history, so tools that sort by date see it in order."""
    dates = [version.date for version in versions()]
    assert dates == sorted(dates)
