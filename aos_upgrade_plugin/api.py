"""The one door for third parties: all that a check or a plugin needs, and nothing else.

What looks at an installation here never changes it.
"""

from aos_upgrade_plugin.decide.layout import classify
from aos_upgrade_plugin.effects.backup.backup_check import verify as verify_backup
from aos_upgrade_plugin.effects.backup.backups import listed as list_backups
from aos_upgrade_plugin.effects.backup.backups import read_manifest
from aos_upgrade_plugin.effects.gate.event_log import verify as verify_event_log
from aos_upgrade_plugin.effects.service.mcp_probe import probe as ask_server
from aos_upgrade_plugin.effects.tree.files import entry_at as read_entry
from aos_upgrade_plugin.effects.tree.files import free_bytes, locate, read_tree
from aos_upgrade_plugin.effects.workflow.workflow_folders import read_workflow
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.hookspecs import hookimpl
from aos_upgrade_plugin.models.backup import BACKUPS, BackupManifest, Problem
from aos_upgrade_plugin.models.chain import SealedLog
from aos_upgrade_plugin.models.check import check
from aos_upgrade_plugin.models.commented_json import parse_commented_json
from aos_upgrade_plugin.models.conflict import ConflictDecision, Merge, OpenConflict, Side
from aos_upgrade_plugin.models.gate import (
    Applicability,
    Applies,
    Gate,
    GateContext,
    NotApplies,
    RecordFact,
    Severity,
)
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.layout import Layout, Part, PathClass
from aos_upgrade_plugin.models.migration import Followed, Migration, MigrationFacts, Operation
from aos_upgrade_plugin.models.packages import STAGE as ENVIRONMENT_STAGE
from aos_upgrade_plugin.models.packages import PostInstallCommand, PostInstallContext
from aos_upgrade_plugin.models.plan import Choice, PlannedChange, SideDigests, UpgradePlan
from aos_upgrade_plugin.models.server import (
    KnownAnswer,
    Probe,
    ServerProcess,
    Servers,
    Site,
    StartCommand,
    ToolCall,
)
from aos_upgrade_plugin.models.service import Measured, ServerBefore, ServerNow
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.source import SourceFacts
from aos_upgrade_plugin.models.status import Status
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Entry, Kind, Tree, TreePath
from aos_upgrade_plugin.phases.environment import (
    environment_identity,
    environment_problems,
    unlike_snapshot,
)
from aos_upgrade_plugin.phases.in_flight import workflows_in_flight
from aos_upgrade_plugin.phases.installation import Installation, site_of, standing
from aos_upgrade_plugin.phases.installation import find as find_installation
from aos_upgrade_plugin.phases.measuring import measure_server, measure_until_searchable
from aos_upgrade_plugin.phases.overview import status_of
from aos_upgrade_plugin.phases.planning import read_installation_tree
from aos_upgrade_plugin.phases.search import new_sentences
from aos_upgrade_plugin.phases.serving import look as look_at_servers
from aos_upgrade_plugin.phases.serving import still_running, who_serves
from aos_upgrade_plugin.phases.source import look as look_at_source
from aos_upgrade_plugin.phases.tool_names import names_in_code
from aos_upgrade_plugin.phases.workflow_names import installed_workflows

__all__ = [
    "BACKUPS",
    "ENVIRONMENT_STAGE",
    "Applicability",
    "Applies",
    "BackupManifest",
    "Change",
    "Choice",
    "ConflictDecision",
    "Entry",
    "Followed",
    "Gate",
    "GateContext",
    "GateReport",
    "Installation",
    "Kind",
    "KnownAnswer",
    "Layout",
    "Measured",
    "Merge",
    "Migration",
    "MigrationFacts",
    "NotApplies",
    "OpenConflict",
    "Operation",
    "Part",
    "PathClass",
    "Place",
    "PlannedChange",
    "PostInstallCommand",
    "PostInstallContext",
    "Probe",
    "Problem",
    "RecordFact",
    "Relation",
    "SealedLog",
    "ServerBefore",
    "ServerNow",
    "ServerProcess",
    "Servers",
    "SessionStatus",
    "Severity",
    "Side",
    "SideDigests",
    "Site",
    "SourceFacts",
    "StartCommand",
    "Status",
    "ToolCall",
    "Tree",
    "TreePath",
    "UpgradeError",
    "UpgradePlan",
    "WorkflowSession",
    "ask_server",
    "check",
    "classify",
    "environment_identity",
    "environment_problems",
    "find_installation",
    "free_bytes",
    "hookimpl",
    "installed_workflows",
    "list_backups",
    "locate",
    "look_at_servers",
    "look_at_source",
    "measure_server",
    "measure_until_searchable",
    "names_in_code",
    "new_sentences",
    "parse_commented_json",
    "read_entry",
    "read_installation_tree",
    "read_manifest",
    "read_tree",
    "read_workflow",
    "site_of",
    "standing",
    "status_of",
    "still_running",
    "unlike_snapshot",
    "verify_backup",
    "verify_event_log",
    "who_serves",
    "workflows_in_flight",
]
