"""What the commands that list something print: tables for people, JSON for programs, and nothing raw."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from integration.command_line.conftest import APP
from integration.conftest import Run, Site
from integration.keeping import ONCE, begin, due_messages, end
from registry_docker_updater.core.events.pushes import Push, Unreadable
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.edges.runs.packing import ProcessEnd, pack
from registry_docker_updater.storage.messages import keep_sent
from registry_docker_updater.storage.storage import Storage
from unit.builders import NEW, OLD, container, host, whole

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.mark.parametrize("listing", [("events",), ("rollouts",), ("fleet",), ("rollout", "1"), ("plan", APP)])
def test_every_listing_is_a_table_for_people_and_json_for_programs(
    history: Storage, run: Run, listing: tuple[str, ...]
) -> None:
    assert history
    code, out, _ = run(*listing)
    assert (code, bool(out.strip())) == (0, True)
    code, out, _ = run(*listing, "--json")
    assert code == 0
    assert json.loads(out)


def test_events_shows_pushes_and_what_nobody_could_read_newest_first(history: Storage, run: Run) -> None:
    assert history
    _, out, _ = run("events")
    header, first, second = out.splitlines()
    assert header.split() == ["ID", "RECEIVED", "AT", "REGISTRY", "KIND", "WHAT", "DIGEST", "ACTOR"]
    assert "unreadable" in first
    assert "why" in first
    assert "test/app:1  bbbbbbbbbbbb  alice" in second
    assert len(run("events", "--limit", "1")[1].splitlines()) == 2


def test_rollouts_counts_outcomes_and_rollout_shows_each(history: Storage, site: Site, run: Run) -> None:
    assert due_messages(history, datetime.now(UTC))
    assert "1 failed, 1 updated" in run("rollouts")[1]
    _, out, _ = run("rollout", "1")
    assert f"image: {APP}" in out
    assert f"kept in: {site.state}/runs/1" in out
    assert "message 1 to default: due" in out
    assert re.search(
        r"container\s+db\s+host solo\s+failed\s+a{12}\s+a{12}\s+no space left\n    mkdir /data\n      cannot work\\x1b\[2J\n",
        out,
    )
    assert re.search(r"container\s+web\s+host solo\s+updated\s+a{12}\s+b{12}", out)


EVIL = "\x1b]0;owned\x07\x9b31m\u202egnp"


def keep_run(site: Site, name: str, *, is_packed: bool = True) -> None:
    """A run of the first rollout, in which a host was reached and something printed what it liked."""
    directory = site.state / "runs/1" / name
    directory.mkdir(parents=True)
    printed = ("PLAY [all] ****\r\n", f"\x1b[0;32mok: [solo]\x1b[0m {EVIL}", "x" * 5000, "")
    events = [{"counter": n, "event": "verbose", "stdout": one} for n, one in enumerate(printed)]
    (directory / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in events))
    if is_packed:
        pack(directory, {"playbook": name.partition("-")[0]}, ProcessEnd("successful", 0, datetime.now(UTC)))


def test_rollout_names_the_runs_that_are_kept(history: Storage, site: Site, run: Run) -> None:
    assert history
    assert "runs kept: none" in run("rollout", "1")[1]
    keep_run(site, "notify-1")
    keep_run(site, "update-1")
    assert "runs kept: update-1, notify-1" in run("rollout", "1")[1]
    assert json.loads(run("rollout", "1", "--json")[1])["kept_runs"] == ["update-1", "notify-1"]


@pytest.mark.parametrize("is_packed", [True, False], ids=["over", "going on"])
@pytest.mark.parametrize(("number", "name"), [("1", "update-1"), ("notify-2", "notify-2")])
def test_rollout_prints_what_a_run_printed_whole_and_without_what_commands_a_terminal(
    history: Storage, site: Site, run: Run, number: str, name: str, *, is_packed: bool
) -> None:
    assert history
    keep_run(site, name, is_packed=is_packed)
    code, out, _ = run("rollout", "1", "--run", number)
    lines = out.splitlines()
    assert (code, lines[0], lines[1]) == (0, "PLAY [all] ****", "")
    assert lines[2] == r"ok: [solo] \x1b]0;owned\x07\x9b31m\u202egnp"
    assert lines[3:] == ["x" * 5000]
    assert not CONTROL.search(out)
    said = json.loads(run("rollout", "1", "--run", number, "--json")[1])
    assert ([one["counter"] for one in said["events"]], bool(said["manifest"])) == ([0, 1, 2, 3], is_packed)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("1", "run 1 is not kept any more; runs kept: notify-1"),
        ("2", "rollout 1 has no run 2; runs kept: notify-1"),
        ("update-1", "run update-1 is not kept any more; runs kept: notify-1"),
        ("../2/update-1", "rollout 1 has no run ../2/update-1; runs kept: notify-1"),
    ],
)
def test_a_run_that_is_not_kept_is_found_wrong_with_those_that_are(
    history: Storage, site: Site, run: Run, asked: str, said: str
) -> None:
    assert history
    keep_run(site, "notify-1")
    keep_run(Site(site.folder / "x", site.sockets, site.stack), "update-1")
    code, out, err = run("rollout", "1", "--run", asked)
    assert (code, out) == (1, "")
    assert said in err


@pytest.mark.parametrize("number", ["2", "99999999999999999999"])
def test_a_rollout_that_is_none_is_found_wrong(history: Storage, run: Run, number: str) -> None:
    assert history
    code, out, err = run("rollout", number)
    assert (code, out) == (1, "")
    assert f"there is no rollout {number}; `rollouts` lists those that are" in err


@pytest.mark.parametrize(
    "listing",
    [("events",), ("rollouts",), ("rollout", "1"), ("fleet",), ("plan", APP), ("plan", APP, "--json")],
)
def test_text_from_outside_cannot_command_the_terminal(
    store: Storage, run: Run, listing: tuple[str, ...]
) -> None:
    evil = "\x1b]0;owned\x07\x9b31m\u202egnp\r\n"
    now = datetime.now(UTC)
    store.events.record("production", [Push("production", "test/app", "1", NEW, now, "1", evil)], now)
    store.events.record("production", [Unreadable(evil, evil)], now)
    web = container()
    known = host("solo", now, error=evil)
    other = host("other", now, warnings=(evil,))
    store.fleet.apply(whole(Fleet({"solo": known, "other": other}, {web.key: web})))
    begin(store, now, web)
    outcome = TargetOutcome(web.key, web.kind, web.name, web.place, Outcome.FAILED, OLD, None, evil)
    end(store, now, outcome, retry=ONCE)
    (due,) = due_messages(store, now)
    failed = replace(due, attempts=1, channels=("mail",), error=evil, results={"mail": evil}, receiver=evil)
    keep_sent(store, failed, {}, now)
    code, out, _ = run(*listing)
    assert code == 0
    assert not CONTROL.search(out)


def test_fleet_asks_the_hosts_when_nobody_did_and_when_told_to(site: Site, run: Run) -> None:
    site.add_host("solo", APP)
    code, out, err = run("fleet")
    assert (code, "asking all of" in err) == (0, True)
    assert re.search(r"container\s+web0\s+host solo\s+registry.example.com/test/app:1\s+a{12}\s+running", out)
    assert len(json.loads(run("fleet", "--scan", "--json")[1])["targets"]) == 1


def test_fleet_shows_what_was_scanned_last_and_who_did_not_answer(store: Storage, run: Run) -> None:
    web = container()
    store.fleet.apply(whole(Fleet({"solo": host("solo", error="no route")}, {web.key: web})))
    _, out, err = run("fleet")
    assert "unreachable: solo: no route (asked 2026-11-22T12:00:00.000Z)" in out
    assert "asking" not in err


def test_a_reader_that_goes_away_is_no_error(site: Site, store: Storage) -> None:
    now = datetime.now(UTC)
    pushes: list[Any] = [
        Push("production", "test/app", str(n), NEW, now, str(n), "x" * 200) for n in range(500)
    ]
    store.events.record("production", pushes, now)
    command = (
        f"{sys.executable} -m registry_docker_updater --config {site.config} events --limit 500 | head -1"
    )
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=os.environ, check=False)
    assert (done.returncode, done.stderr) == (0, "")
