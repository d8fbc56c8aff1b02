"""What waits by a rule or for a person, in each command that shows it; and what a person breaks who insists."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integration.command_line.conftest import APP
from integration.conftest import Run
from integration.keeping import ANN, push
from integration.waiting import look
from registry_docker_updater.activities.freezing import FreezeWish, freeze
from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import TARGET_ENDED
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.freezes import Scope
from registry_docker_updater.core.rollouts.history import Refusal
from registry_docker_updater.storage.actions import decide
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.trail import trail
from unit.builders import HOST, NEW, container, fleet, host, labelled, whole

HOSTS = {"production": (HOST,)}
NOW = datetime.now(UTC).replace(microsecond=0)
THEN = NOW - timedelta(minutes=10)
# It opens in three days.
WINDOW = f"{(NOW + timedelta(days=3)):%a} 00:00-00:01".lower()


def target(name: str, on: str = "solo", **labels: str) -> Target:
    return labelled(container(name, on, since=NOW - timedelta(days=9)), **labels)


TARGETS = {
    "approval": target("asked", approval="required", approval_deadline="30d"),
    "declined": target("said-no", approval="required"),
    "lapsed": target("too-late", approval="required", approval_deadline="1m"),
    "frozen": target("cold", on="ice"),
    "window": target("night", window=WINDOW),
    "too_young": target("young", minimum_age="2h"),
    "soaking": target("later", soak="1d"),
    "watched": target("seen", monitor_only="true"),
    "unreadable": target("typo", windows=WINDOW),
    "opted_out": target("never", enable="false"),
}
PENDING = {"approval", "frozen", "window", "too_young", "soaking", "unreadable"}


@pytest.fixture
def waits(store: Storage) -> Storage:
    """Rollout 1, of which each target does not get the push for another reason."""
    hosts = (host("solo", NOW), host("ice", NOW))
    store.fleet.apply(whole(fleet(*TARGETS.values(), hosts=hosts)))
    freeze(store, FreezeWish(Scope.HOST, "ice", None, "end of year"), ANN, THEN)
    store.events.record("production", [push(when=THEN)], THEN)
    look(store, HOSTS, THEN)
    decide(store, 1, [TARGETS["declined"].key], ANN, THEN, is_approval=False, reason="not yet")
    look(store, HOSTS, NOW)
    return store


def asked(run: Run, *command: str) -> Any:
    return json.loads(run(*command, "--json")[1])


@pytest.mark.usefixtures("waits")
def test_rollouts_says_of_one_that_waits_for_what_and_since_when(run: Run) -> None:
    (row,) = asked(run, "rollouts")
    assert (row["state"], row["ending"], row["due_at"]) == ("waiting", None, None)
    assert set(row["waits"]) == set(TARGETS)
    assert row["waiting_since"] == THEN.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shown = run("rollouts")[1]
    assert "approval, declined, frozen" in shown
    assert "too young" in shown


@pytest.mark.usefixtures("waits")
def test_rollout_says_of_each_target_why_it_waits_and_when_it_is_looked_at_again(run: Run) -> None:
    row = asked(run, "rollout", "1")
    found = {one["verdict"]: one for one in row["waiting"]}
    assert {verdict: one["key"] for verdict, one in found.items()} == {
        verdict: one.key for verdict, one in TARGETS.items()
    }
    assert found["frozen"]["says"] == "is frozen by ann until somebody thaws it: end of year"
    assert found["declined"]["says"] == "was refused by ann: not yet"
    assert {verdict for verdict, one in found.items() if one["next_at"]} == {
        "approval",
        "window",
        "too_young",
    }
    times = [one["next_at"] for one in row["waiting"]]
    assert times == [*sorted(filter(None, times)), *[None] * times.count(None)]
    shown = run("rollout", "1")[1]
    assert "waiting since: " in shown
    assert "what waits:" in shown
    assert "is frozen by ann until somebody thaws it: end of year" in shown


@pytest.mark.usefixtures("waits")
@pytest.mark.parametrize("verdict", TARGETS)
def test_why_fleet_and_plan_say_of_a_target_what_it_waits_for(run: Run, verdict: str) -> None:
    name, key = TARGETS[verdict].name, TARGETS[verdict].key
    (row,) = asked(run, "why", name)
    assert (row["verdict"], row["rollout"]) == (verdict, 1)
    shown = run("why", name)[1]
    assert "rollout: 1" in shown
    assert f"verdict: {row['says']}" in shown
    (found,) = [one for one in asked(run, "fleet")["targets"] if one["key"] == key]
    assert (found["verdict"], found["says"]) == (verdict, row["says"])
    assert verdict.replace("_", " ") in run("fleet")[1]


@pytest.mark.usefixtures("waits")
def test_what_waits_is_to_be_updated_later_and_all_else_is_left_alone(run: Run) -> None:
    lines = run("plan", f"{APP}@{NEW}")[1].splitlines()[1:]
    later = {line.split()[1] for line in lines if "updated later: " in line}
    left = {line.split()[1] for line in lines if "left alone: " in line}
    # As if it were pushed now: nobody has said anything of that.
    assert later == {TARGETS[one].name for one in {*PENDING, "declined", "lapsed"}}
    assert left == {TARGETS[one].name for one in ("watched", "opted_out")}


@pytest.mark.usefixtures("waits")
def test_status_tells_of_what_waits_for_what_and_what_happens_next(run: Run) -> None:
    row = asked(run, "status")
    assert {one["verdict"] for one in row["waiting"]} == PENDING
    assert row["counts"]["by_verdict"] == dict.fromkeys(TARGETS, 1)
    shown = run("status")[1]
    assert f"waits: {APP} on 1 target(s): waits for approval by 1 person, until" in shown
    assert re.search(r"next: until 2\S+Z: .*`refuse ID` refuses it", shown)
    assert shown.startswith("frozen: host ice is frozen by ann")


def test_what_was_left_as_a_rule_has_it_is_not_said_to_have_had_nothing_to_do(
    store: Storage, run: Run
) -> None:
    store.fleet.apply(whole(fleet(TARGETS["watched"])))
    store.events.record("production", [push(when=THEN)], THEN)
    look(store, HOSTS, NOW)
    (row,) = asked(run, "rollouts")
    assert (row["state"], row["ending"], row["waits"]) == ("finished", "left as it is", ["watched"])
    assert "left as it is" in run("rollouts")[1]


def test_what_lapsed_did_not_end_well(store: Storage, run: Run) -> None:
    store.fleet.apply(whole(fleet(TARGETS["lapsed"])))
    store.events.record("production", [push(when=THEN)], THEN)
    look(store, HOSTS, NOW)
    (row,) = asked(run, "rollouts")
    assert (row["ending"], row["waits"]) == ("ended, not well", ["lapsed"])


def test_what_a_newer_push_took_the_place_of_waits_no_more(waits: Storage, run: Run) -> None:
    waits.events.record("production", [push(f"sha256:{7:064x}", when=NOW)], NOW)
    look(waits, HOSTS, NOW)
    new, old = asked(run, "rollouts")
    assert (old["state"], old["waits"], old["waiting_since"]) == ("superseded", [], None)
    assert new["waiting_since"] <= new["pushed_at"]
    assert asked(run, "rollout", "1")["waiting"] == []


@pytest.mark.usefixtures("waits")
def test_a_push_says_what_waits_what_can_be_forced_and_what_is_left_alone(run: Run) -> None:
    code, out, err = run("push", f"{APP}@{NEW}")
    assert (code, out) == (0, f"recorded: {APP}@{NEW}, for 8 targets, of which 8 wait\n")
    assert "waits: container cold at host ice: is frozen by ann until somebody thaws it: end of year" in err
    assert "left alone: container never at host solo: is not to be updated: enable is false" in err
    assert "--force breaks a freeze, window, minimum age or soak" in err
    assert "--force updates these too" not in err


def test_a_push_by_force_says_which_rules_it_breaks_and_what_still_waits(waits: Storage, run: Run) -> None:
    code, out, err = run("push", f"{APP}@{NEW}", "--force")
    assert (code, out) == (0, f"recorded: {APP}@{NEW}, for 8 targets, of which 4 wait\n")
    assert (
        "forced, although: container cold at host ice: it is frozen by ann until somebody thaws it: end of year"
        in err
    )
    assert "forced, although: container night at host solo: it waits for its window" in err
    assert "waits: container asked at host solo" in err
    assert "waits: container typo at host solo: waits because nobody can read what is said of it" in err
    forced = {TARGETS[one].key for one in ("frozen", "window", "too_young", "soaking")}
    assert {one.key for one in waits.overrides.open()} == forced
    (entry,) = [one for one in trail(waits, 100, 1)[0] if one["kind"] == "push.insisted"]
    assert (
        "although it is frozen by ann until somebody thaws it: end of year, on container/ice/cold"
        in entry["says"]
    )
    assert {one.key: len(one.breaks) for one in waits.overrides.breaches(2)} == dict.fromkeys(forced, 1)


def test_a_retry_by_force_breaks_them_too_and_a_program_is_told_of_each(waits: Storage, run: Run) -> None:
    row = asked(run, "retry", "1", "--force")
    assert row["breaks"]["container/ice/cold"] == ["is frozen by ann until somebody thaws it: end of year"]
    assert set(row["waiting"]) == {TARGETS[one].key for one in ("approval", "unreadable")}
    assert set(row["left_alone"]) == {
        TARGETS[one].key for one in ("declined", "lapsed", "watched", "opted_out")
    }
    entries = [one for one in trail(waits, 100, 1)[0] if one["kind"] == "rollout.retried"]
    assert "although it is frozen by ann" in entries[0]["says"]


def test_one_that_is_forced_and_waits_for_approval_is_said_to_wait(store: Storage, run: Run) -> None:
    store.fleet.apply(whole(fleet(TARGETS["approval"])))
    store.events.record("production", [push(when=THEN)], THEN)
    with store.transaction() as kept:
        kept.attempts.refuse([Refusal(TARGETS["approval"].key, NEW)])
        kept.trail.append(Step(TARGET_ENDED), THEN)
    row = asked(run, "push", f"{APP}@{NEW}", "--force")
    assert list(row["waiting"]) == [TARGETS["approval"].key]


@pytest.mark.parametrize("follow", ["label", "inventory"])
def test_why_says_that_a_target_follows_no_tag_because_its_own_cannot_be_compared(
    store: Storage, run: Run, follow: str
) -> None:
    labels = {"follow": "semver ^1.4"} if follow == "label" else {}
    policy = () if labels else (("follow", "semver ^1.4"),)
    web = labelled(container(image=f"{HOST}/test/app:latest"), **labels)
    store.fleet.apply(whole(fleet(web, hosts=(host("solo", NOW, policy=policy),))))
    (row,) = asked(run, "why", "web")
    (note,) = row["notes"]
    assert note.startswith("it runs latest, which is no whole version")
    assert f"note: {note}" in run("why", "web")[1]
