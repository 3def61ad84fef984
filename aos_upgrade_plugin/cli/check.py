"""``aos-upgrade check``, ``checks`` and ``explain``: gates for their own sake."""

from typing import TYPE_CHECKING, Annotated

import typer

from aos_upgrade_plugin.cli import options, output

if TYPE_CHECKING:
    from aos_upgrade_plugin.models.gate import Gate

_GATES = "pre-flight, backup, content, server, validation, cleanup, rollback, or a phase number"


def check(  # noqa: PLR0913  a flag each
    gate: Annotated[str, typer.Argument(metavar="GATE", help=_GATES)],
    *,
    source: options.Source = None,
    target: options.Target = None,
    only: options.Only = None,
    migrate: options.Migrate = None,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="SESSION", help="Of which run; default: the last one."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Let one gate measure, isolated from everything, without changing the installation.

    pre-flight needs a source. The other gates measure a run that has begun.
    """
    from aos_upgrade_plugin.errors import ExitCode
    from aos_upgrade_plugin.models.gate import Gate

    upgrade, wanted = options.upgrade(target, as_json=as_json), _gate(gate)
    if wanted is Gate.PRE_FLIGHT:
        flags = {
            "source_path": source,
            "only": only,
            "migrate": tuple(migrate) if migrate else None,
        }
        settings = options.settings(target, flags)
        report, evidence = upgrade.check_pre_flight(settings)
    else:
        report, evidence = upgrade.check(wanted, session)
    if as_json:
        output.answer({"evidence_dir": str(evidence), **report.model_dump(mode="json")})
    else:
        verdict = "open" if report.opens else "shut"
        output.say(f"the gate {report.gate} is {verdict}; evidence: {evidence}")
    raise typer.Exit(ExitCode.DONE if report.opens else ExitCode.GATE_SHUT)


def checks(
    *,
    gate: Annotated[str | None, typer.Option("--gate", metavar="GATE", help=_GATES)] = None,
    as_json: options.AsJson = False,
) -> None:
    """List every check that installed distributions bring."""
    from aos_upgrade_plugin.actions.checking import all_checks

    found = all_checks(None if gate is None else _gate(gate))
    if as_json:
        output.answer({"checks": [each.model_dump(mode="json") for each in found]})
        return
    rows = [[each.id, each.gate, each.severity, each.title] for each in found]
    output.table(["check", "gate", "severity", "what it proves"], rows)


def explain(
    check_id: Annotated[str, typer.Argument(metavar="ID", help="Such as AOS-P003.")],
    *,
    as_json: options.AsJson = False,
) -> None:
    """Say what a check proves, what it means when it fails, and what to do then."""
    from aos_upgrade_plugin.actions.checking import explained

    found = explained(check_id)
    if as_json:
        output.answer({"check": found.model_dump(mode="json")})
        return
    output.say(f"{found.id}: {found.title}")
    output.say(f"  gate      {found.gate}")
    output.say(f"  severity  {found.severity}: {_MEANS[found.severity]}")
    output.say(f"  remedy    {found.remedy}")
    output.say(f"  limit     {found.limit_s:g} s")
    output.say(f"  from      {found.distribution}, {found.module}.{found.function}")
    if found.aliases:
        output.say(f"  aliases   {', '.join(found.aliases)}")


_MEANS = {
    "blocker": "when it fails, the gate stays shut",
    "warning": "when it fails, somebody should look; the gate may open",
    "info": "when it fails, it is worth a line in the report",
}


def _gate(name: str) -> "Gate":
    from aos_upgrade_plugin.errors import UsageError
    from aos_upgrade_plugin.models.gate import Gate

    try:
        return Gate.named(name)
    except ValueError as error:
        raise UsageError(str(error), cure="name one of them") from error
