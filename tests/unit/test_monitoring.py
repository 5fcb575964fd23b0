"""Prometheus' own checker over our rules; rules and dashboards against the metrics that exist."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
import yaml

from callcenter import metrics

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
DASHBOARDS = sorted((CONFIG / "grafana" / "dashboards").glob("*.json"))
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((CONFIG / "alert_rules.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "info": ("_info",),
    "gauge": ("",),
}
GIVEN_BY_PROMETHEUS = {"job", "instance", "le"}


def promtool(*arguments: str | Path) -> str:
    """Run promtool; what it printed. Fails the test when promtool is not content."""
    program = shutil.which("promtool")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("promtool is missing: apt-get install prometheus")
        pytest.skip("NOT CHECKED: promtool is missing (apt-get install prometheus)")
    seldom = os.environ | {"GOGC": "400"}  # collecting garbage would be a fifth of its work, in seconds of life
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False, env=seldom)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def panels(dashboard: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(dashboard.read_text(encoding="utf-8"))["panels"]
    return loaded


def queries() -> list[tuple[str, str]]:
    """(where, PromQL) of every rule and every panel."""
    in_rules = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in RULES]
    in_panels = [
        (f"{path.name}: {panel['title']}", target["expr"])
        for path in DASHBOARDS
        for panel in panels(path)
        for target in panel["targets"]
    ]
    return in_rules + in_panels


def series() -> dict[str, set[str]]:
    """Name of every series that the centre can show, with its labels."""
    labels = {m._name: set(m._labelnames) for m in vars(metrics).values() if hasattr(m, "_labelnames")}
    return {
        family.name + suffix: labels[family.name]
        for family in prometheus_client.REGISTRY.collect()
        if family.name.startswith("vnh_")
        for suffix in SUFFIXES[family.type]
    }


def test_the_rules_are_valid() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", CONFIG / "alert_rules.yml")


def test_the_configuration_is_valid() -> None:
    promtool("check", "config", "--lint=all", "--lint-fatal", CONFIG / "prometheus.yml")


@pytest.mark.parametrize("name", ["alert_rules_test.yml", "alert_rules_slow_test.yml"])
def test_alerts_fire_when_they_should_and_only_then(name: str) -> None:
    promtool("test", "rules", CONFIG / name)


def test_every_query_of_a_dashboard_is_valid(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}:parsed", "expr": expr} for number, (_, expr) in enumerate(queries())]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", file)


def test_every_metric_asked_for_exists() -> None:
    known = series().keys() | RECORDED | {"up", "ALERTS"}
    unknown = [
        (where, name)
        for where, expr in queries()
        for name in re.findall(r"\b(?:job:)?vnh_[a-z0-9_]+(?::[a-z0-9]+)?", expr)
        if name not in known
    ]
    assert unknown == []


def test_every_label_asked_for_exists() -> None:
    known = series()
    every = set().union(*known.values()) | GIVEN_BY_PROMETHEUS | {"alertname", "alertstate", "version"}
    wrong = []
    for where, expr in queries():
        for name, selector in re.findall(r"\b(vnh_[a-z0-9_]+)\{([^}]*)\}", expr):
            asked = set(re.findall(r"(\w+)\s*[=!]", selector))
            wrong += [(where, name, label) for label in asked - known[name] - GIVEN_BY_PROMETHEUS]
        for grouping in re.findall(r"by \(([^)]*)\)", expr):
            wrong += [(where, "by", label) for label in set(grouping.split(", ")) - every]
    assert wrong == []


def test_every_bucket_asked_for_is_an_edge() -> None:
    """A bucket that does not exist is no error in Prometheus: the alert would never fire."""
    edges = {f"{float(edge):.1f}" for edge in metrics.ANSWER_EDGES}
    asked = {edge for _, expr in queries() for edge in re.findall(r'vnh_answer_seconds_bucket\{le="([^"]+)"\}', expr)}
    assert asked
    assert asked <= edges


def test_recording_rules_are_named_level_metric_operation() -> None:
    name = re.compile(r"job:vnh_[a-z0-9_]+:[a-z]+[0-9]+[mhd]")
    assert [recorded for recorded in RECORDED if not name.fullmatch(recorded)] == []


def test_every_alert_has_a_severity_a_meaning_and_an_action() -> None:
    for alert in ALERTS:
        assert alert["labels"]["severity"] in {"page", "ticket"}, alert["alert"]
        assert set(alert["annotations"]) == {"summary", "action"}, alert["alert"]


def test_every_alert_is_tested_and_explained() -> None:
    tested = "".join(path.read_text(encoding="utf-8") for path in CONFIG.glob("alert_rules*_test.yml"))
    explained = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for alert in ALERTS:
        assert re.search(rf"\b{alert['alert']}\b", tested), alert["alert"]
        assert f"`{alert['alert']}`" in explained, alert["alert"]


def test_dashboards_are_told_apart() -> None:
    dashboards = [json.loads(path.read_text(encoding="utf-8")) for path in DASHBOARDS]
    assert [d["title"] for d in dashboards] == ["Is someone being failed now?", "Service level"]
    assert len({d["uid"] for d in dashboards}) == len(dashboards)
    for dashboard in dashboards:
        numbers = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(numbers)) == len(numbers)


def test_dashboards_ask_the_provisioned_source() -> None:
    source = yaml.safe_load((CONFIG / "grafana/provisioning/datasources/prometheus.yml").read_text(encoding="utf-8"))
    uid = source["datasources"][0]["uid"]
    for path in DASHBOARDS:
        for panel in panels(path):
            asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
            assert {one["uid"] for one in asked} == {uid}, panel["title"]


def test_panels_do_not_overlap() -> None:
    for path in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in panels(path):
            x, y, w, h = (panel["gridPos"][side] for side in "xywh")
            cells = {(column, row) for column in range(x, x + w) for row in range(y, y + h)}
            assert x + w <= 24
            assert not cells & taken, panel["title"]
            taken |= cells
