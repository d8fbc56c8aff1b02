"""``approve`` and ``refuse``: whether a push goes to targets that wait for people."""

import json

import pytest

from integration.conftest import Run
from integration.keeping import push
from integration.waiting import look
from registry_docker_updater.clock import utc_now
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEW, container, fleet, labelled, whole

WEB, DB = (labelled(container(name), approval="2") for name in ("web", "db"))
HOSTS = {"production": (HOST,)}


@pytest.fixture
def waits(store: Storage) -> Storage:
    """Rollout 1, of which two targets wait for two people."""
    store.fleet.apply(whole(fleet(WEB, DB)))
    now = utc_now()
    store.events.record("production", [push(when=now)], now)
    look(store, HOSTS, now)
    return store


def test_a_push_is_approved_for_all_targets_and_what_is_missing_is_said(waits: Storage, run: Run) -> None:
    code, out, _ = run("approve", "1", "--reason", "looks good")
    approved, *standings = out.splitlines()
    assert (code, approved) == (0, f"approved: {HOST}/test/app:1@{NEW} for 2 targets")
    assert [one.startswith("  2 targets: waits for 1 person, by ") for one in standings] == [True]
    (decision,) = waits.decisions.of_pushes([1])[1]
    assert decision.keys == {WEB.key, DB.key}
    assert decision.reason == "looks good"
    code, out, complaint = run("approve", "1")
    assert (code, out, "has approved it; 1 more is to" in complaint) == (1, "", True)


def test_a_push_is_refused_for_some_targets_with_a_reason(waits: Storage, run: Run) -> None:
    code, out, _ = run("refuse", "1", "--target", WEB.key, "--reason", "too late", "--json")
    row = json.loads(out)
    assert (code, row["decided"]) == (0, [WEB.key])
    assert {one["state"]: one["keys"] for one in row["approvals"]} == {"refused": [WEB.key], "open": [DB.key]}
    assert "1 target: refused by " in run("approve", "1", "--target", DB.key)[1]
    (decision, _) = waits.decisions.of_pushes([1])[1]
    assert (decision.is_approval, decision.reason) == (False, "too late")


def test_a_refusal_without_a_reason_is_wrong_usage(
    waits: Storage, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run("refuse", "1")
    assert "--reason" in capsys.readouterr().err
    assert run("refuse", "1", "--reason", " ")[0] == 1
    assert waits.decisions.of_pushes([1]) == {}


def test_what_is_not_there_is_named(waits: Storage, run: Run) -> None:
    assert waits
    assert "there is no rollout 7" in run("approve", "7")[2]
    assert (
        "container/solo/x is no target of rollout 1" in run("approve", "1", "--target", "container/solo/x")[2]
    )
