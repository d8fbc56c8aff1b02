"""The metrics that a running operator shows: what happens is counted, and the docs list every one."""

import http.client
import json
import re
import sqlite3
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as parsed

from integration.conftest import SECRET, Running, Site, until
from integration.test_operator import APP, ended_rollouts, event, scanned
from integration.test_settings_again import change
from registry_docker_updater.core.policy.freezes import Scope
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.stages import STAGES
from registry_docker_updater.core.rollouts.verdicts import BY_NAME
from registry_docker_updater.core.status.trouble import TroubleKind
from registry_docker_updater.http.metrics import MetricsPage
from registry_docker_updater.metrics import EVENT_ENDS, Metrics
from registry_docker_updater.readings import Reading
from registry_docker_updater.storage.database import Database
from unit.builders import HOST

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
Samples = dict[tuple[str, tuple[str, ...]], float]


def exposition(operator: Running, accept: str = "", token: str = SECRET) -> tuple[int, str, str]:
    """Status, media type and text of the metrics."""
    assert operator.port
    connection = http.client.HTTPConnection("127.0.0.1", operator.port, timeout=20)
    connection.request("GET", "/metrics", headers={"Accept": accept, "Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("Content-Type", ""), text


def samples(text: str) -> Samples:
    """The values by name, without our prefix, and the values of the labels."""
    return {
        (one.name.removeprefix("registry_docker_updater_"), tuple(one.labels.values())): one.value
        for family in parsed(text)
        for one in family.samples
    }


def scrape(operator: Running) -> Samples:
    return samples(exposition(operator)[2])


def test_what_happens_from_an_event_to_the_end_of_its_rollout_is_counted_and_timed(site: Site) -> None:
    site.add_host("solo", APP)
    site.add_host("down", is_down=True)
    with site.operator() as operator:
        until(lambda: operator.get("/readyz") == {"status": "ready"})
        before = scrape(operator)
        assert before["events_total", ("accepted", "production")] == 0
        assert ("last_event_timestamp_seconds", ("production",)) not in before
        scanned(operator)
        for number in (1, 1):
            assert operator.ask("POST", "/events/production", event(number=number))[0] == 202
        assert operator.ask("POST", "/events/production", b"{}garbage")[0] == 202
        (row,) = until(lambda: ended_rollouts(operator))
        found = until(lambda: (now := scrape(operator)).get(("runs_total", ("notify", "successful"))) and now)
        assert {end: found["events_total", (end, "production")] for end in EVENT_ENDS} == {
            "accepted": 1,
            "ignored": 0,
            "duplicate": 1,
            "unreadable": 1,
        }
        assert found["last_event_timestamp_seconds", ("production",)] > 1.7e9
        assert found["missed_pushes", ("production",)] == 0
        assert found["runs_total", ("update", "failed")] == 1
        assert found["run_duration_seconds_count", ("update",)] == 1
        assert found["run_duration_seconds_count", ("discover",)] >= 1
        assert found["target_outcomes_total", ("failed",)] == 1
        assert found["target_outcomes_total", ("rolled_back",)] == 0
        assert found["stage_duration_seconds_count", ("kept",)] == 1
        assert (found["rollouts", ("finished",)], found["rollouts", ("running",)]) == (1, 0)
        assert (found["rollouts_due", ()], found["rollout_workers", ()]) == (0, 4)
        assert found["targets", ()] == 1
        assert found["frozen", ("everything",)] == 0
        assert (found["targets_behind", ("done",)], found["targets_behind", ("due",)]) == (1, 0)
        pushed_at = found["oldest_behind_timestamp_seconds", ("done",)]
        assert abs(pushed_at - found["last_event_timestamp_seconds", ("production",)]) < 60
        assert found["oldest_answer_timestamp_seconds", ()] > 1.7e9
        assert (found["hosts", ("reachable",)], found["hosts", ("unreachable",)]) == (1, 1)
        assert found["http_requests_total", ("/events/{registry}", "POST", "202")] == 3
        assert found["http_request_duration_seconds_count", ("/events/{registry}",)] == 3
        assert found["database_commits_total", ("committed",)] > 3
        assert [found["ready", (part,)] for part in ("reconciler", "database", "runs")] == [1, 1, 1]
        assert found["trail_flaws_total", ()] == 0
        assert row["state"] == "finished"
    with site.operator() as operator:
        until(lambda: operator.get("/readyz") == {"status": "ready"})
        again = scrape(operator)
    assert abs(again["last_event_timestamp_seconds", ("production",)] - pushed_at) < 60
    assert again["rollouts", ("finished",)] == 1


def test_no_text_from_outside_becomes_a_label(site: Site) -> None:
    site.add_host("evil-host", f"{HOST}/evil/image:evil-tag")
    heard = json.loads(event())
    heard["events"][0]["target"].update(repository="evil/image", tag="evil-tag")
    heard["events"][0]["actor"] = {"name": "evil-person"}
    with site.operator() as operator:
        scanned(operator)
        assert operator.ask("POST", "/events/production", json.dumps(heard).encode())[0] == 202
        until(lambda: ended_rollouts(operator))
        for method, path in (
            ("GET", "/evil"),
            ("GET", "/api/v1/rollouts/666"),
            ("POST", "/events/evil"),
            ("DELETE", "/api/v1/hosts"),
            ("PROPFIND", "/api/v1/hosts"),
        ):
            operator.ask(method, path, b"evil")
        found = until(lambda: (now := scrape(operator)).get(("runs_total", ("notify", "successful"))) and now)
    values = {value for _, labels in found for value in labels}
    known = {"production", "harbor", "listen.tls.certificate", *STAGES, *Outcome, *EVENT_ENDS}
    known |= {"answered", "failed", "committed", "reconciler", "database", "runs", "reachable", "unreachable"}
    known |= {
        "update",
        "discover",
        "notify",
        "repair",
        "successful",
        "failed",
        "GET",
        "POST",
        "DELETE",
        "none",
        "other",
    }
    known |= {
        "running",
        "waiting",
        "finished",
        "superseded",
        "due",
        "updating",
        "busy",
        "unfinished",
        "refused",
    }
    known |= {*BY_NAME, *TroubleKind, *Scope}
    others = {
        one for one in values - known if not re.fullmatch(r"[0-9.]+|\+Inf|/(\{?[a-z0-9._]+\}?/?)+", one)
    }
    assert others == set()
    assert "666" not in str(values)
    assert not [one for one in values if "evil" in one]
    assert found["http_requests_total", ("/api/v1/rollouts/{id}", "GET", "404")] == 1
    assert found["http_requests_total", ("none", "GET", "404")] == 1


def test_metrics_are_read_by_those_only_who_may_read_and_where_the_api_is_asked(site: Site) -> None:
    site.add_host("solo")
    (site.folder / "read").write_text("a-token-that-may-read")
    change(site, lambda all_: all_["listen"].update(access={"read": [{"file": "read"}]}))
    with site.operator() as operator:
        assert exposition(operator)[0] == 401
        assert exposition(operator, token="a-token-that-may-read")[0] == 200
    change(site, lambda all_: all_["listen"].update(api={"port": 0}))
    with site.operator() as operator:
        assert exposition(operator, token="a-token-that-may-read")[0] == 404


def test_who_accepts_openmetrics_gets_it_and_all_others_what_prometheus_always_had(site: Site) -> None:
    site.add_host("solo")
    with site.operator() as operator:
        status, kind, text = exposition(
            operator, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
        )
        assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
        assert text.endswith("# EOF\n")
        for accept in ("", "*/*", "text/html", "application/openmetrics;version=\u00b2"):
            status, kind, text = exposition(operator, accept)
            assert (status, kind.split(";")[0]) == (200, "text/plain")
            assert "# EOF" not in text


def test_what_is_kept_is_missing_while_the_database_does_not_answer_and_that_is_said(site: Site) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        scanned(operator)
        database = Database(site.state / "updater.db")
        with database.writing():
            assert operator.ask("POST", "/events/production", event())[0] == 503
            found = scrape(operator)
            assert found["ready", ("database",)] == 0
            assert found["ready", ("runs",)] == 1
            assert found["database_commits_total", ("failed",)] >= 1
        database.close()
        (site.state / "updater.db").unlink()
        until(lambda: scrape(operator)["ready", ("database",)] == 0)


def test_a_trail_that_was_changed_is_counted_at_the_next_start(site: Site) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        operator.ask("POST", "/events/production", event())
        until(lambda: operator.get("/api/v1/events")["items"])
    with sqlite3.connect(site.state / "updater.db") as connection:
        connection.execute("UPDATE trail SET hash = 'another' WHERE id = 2")
    with site.operator() as operator:
        until(lambda: scrape(operator)["trail_flaws_total", ()] > 0)


def test_metrics_are_read_once_a_second_however_often_they_are_asked_for() -> None:
    asked: list[float] = []
    seconds = [0.0]

    def read() -> list[Reading]:
        asked.append(seconds[-1])
        return [Reading("targets", len(asked))]

    metrics = Metrics()
    metrics.watch(read)
    page = MetricsPage(metrics, lambda: seconds[-1])
    for now in (0.0, 0.5, 0.99, 1.0, 1.5, 2.5):
        seconds.append(now)
        page._read(is_open=False)
    assert asked == [0.0, 1.0, 2.5]


def test_of_channels_that_a_shop_makes_up_so_many_are_told_apart() -> None:
    metrics = Metrics()
    for number in range(1000):
        metrics.notified(f"channel {number}", is_sent=number % 2 == 0)
    text = metrics.exposition(is_open=False)[1].decode()
    shown = {labels for name, labels in samples(text) if name == "notifications_total"}
    assert len({channel for channel, _ in shown}) == 21
    assert samples(text)["notifications_total", ("other", "sent")] == 490


def test_dashboard_and_rules_ask_for_what_there_is(site: Site) -> None:
    """Every name, on a real scrape: what has no values yet is shown with its type."""
    site.add_host("solo", APP)
    with site.operator() as operator:
        scanned(operator)
        text = exposition(operator)[2]
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    shown = {
        name
        for metric, kind in types.items()
        for name in (
            [f"{metric}{end}" for end in ("_bucket", "_count", "_sum")] if kind == "histogram" else [metric]
        )
    }
    dashboard = json.loads((DOCS / "prometheus/dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(asked) > 30
    rules = yaml.safe_load((DOCS / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    names = {
        name
        for expression in (*asked, *(rule["expr"] for rule in rules))
        for name in re.findall(r"\b(?:registry_docker_updater|process)_[a-z_]+", expression)
    }
    assert names <= shown
    # And what the operator counts is on the dashboard or in a rule.
    ours = {name for name in types if name.startswith("registry_")} - {"registry_docker_updater_build_info"}
    used = {re.sub("_(bucket|count|sum)$", "", name) if name not in types else name for name in names}
    assert ours - used == set()


def test_the_dashboard_can_be_imported_with_any_source() -> None:
    dashboard = json.loads((DOCS / "prometheus/dashboard.json").read_text())
    variables = {one["name"]: one["type"] for one in dashboard["templating"]["list"]}
    assert variables == {"datasource": "datasource", "instance": "query"}
    sources = {json.dumps(panel["datasource"]) for panel in dashboard["panels"]}
    assert sources == {json.dumps({"type": "prometheus", "uid": "${datasource}"})}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
