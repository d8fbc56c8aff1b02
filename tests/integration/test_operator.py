"""The operator as a whole, in a process of its own: from an event to a run, through kills, restarts and ends.

The hosts' engines are played; that updates work on real engines is tested on the real fleet. Here it counts that
a rollout is run, whatever becomes of it.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import Running, Site, until
from lab.kept import holding
from registry_docker_updater.edges.runs.kept_runs import read_events, read_manifest, verify_run
from unit.builders import HOST, NEW

pytestmark = pytest.mark.slow

PAYLOADS = Path(__file__).parents[1] / "payloads"
APP = f"{HOST}/test/app:1"


def event(digest: str = NEW, number: int = 1) -> bytes:
    made: dict[str, Any] = json.loads((PAYLOADS / "distribution2-push-tag.json").read_text())["events"][0]
    target = {**made["target"], "repository": "test/app", "tag": "1", "digest": digest}
    time_ = f"2026-11-22T11:00:{number:02}Z"
    return json.dumps(
        {"events": [{**made, "id": f"event {number}", "timestamp": time_, "target": target}]}
    ).encode()


def scanned(operator: Running) -> Any:
    return until(lambda: operator.get("/api/fleet")["hosts"] and operator.get("/api/fleet"))


def ended_rollouts(operator: Running, runs: int = 1) -> Any:
    """The rollouts, when the newest has ended its last of so many runs."""
    rows = operator.get("/api/rollouts")
    return rows if rows and rows[0]["runs"] == runs and rows[0]["state"] != "running" else None


def test_an_event_becomes_a_run_with_kept_evidence_and_a_row_for_people(site: Site) -> None:
    site.add_host("solo", APP)
    site.add_host("other", f"{HOST}/test/other:1")
    with site.operator() as operator:
        until(lambda: operator.get("/readyz") == {"status": "ready"})
        scanned(operator)
        assert operator.ask("POST", "/events/production", event())[0] == 202
        (row,) = until(lambda: ended_rollouts(operator))
        assert (row["image"], row["digest"], row["registry"], row["runs"]) == (APP, NEW, "production", 1)
        shown = operator.get(f"/api/rollouts/{row['id']}")
        assert [(one["name"], one["place"]) for one in shown["targets"]] == [("web0", "host solo")]
        directory = site.state / "runs" / str(row["id"]) / "update-1"
        assert directory.stat().st_mode & 0o777 == 0o700
        manifest = until(lambda: read_manifest(directory))
        assert (manifest["limit"], manifest["status"]) == (["solo"], "failed")
        assert manifest["variables"]["docker_update_digest"] == NEW
        assert (verify_run(directory), bool(read_events(directory))) == ([], True)
        assert holding(site.state, "hunter2") == []


_ENDED_WHILE_IT_HOLDS_A_LOCK = """
import os, signal, sys
from registry_docker_updater.__main__ import main
from registry_docker_updater.activities.reconcile import Reconciler
look = Reconciler.reconcile
def reconcile(self, now):
    with self._context.playbooks.runner._lock:
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(100_000):
            pass
    return look(self, now)
Reconciler.reconcile = reconcile
sys.exit(main())
"""


def test_it_ends_when_it_is_told_to_whatever_it_is_in_the_midst_of(site: Site) -> None:
    """What ends it needs the locks that its own code holds: a signal's handler would wait for itself."""
    site.add_host("solo", APP)
    ended = subprocess.run(
        [sys.executable, "-c", _ENDED_WHILE_IT_HOLDS_A_LOCK, "--config", str(site.config), "serve"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "ending; what is not done is done after the next start" in ended.stderr
    assert ended.returncode == 0, ended.stderr


def test_a_push_that_nobody_runs_starts_nothing(site: Site) -> None:
    site.add_host("solo", f"{HOST}/test/other:1")
    with site.operator() as operator:
        scanned(operator)
        assert operator.ask("POST", "/events/production", event())[0] == 202
        time.sleep(1)
        assert operator.get("/api/rollouts") == []
        assert [row["tag"] for row in operator.get("/api/events")] == ["1"]


def test_a_push_taken_before_a_kill_is_rolled_out_after_the_restart(site: Site) -> None:
    """The fleet is not scanned yet when the operator is killed: nothing but the event is known."""
    site.add_host("solo", APP)
    with site.operator() as operator:
        assert operator.ask("POST", "/events/production", event())[0] == 202
        operator.process.send_signal(signal.SIGKILL)
        operator.process.wait()
    with site.operator() as operator:
        (row,) = until(lambda: ended_rollouts(operator))
        assert (row["image"], row["digest"]) == (APP, NEW)


def test_a_run_cut_off_by_a_kill_is_run_again_after_the_restart(site: Site) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        scanned(operator)
        operator.ask("POST", "/events/production", event())
        until((site.state / "runs/1/update-1/process.pid").exists)
        operator.process.send_signal(signal.SIGKILL)
        operator.process.wait()
    with site.operator() as operator:
        (row,) = until(lambda: ended_rollouts(operator, runs=2))
        assert row["id"] == 1
        assert (site.state / "runs/1/update-2").is_dir()
        assert (read_manifest(site.state / "runs/1/update-1") or {})["status"] in ("interrupted", "canceled")


def test_a_push_recorded_by_another_process_is_noticed(site: Site) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        scanned(operator)
        time.sleep(1)
        command = [sys.executable, "-m", "registry_docker_updater", "--config", str(site.config)]
        done = subprocess.run(
            [*command, "push", f"{APP}@{NEW}", "--wait"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        (row,) = operator.get("/api/rollouts")
        assert row["actor"].endswith("(by hand)")
        assert f"rollout {row['id']}: " in done.stdout
        assert done.returncode in (0, 1)


def test_a_second_operator_on_the_same_state_directory_is_refused(site: Site) -> None:
    with site.operator():
        other = subprocess.run(
            [sys.executable, "-m", "registry_docker_updater", "--config", str(site.config), "serve"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert other.returncode == 1
    assert other.stderr.strip().endswith(
        f"another operator works with {site.state}; two would update the same targets"
    )


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_the_operator_ends_within_seconds_and_with_it_its_runs(
    site: Site, ending: signal.Signals
) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        notes = until(lambda: list((site.state / "runs/scans").glob("*/process.pid")))
        pid = until(notes[0].read_text).strip()
        begun = time.monotonic()
        operator.process.send_signal(ending)
        assert operator.process.wait(30) == 0
        assert time.monotonic() - begun < 12
    (scan,) = (site.state / "runs/scans").iterdir()
    assert (read_manifest(scan) or {})["status"] == "canceled"
    assert not Path(f"/proc/{pid}").exists()
    assert "Traceback" not in operator.log.read_text()
