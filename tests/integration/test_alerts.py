"""Alerts: a real Prometheus scrapes a real operator, and each rule fires on the trouble that it is for, and not before.

What takes hours is told to `promtool` with the time as a parameter; for Prometheus itself the rules are made quicker, and by
:func:`quick` only: what is to last is to last one second, and of limits in seconds there is a 120th part.
"""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.conftest import SECRET, Running, Site, until
from integration.keeping import ONCE, begin, end, ended, push, record
from integration.receivers import certificate, free_port
from integration.registries import image, registry
from integration.test_metrics import exposition
from integration.test_operator import APP, ended_rollouts, event, scanned
from integration.test_readiness import fork_server
from integration.test_settings_again import change
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, OLD, container

pytestmark = pytest.mark.lab
FILES = Path(__file__).parents[2] / "docs/prometheus"
# A limit in seconds, as rules compare with it: not a week or more, which is for what is known in advance.
_LIMIT = re.compile(r"(> )([1-9]\d{2,4})\b")


def promtool(*arguments: object, given: str | None = None) -> str:
    done = subprocess.run(
        ["promtool", *map(str, arguments)], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def quick(rules: str) -> str:
    made = re.sub(r"^( +for: ).*$", r"\g<1>1s", rules, flags=re.MULTILINE)
    return _LIMIT.sub(lambda found: f"{found[1]}{int(found[2]) / 120}", made)


@dataclass
class Prometheus:
    """A running Prometheus with our rules, made quicker."""

    port: int

    def ask(self, what: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{what}", timeout=10) as answer:
            return json.load(answer)["data"]

    @property
    def firing(self) -> set[tuple[str, ...]]:
        """The alerts that fire, each with the values of its own labels, in the order of their names."""
        others = ("alertname", "instance", "job", "severity")
        return {
            (
                one["labels"]["alertname"],
                *(one["labels"][n] for n in sorted(one["labels"]) if n not in others),
            )
            for one in self.ask("alerts")["alerts"]
            if one["state"] == "firing"
        }

    def fires(self, *alert: str) -> None:
        until(lambda: alert in self.firing, 90)

    @property
    def looks(self) -> int:
        """How often it has scraped the operator well."""
        found = self.ask("query?query=count_over_time((up%3D%3D1)[10m:1s])")["result"]
        return int(found[0]["value"][1]) if found else 0


@contextmanager
def watching(folder: Path, port: int, **scrape: Any) -> Iterator[Prometheus]:
    """A Prometheus that is told of an operator as in our example, looks every second, and has looked."""
    folder.mkdir()
    settings = yaml.safe_load((FILES / "prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (job,) = settings["scrape_configs"]
    job.update(
        static_configs=[{"targets": [f"127.0.0.1:{port}"]}], authorization={"credentials": SECRET}, **scrape
    )
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    (folder / "alerts.yml").write_text(quick((FILES / "alerts.yml").read_text()))
    made = Prometheus(free_port())
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{made.port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: _looks(made) > 3)
        yield made
    finally:
        process.terminate()
        process.wait(30)


def _looks(prometheus: Prometheus) -> int:
    try:
        return prometheus.looks
    except OSError:
        return 0


def test_promtool_finds_nothing_wrong_with_rules_example_and_their_tests() -> None:
    assert "16 rules found" in promtool("check", "rules", FILES / "alerts.yml")
    assert "SUCCESS" in promtool("check", "config", FILES / "prometheus.yml")
    assert "SUCCESS" in promtool("test", "rules", FILES / "alerts_test.yml")


def test_every_alert_has_a_test_of_when_it_fires_and_when_not() -> None:
    (group,) = yaml.safe_load((FILES / "alerts.yml").read_text())["groups"]
    tests = yaml.safe_load((FILES / "alerts_test.yml").read_text())["tests"]
    seen = [(one["alertname"], bool(one["exp_alerts"])) for test in tests for one in test["alert_rule_test"]]
    names = [rule["alert"] for rule in group["rules"]]
    assert list(dict.fromkeys(seen)) == [(name, fires) for name in names for fires in (False, True)]


def test_what_an_operator_shows_is_as_prometheus_wants_it(site: Site) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        scanned(operator)
        operator.ask("POST", "/events/production", event())
        until(lambda: ended_rollouts(operator))
        assert promtool("check", "metrics", given=exposition(operator)[2]) == ""


def test_each_trouble_of_a_running_operator_has_its_alert(site: Site) -> None:
    other = f"{HOST}/test/other:1"
    site.add_host("solo", APP, other)
    site.add_host("far", APP)
    (site.folder / "group_vars").mkdir()
    refuses = {"notification_slack_webhook_url": f"http://127.0.0.1:{free_port()}/services/x"}
    (site.folder / "group_vars/all.yml").write_text(yaml.safe_dump(refuses))
    change(site, lambda all_: all_["fleet"].update(scan_interval="2s", scan_share="100%"))
    change(site, lambda all_: all_["rollouts"].update(workers=1))
    with site.operator() as operator:
        until(lambda: operator.get("/readyz") == {"status": "ready"})
        until(lambda: len(operator.get("/api/fleet")["targets"]) == 3)
        assert operator.port
        with watching(site.folder / "prometheus", operator.port) as prometheus:
            seen = prometheus.looks
            until(lambda: prometheus.looks > seen + 10)
            assert prometheus.firing == set()

            (site.sockets / "far.sock").unlink()
            prometheus.fires("HostsUnreachable", "unreachable")
            assert prometheus.firing == {("HostsUnreachable", "unreachable")}

            assert operator.ask("POST", "/events/production", b"garbage")[0] == 202
            prometheus.fires("EventUnreadable", "unreadable", "production")

            assert operator.ask("POST", "/events/production", event())[0] == 202
            prometheus.fires("RolloutFailed", "failed")
            prometheus.fires("NotificationsFailing")
            prometheus.fires("TargetsBehind", "done")

            assert not {"ScansOld", "QueueStuck"} & {name for name, *_ in prometheus.firing}
            hangs = fork_server(operator)
            hangs.send_signal(signal.SIGSTOP)
            pushed(operator, "test/app", 2)
            until(lambda: "running" in str(operator.get("/api/rollouts")))
            pushed(operator, "test/other", 3)
            prometheus.fires("QueueStuck")
            prometheus.fires("ScansOld")
            hangs.send_signal(signal.SIGCONT)
            until(lambda: ("QueueStuck",) not in prometheus.firing)

            assert ("UpdaterNotReady", "database") not in prometheus.firing
            (site.state / "updater.db").unlink()
            prometheus.fires("UpdaterNotReady", "database")

            operator.process.terminate()
            prometheus.fires("UpdaterDown")


def pushed(operator: Running, name: str, number: int) -> None:
    sent = json.loads(event(digest=f"sha256:{number:064x}", number=number))
    sent["events"][0]["target"]["repository"] = name
    assert operator.ask("POST", "/events/production", json.dumps(sent).encode())[0] == 202


def test_registries_that_are_silent_or_do_not_answer_and_a_broken_trail_have_their_alerts(
    site: Site, stack: ExitStack
) -> None:
    real = stack.enter_context(registry(site.folder / "registry"))
    gone = f"127.0.0.1:{free_port()}"
    real.client.push("test/app", "1", image("1"))
    site.add_host("solo", f"{real.host}/test/app:1", f"{gone}/test/app:1")
    more = {"secret": {"file": "secret"}, "format": "distribution", "sweep_interval": "1s"}
    hosts = {"production": [real.host], "gone": [gone]}
    change(
        site,
        lambda all_: all_.update(registries={name: {**more, "hosts": some} for name, some in hosts.items()}),
    )
    with site.operator() as operator:
        until(lambda: operator.get("/api/events"))
    with sqlite3.connect(site.state / "updater.db") as connection:
        connection.execute("UPDATE trail SET content = '{}' WHERE id = 2")
    with site.operator() as operator:
        until(lambda: operator.get("/readyz") == {"status": "ready"})
        assert operator.port
        with watching(site.folder / "prometheus", operator.port) as prometheus:
            prometheus.fires("TrailBroken")
            prometheus.fires("RegistryUnanswered", "gone")
            # What it said first, it may have said before there was an operator.
            assert "RegistrySilent" not in {name for name, *_ in prometheus.firing}
            real.client.push("test/app", "1", image("2"))
            prometheus.fires("RegistrySilent", "production")
            assert ("RegistryUnanswered", "production") not in prometheus.firing


def test_a_target_of_which_neither_version_runs_has_its_alert(site: Site) -> None:
    site.add_host("solo", APP)
    site.state.mkdir(mode=0o700)
    database = Database(site.state / "updater.db")
    storage, now = Storage(database), utc_now()
    record(storage, push(when=now), now=now)
    web = container("web0")
    begin(storage, now, web)
    end(storage, now, ended(Outcome.ROLLBACK_FAILED, web.key, OLD), retry=ONCE)
    database.close()
    with site.operator() as operator:
        scanned(operator)
        assert operator.port
        with watching(site.folder / "prometheus", operator.port) as prometheus:
            prometheus.fires("TargetsDown", "down")


def test_a_certificate_that_ends_soon_has_its_alert(site: Site) -> None:
    site.add_host("solo")
    certificate(site.folder)
    port = free_port()
    tls = {"certificate": "mail.pem", "key": "mail.key"}
    change(site, lambda all_: all_["listen"].update(port=port, tls=tls))
    command = [sys.executable, "-m", "registry_docker_updater", "--config", str(site.config), "serve"]
    with (site.folder / "operator.log").open("w") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        insecure = {"insecure_skip_verify": True}
        with watching(site.folder / "prometheus", port, scheme="https", tls_config=insecure) as prometheus:
            prometheus.fires("CertificateEnds", "listen.tls.certificate")
    finally:
        process.terminate()
        process.wait(30)


def test_a_push_that_waits_for_approval_for_a_day_has_its_alert_and_is_not_said_to_be_behind(
    site: Site,
) -> None:
    site.add_host("solo", APP)
    site.hosts["solo"]["docker_update_policy"] = {"approval": "required"}
    site.write()
    site.state.mkdir(mode=0o700)
    database = Database(site.state / "updater.db")
    # After the target began to run what it runs; a day of the quick rules is twelve minutes.
    then = utc_now() - timedelta(minutes=30)
    record(Storage(database), push(when=then), now=then)
    database.close()
    with site.operator() as operator:
        scanned(operator)
        until(lambda: "waiting" in str(operator.get("/api/rollouts")))
        assert operator.port
        with watching(site.folder / "prometheus", operator.port) as prometheus:
            prometheus.fires("ApprovalWaits")
            assert "TargetsBehind" not in {name for name, *_ in prometheus.firing}
