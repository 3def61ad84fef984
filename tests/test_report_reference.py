"""The page of a run's report says what the program answers."""

import re
from pathlib import Path

from aos_upgrade_plugin.models.report import EXIT_CODES, RunReport

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "report.md"


def test_the_page_names_every_field_and_status() -> None:
    """A program that reads the answer finds each field and each status, with its exit code."""
    page = PAGE.read_text(encoding="utf-8")
    fields, statuses = page.split("| status | exit | is |")
    names = [
        name
        for cell in re.findall(r"^\| (`.*?) \|", fields, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    ]
    answered = RunReport.model_json_schema(mode="serialization", by_alias=True)["properties"]
    assert names == [*answered]
    rows = re.findall(r"^\| (\w+) \| (\d+) \|", statuses, re.MULTILINE)
    assert rows == [(status.value, str(int(code))) for status, code in EXIT_CODES.items()]
