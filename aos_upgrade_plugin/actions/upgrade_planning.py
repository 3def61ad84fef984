"""The plan of an upgrade, with all that people and plugins have a say in. Nothing is written."""

from collections.abc import Callable
from datetime import UTC, datetime

from aos_upgrade_plugin.actions import runs
from aos_upgrade_plugin.effects.gate.check_list import collect
from aos_upgrade_plugin.models.conflict import GivenAnswers
from aos_upgrade_plugin.models.gate import GateContext
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.migration import PlannedMigration
from aos_upgrade_plugin.models.plan import Options, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict, Settings
from aos_upgrade_plugin.phases import source
from aos_upgrade_plugin.phases.deciding import Ask, Said
from aos_upgrade_plugin.phases.environment_planning import plan_environment_of
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.planning import plan_upgrade
from aos_upgrade_plugin.plugins import Plugins

Agree = Callable[[PlannedMigration], bool]
"""Asks somebody whether a migration may be made."""


class Planning:
    """Plans the upgrades of one installation."""

    def __init__(self, installation: Installation, plugins: Plugins) -> None:
        """Know whom to ask."""
        self._at = installation
        self._plugins = plugins

    def plan(
        self, settings: Settings, *, answers: GivenAnswers | None = None, ask: Ask | None = None
    ) -> UpgradePlan:
        """Decide every change, and fix the checks of every gate. Nothing is written.

        A conflict is decided by ``answers``, by plugins, by whom ``ask`` asks where the settings
        say so, and by the settings, in this order.
        """
        taken = source.take(settings.source_path)
        options = Options(
            only=settings.only, on_conflict=settings.on_conflict, migrate=settings.migrate
        )
        plan = plan_upgrade(
            self._at,
            taken,
            options=options,
            created_at=datetime.now(UTC),
            offer=self._plugins.migrations,
            said=Said(answers, self._plugins.resolve_conflict, ask),
        )
        if Part.SERVER in settings.only.parts and not plan.undecided:
            detect = self._plugins.post_install_steps
            environment = plan_environment_of(self._at, taken, detect=detect)
            plan = plan.model_copy(update={"environment": environment})
        context = GateContext(
            target=self._at.path,
            source=settings.source_path,
            source_commit=plan.source.commit,
            facts={"only": settings.only, "layout": plan.layout},
        )
        return runs.with_checks(plan, collect(context))

    def settled(
        self,
        settings: Settings,
        *,
        agree: Agree | None = None,
        answers: GivenAnswers | None = None,
        ask: Ask | None = None,
    ) -> tuple[Settings, UpgradePlan]:
        """Plan with everything that people are asked about; return it with what they agreed to.

        ``agree`` is asked about each migration that is needed and that nobody asked for yet, then
        ``ask`` about conflicts, where the settings say so.
        """
        plan = self.plan(settings, answers=answers)
        said_yes = tuple(each.id for each in plan.unasked if agree is not None and agree(each))
        settings = settings.model_copy(update={"migrate": (*settings.migrate, *said_yes)})
        asks = ask if settings.on_conflict is OnConflict.ASK and plan.undecided else None
        if said_yes or asks is not None:
            plan = self.plan(settings, answers=answers, ask=asks)
        return settings, plan
