"""The validation report: what was measured of the upgraded installation, as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.run import VALIDATION_REPORT

_SCHEMA_VERSION = 1


def write(gate: GateReport, evidence: Mapping[str, JsonValue], folder: Path) -> None:
    """Write the evidence, and the verdict with every check's outcome and facts, into a folder."""
    report = {
        "schema_version": _SCHEMA_VERSION,
        "evidence": {**evidence},
        "gate": gate.model_dump(mode="json"),
    }
    with as_disk_error("writing the validation report"):
        text = json.dumps(report, indent=2).encode()
        durable.write_durably(folder / VALIDATION_REPORT, text)
