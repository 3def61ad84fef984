"""How this project upgrades an edited installation: the whole command, and its three-way part."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from aos_upgrade_plugin.decide.content.product import part_of
from aos_upgrade_plugin.decide.content.steps import ordered
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.models.conflict import ConflictDecision, Decided, OpenConflict
from aos_upgrade_plugin.models.journal import JournalHeader
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.plan import RECORD, BaseRecord, Choice, Laid, Options, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.models.source import LaidDown
from aos_upgrade_plugin.models.tree import TreePath
from aos_upgrade_plugin.phases.deciding import Said
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.planning import contents_of, gather, plan_upgrade
from aos_upgrade_plugin.phases.source import take
from aos_upgrade_plugin.plugins import installed_plugins
from benchmarks.upgrading import Case, Result, Update, copied, run


def ours(case: Case, place: Path) -> Update:
    """Run the whole command, gates, backup and proof; keep by answers what git cannot merge."""
    project = copied(case.edited, place / "project")
    answers = place / "answers.json"
    home = {"HOME": str(place / "home"), "XDG_STATE_HOME": str(place / "state")}
    command = (sys.executable, "-c", "from aos_upgrade_plugin.cli import main; main()")
    options = ("--source", case.source, "--migrate", "all", "--on-conflict", "merge")
    run(
        *command,
        "plan",
        *options,
        "--write-answers",
        answers,
        cwd=project,
        settings=home,
        must=False,
    )
    told = _decided_to_keep(answers)
    ran = (*command, "run", *options, "--answers", answers)
    return Update(
        step=lambda: run(*ran, cwd=project, settings=home),
        result=lambda: Result(project / case.kit.folders[1], told),
    )


def _decided_to_keep(file: Path) -> frozenset[str]:
    """Answer every open question, and return what they were about."""
    asked = json.loads(file.read_text())
    still_open = [each for each in asked["answers"] if each.get("decision") is None]
    for each in still_open:
        each["decision"] = "keep"
    file.write_text(json.dumps(asked))
    return frozenset(each["path"] for each in still_open)


def our_step(case: Case, place: Path) -> Update:
    """Plan and apply in process what :func:`ours` does, nothing recorded of the old version."""
    return _our_step(case, copied(case.edited, place / "project"))


def our_step_recorded(case: Case, place: Path) -> Update:
    """The same where an upgrade of ours had written down what it laid down."""
    project = copied(case.edited, place / "project")
    record = find(project).path / RECORD
    record.parent.mkdir()
    record.write_bytes(_record(case).to_json())
    return _our_step(case, project)


def _our_step(case: Case, project: Path) -> Update:
    told: set[str] = set()

    def decide(conflict: OpenConflict) -> Decided:
        merges = Choice.MERGE in conflict.choices
        if not merges:
            told.add(conflict.path)
        choice = Choice.MERGE if merges else Choice.KEEP
        return Decided(ConflictDecision(choice=choice), "the benchmark")

    def step() -> None:
        _apply(_plan(case, project, Said(plugins=decide)), project)

    return Update(step, lambda: Result(project / case.kit.folders[1], frozenset(told)))


def _plan(case: Case, project: Path, said: Said) -> UpgradePlan:
    return plan_upgrade(
        find(project),
        take(case.source),
        options=Options(only=Scope.ALL, on_conflict=OnConflict.FAIL, migrate=("all",)),
        created_at=datetime.now(UTC),
        offer=installed_plugins().migrations,
        said=said,
    )


def _apply(plan: UpgradePlan, project: Path) -> None:
    install = find(project).path
    header = JournalHeader(
        owner="benchmark",
        purpose="content",
        created_at=plan.created_at,
        rename=plan.rename,
        changes=ordered((one.change for one in plan.changes), folders=plan.target),
    )
    with contents_of(plan, install) as content_of:
        transaction = Transaction.prepare(install, header, content_of)
    transaction.apply()
    transaction.commit()


def _record(case: Case) -> BaseRecord:
    """Write down what was laid down, as a run of ours does."""
    installation, source = find(case.laid_down), take(case.source, case.kit.old)
    stands = {
        path: laid
        for path, laid in gather(installation, source, Scope.ALL.parts).incoming.items()
        if path in case.kit.base
    }
    laid: dict[Part, dict[TreePath, LaidDown]] = {part: {} for part in Scope.ALL.parts}
    for path, each in stands.items():
        part = part_of(path, installation.layout)
        if part is not None:
            laid[part][path] = each
    return BaseRecord(
        recorded_at=datetime.now(UTC),
        parts={part: Laid(commit=source.commit, paths=paths) for part, paths in laid.items()},
    )
