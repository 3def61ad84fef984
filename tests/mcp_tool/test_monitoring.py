"""The files for Prometheus and Grafana fit what a server tells, and every alert fires."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from aos_upgrade_plugin.mcp_tool.metrics import measure
from aos_upgrade_plugin.mcp_tool.metrics_endpoint import metrics_served
from tests.actions.workflow_places import lay_installation, tool_at
from tests.mcp_tool.metrics_reading import Scrape, scrape, strangers

FILES = Path(__file__).parents[2] / "docs" / "monitoring"
HOW_TO = FILES.parent / "how-to" / "watch-the-server.md"
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool, of Prometheus, is not there"
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Scrape:
    """Return what a server tells that was just begun."""
    install = lay_installation(tmp_path_factory.mktemp("project"))
    registry = CollectorRegistry()
    measure(tool_at(install), registry)
    with metrics_served(registry, host="127.0.0.1", port=0) as address:
        return scrape(address)


def _alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FILES / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def _dashboard() -> Any:  # noqa: ANN401  Grafana's own form
    return json.loads((FILES / "grafana-dashboard.json").read_text(encoding="utf-8"))


def _panel_queries() -> list[str]:
    queries = [target["expr"] for panel in _dashboard()["panels"] for target in panel["targets"]]
    assert len(queries) > 14
    return queries


def test_every_query_asks_for_what_is_told(told: Scrape) -> None:
    """Of the alerts and of the dashboard: names, labels, and the values that labels have."""
    for query in (*_panel_queries(), *(rule["expr"] for rule in _alerts())):
        assert strangers(query, told) == set(), query
    variables = [each["query"] for each in _dashboard()["templating"]["list"][1:]]
    for variable in variables:
        name, inner, label = re.match(
            r"label_values\((\w+)(\{.*\})?, (\w+)\)", variable["query"]
        ).groups()  # type: ignore[union-attr]
        assert strangers(f"{name}{inner or ''}", told) == set()
        assert label in {"job", "instance"}


@pytest.mark.parametrize(
    ("query", "strange"),
    [
        ("aos_workflow_sesions", {"aos_workflow_sesions"}),
        ("rate(aos_workflow_calls[5m])", {"aos_workflow_calls"}),
        ('aos_workflow_sessions{state="active"}', {"aos_workflow_sessions.state"}),
        ('aos_workflow_sessions{status="running"}', {"aos_workflow_sessions.status=running"}),
        ("sum by (acton, le) (aos_workflow_call_seconds_bucket)", {"acton"}),
        ("sum by (action, le) (rate(aos_workflow_call_seconds_bucket[5m])) > 0.5", set()),
    ],
)
def test_a_query_for_what_is_not_told_is_seen(told: Scrape, query: str, strange: set[str]) -> None:
    """The test above can fail."""
    assert strangers(query, told) == strange


def test_everything_that_is_told_is_on_the_page(told: Scrape) -> None:
    """Every family, and no other, is in the table of the how-to."""
    page = HOW_TO.read_text(encoding="utf-8")
    on_page = set(re.findall(r"^\| `([a-z_]+)", page, re.MULTILINE))
    assert on_page == {re.sub("_(bucket|count|sum)$", "", name) for name in told.labels()}


def test_every_panel_has_its_place_and_its_words() -> None:
    """None lies on another, each has a name of its own, a description and its data source."""
    taken: set[tuple[int, int]] = set()
    panels = _dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["description"]
        assert {each["datasource"]["uid"] for each in panel["targets"]} == {"${datasource}"}


def test_it_is_kept_for_thirty_days() -> None:
    """Prometheus takes that by a flag, which stands where people look."""
    for file in (FILES / "prometheus.yml", HOW_TO):
        assert "--storage.tsdb.retention.time=30d" in file.read_text(encoding="utf-8"), file.name


def test_every_alert_is_tested_to_fire_and_not_to() -> None:
    """The table of promtool has a case of both for each."""
    cases = yaml.safe_load((FILES / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    tested = {
        (each["alertname"], bool(each["exp_alerts"]))
        for case in cases
        for each in case["alert_rule_test"]
    }
    assert tested == {(rule["alert"], fires) for rule in _alerts() for fires in (True, False)}


def _promtool(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@needs_promtool
def test_the_alerts_fire_over_their_limits_only() -> None:
    """As Prometheus itself computes them; and it understands its configuration."""
    for arguments in (
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
    ):
        ran = _promtool(*arguments, folder=FILES)
        assert ran.returncode == 0, ran.stdout + ran.stderr


@needs_promtool
def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    """Checked as rules, with what Grafana puts in place of its variables."""
    queries = [
        query.replace("$__rate_interval", "1m").replace("$job", ".*").replace("$instance", ".*")
        for query in _panel_queries()
    ]
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(queries)]
    groups = {"groups": [{"name": "panels", "rules": rules}]}
    (tmp_path / "panels.yml").write_text(yaml.safe_dump(groups))
    ran = _promtool("check", "rules", "panels.yml", folder=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(queries)} rules found" in ran.stdout


@needs_promtool
@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        pytest.param(")) > 1\n", ")) > 0.99\n", id="slow-sooner"),
        pytest.param('{kind="call"}', "", id="upgrades-count"),
        pytest.param("for: 5m", "for: 0m", id="no-patience"),
        pytest.param("> 0.05", "> 0.049", id="errors-sooner"),
        pytest.param("> 1.5", "> 0.5", id="one-error"),
        pytest.param("> 100 *", "> 99 *", id="memory-sooner"),
    ],
)
def test_an_alert_of_another_limit_is_seen(tmp_path: Path, was: str, becomes: str) -> None:
    """The cases of promtool hold each limit from both sides."""
    rules = (FILES / "alerts.yml").read_text(encoding="utf-8")
    assert was in rules
    (tmp_path / "alerts.yml").write_text(rules.replace(was, becomes))
    shutil.copy(FILES / "alerts_test.yml", tmp_path)
    assert _promtool("test", "rules", "alerts_test.yml", folder=tmp_path).returncode == 1
