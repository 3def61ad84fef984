"""What each phase has to prove, filled from what its checks measured.

Field names are those of the design document, section 4. Sizes are stored in bytes; the
document's own readable fields are computed from them.
"""

from typing import Annotated, Literal

from pydantic import Field, computed_field

from aos_upgrade_plugin.models.base import Frozen, Utc

_UNITS = ("bytes", "KB", "MB", "GB", "TB")
_STEP = 1000

Count = Annotated[int, Field(ge=0)]
Outcome = Literal["passed", "failed", "not_planned"]


def readable_size(size_bytes: int) -> str:
    """Return a size as people read it, in decimal units: ``45.2 MB``."""
    size, unit = float(size_bytes), 0
    while size >= _STEP and unit < len(_UNITS) - 1:
        size, unit = size / _STEP, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{size_bytes} bytes"


class Phase0Evidence(Frozen):
    """Pre-flight: source and target are fit for an upgrade; nothing was changed."""

    source_path: str
    source_version: str | None
    source_commit: str
    source_git_clean: Literal[True]
    target_exists: Literal[True]
    target_structure_valid: Literal[True]
    disk_space_available_bytes: Count
    disk_space_required_bytes: Count
    """Twice what this run will write."""
    installation_size_bytes: Count
    no_concurrent_workflows: Literal[True]

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented form
    @property
    def disk_space_available(self) -> str:
        """The free space, readable."""
        return readable_size(self.disk_space_available_bytes)

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented form
    @property
    def disk_space_required(self) -> str:
        """The needed space, readable."""
        return readable_size(self.disk_space_required_bytes)


class Phase1Evidence(Frozen):
    """Backup: a verified way back exists, and the lock is ours."""

    backup_path: str
    backup_timestamp: Utc
    files_backed_up: Count
    backup_size_bytes: Count
    backup_manifest: str
    integrity_verified: Literal[True]
    lock_acquired: Literal[True]

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented form
    @property
    def backup_size(self) -> str:
        """The size of the backup, readable."""
        return readable_size(self.backup_size_bytes)


class Preview(Frozen):
    """What the plan said would happen."""

    new_files: Count
    updated_files: Count
    unchanged_files: Count
    conflicts: Count
    local_only: Count


class Applied(Frozen):
    """What did happen."""

    new_files: Count
    updated_files: Count
    conflicts_resolved: Count
    user_prompts: Count = 0


class Phase2Evidence(Frozen):
    """Content: the tree is what the plan said, and the user's paths are untouched."""

    dry_run_preview: Preview
    actual_upgrade: Applied
    version_updated: str
    update_log_appended: Literal[True]

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented form
    @property
    def safe_upgrade_executed(self) -> bool:
        """The design document's word for: the content step ran to its end."""
        return True


class PostInstallStep(Frozen):
    """One command that a dependency needs after it was installed."""

    command: str
    status: Literal["success", "failed"]
    size_downloaded: str | None = None


class Phase3Evidence(Frozen):
    """Server: code, environment and process are the new ones."""

    mcp_server_copied: Literal[True]
    files_copied: Count
    checksums_verified: Literal[True]
    dependencies_installed: Literal[True]
    post_install_steps: tuple[PostInstallStep, ...] = ()
    server_restarted: bool
    server_restart_time: Utc | None
    server_health_check: Outcome
    old_pid: int | None = None
    new_pid: int | None = None
    seconds_to_handshake: float | None = None


class Phase4Evidence(Frozen):
    """Validation: the upgraded installation works. What was not planned says so."""

    server_version: str | None = None
    tools_registered: Count | None = None
    expected_tools: Count | None = None
    browser_tools_enabled: bool = False
    browser_smoke_test: Outcome = "not_planned"
    rag_search_test: Outcome = "not_planned"
    workflow_engine_test: Outcome = "not_planned"
    file_watchers_active: bool | None = None
    rag_index_current: bool | None = None
    unit_tests_passed: bool | None = None
    validation_report: str


class Phase5Evidence(Frozen):
    """Cleanup: nothing is left over, and everything is written down."""

    lock_released: Literal[True]
    old_backups_archived: Count
    upgrade_summary: str
    installation_summary_updated: Literal[True]
    update_log_appended: Literal[True]
    git_changes_committed: bool
