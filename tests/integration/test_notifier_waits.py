"""What teams are told of pushes that wait: once, each its own, in time, and nothing that does not hold any more."""

from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from integration.keeping import ANN, HOSTS, WEB, record
from integration.office import HOUR, Office
from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import SILENCE_BEGAN
from registry_docker_updater.core.audit.sentences import content_of
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.notifications.hours import QuietHours
from registry_docker_updater.core.notifications.receivers import Gets, Receiver, Receivers
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.plans import Plan
from registry_docker_updater.core.rollouts.verdicts import APPROVAL, LAPSED, TOO_YOUNG, WINDOW, Verdict
from registry_docker_updater.core.rollouts.waits import Wait
from registry_docker_updater.core.silences import Silence, Subject
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.storage import Storage
from unit.builders import NOON, at, container, fleet

pytestmark = pytest.mark.slow
TARGET = container()
DB = container("db")


@pytest.fixture
def office(storage: Storage, tmp_path: Path) -> Office:
    record(storage)
    return Office(storage, tmp_path, pushes=1)


def wait(office: Office, *targets: tuple[Target, Verdict]) -> None:
    """Have the only push wait for some targets; of what it waited for before, nothing is left."""
    (desired,) = office.store.events.desired(HOSTS)
    known = office.store.rollouts.of_push(desired.push)
    planned = Plan(waits=(Wait(desired, known, targets, NOON if targets else None),))
    actions.keep_plan(office.store, planned, office.now)


def titles(office: Office) -> list[str]:
    return [item.get("title") or item["topic"] for one in office.team.messages for item in one["items"]]


def why_not(office: Office) -> list[tuple[Any, Any]]:
    """Of which targets receivers were not told, as the trail says, and why."""
    entries = [one for one in office.store.trail.entries(0) if one.kind == "team.not_told"]
    found = [facts for one in entries if (facts := (content_of(one) or {"facts": {}})["facts"])]
    return [(one.get("targets"), one["error"]) for one in found]


def test_a_push_that_waits_is_told_once_also_over_restarts_and_ends_with_the_usual_news(
    office: Office,
) -> None:
    wait(office, (TARGET, WINDOW))
    office.look()
    wait(office, (TARGET, WINDOW.saying("waits for another window")))
    office.start()
    office.look(60)
    assert titles(office) == ["Waits for its window"]
    (item,) = office.team.messages[0]["items"]
    assert (item["topic"], item["outcomes"][0]["outcome"], item["path"]) == (
        "update waits",
        "waits",
        "/rollouts/1",
    )
    wait(office)
    office.roll_out(Outcome.UPDATED, rollout=1)
    office.look(60)
    assert titles(office) == ["Waits for its window", "image updated"]


def test_a_target_that_begins_to_wait_for_approval_later_is_told_and_nothing_a_second_time(
    office: Office,
) -> None:
    wait(office, (TARGET, APPROVAL))
    office.look()
    for _ in range(2):
        wait(office, (TARGET, APPROVAL), (DB, APPROVAL))
        office.start()
        office.look(60)
    found = [item["outcomes"] for one in office.team.messages for item in one["items"]]
    assert [[one["key"] for one in outcomes] for outcomes in found] == [[WEB], [DB.key]]
    assert titles(office) == ["Waits for approval"] * 2


def test_each_reason_is_told_when_it_comes_and_none_a_second_time(office: Office) -> None:
    wait(office, (TARGET, TOO_YOUNG))
    office.look()
    wait(office, (TARGET, APPROVAL))
    office.look(60)
    wait(office, (DB, TOO_YOUNG), (TARGET, APPROVAL))
    office.look(60)
    wait(office, (TARGET, LAPSED))
    office.look(60)
    assert titles(office) == ["Waits until the push is old enough", "Waits for approval", "Approval lapsed"]
    kept = [one for one in office.store.trail.entries(0) if one.kind == "news.came"]
    assert [(content_of(one) or {"facts": {}})["facts"].get("subject") for one in kept] == [
        "too_young",
        "approval",
        "lapsed",
    ]


def sleeping(storage: Storage, tmp_path: Path) -> Office:
    """A team that wants to hear of nothing before 13:00."""
    quiet = Receiver("default", Gets.EVERYTHING, quiet=QuietHours(time(11), time(13)))
    return Office(storage, tmp_path, Receivers({"default": quiet}), pushes=record(storage))


def test_what_waits_no_more_when_it_would_be_told_is_not_told(storage: Storage, tmp_path: Path) -> None:
    office = sleeping(storage, tmp_path)
    wait(office, (TARGET, WINDOW), (DB, APPROVAL))
    office.look()
    wait(office, (DB, APPROVAL))
    office.keep_looking(HOUR - 1)
    assert why_not(office) == [], "so far nobody is to be told"
    office.keep_looking(HOUR + 60)
    assert titles(office) == ["Waits for approval"]
    assert [one["key"] for one in office.team.messages[0]["items"][0]["outcomes"]] == [DB.key]
    assert why_not(office) == [([WEB], "what waited when the news came does not wait so any more")]


def test_a_message_that_has_nothing_else_to_tell_is_overtaken_by_the_end_of_the_wait(
    storage: Storage, tmp_path: Path
) -> None:
    office = sleeping(storage, tmp_path)
    wait(office, (TARGET, WINDOW))
    office.look()
    wait(office)
    office.keep_looking(HOUR + 60)
    assert office.team.messages == []
    (message,) = office.store.notifications.newest(10)
    assert (message.state, message.error) == (
        "overtaken",
        "what waited when the news came does not wait so any more",
    )


def test_a_push_that_a_newer_one_took_the_place_of_is_not_told_to_wait(
    storage: Storage, tmp_path: Path
) -> None:
    office = sleeping(storage, tmp_path)
    wait(office, (TARGET, APPROVAL))
    office.look()
    actions.keep_plan(storage, Plan(supersede=(1,)), office.now)
    office.keep_looking(HOUR + 60)
    assert office.team.messages == []


def test_a_message_that_is_being_sent_is_left_alone(office: Office) -> None:
    wait(office, (TARGET, WINDOW))
    office.notifier.reconcile(office.now, ())
    wait(office)
    office.look()
    assert titles(office) == ["Waits for its window"]
    assert why_not(office) == []


def test_that_others_were_updated_hides_nothing_that_waits(storage: Storage, tmp_path: Path) -> None:
    office = sleeping(storage, tmp_path)
    wait(office, (DB, APPROVAL))
    office.look()
    office.roll_out(Outcome.UPDATED, rollout=1)
    office.keep_looking(HOUR + 60)
    assert sorted(titles(office)) == ["Waits for approval", "image updated"]


def test_a_channel_that_missed_what_waits_is_told_though_it_took_what_became_of_others(
    office: Office,
) -> None:
    office.team.answer = lambda _: "failed: refused"
    wait(office, (DB, APPROVAL))
    office.look()
    office.team.answer = lambda _: "ok"
    office.roll_out(Outcome.UPDATED, rollout=1)
    office.look(1)
    office.team.answer = lambda _: "failed: refused"
    office.look(9)
    office.team.answer = lambda _: "ok"
    office.team.messages.clear()
    office.keep_looking(60)
    assert titles(office) == ["Waits for approval"]


def test_a_silence_of_what_failed_hides_nothing_that_waits(office: Office) -> None:
    with office.store.transaction() as kept:
        silence = Silence(0, Subject.TARGET, WEB, at(0), at(HOUR), "known", ANN.name)
        kept.silences.add(silence)
        kept.trail.append(Step(SILENCE_BEGAN, {}), at(0))
    office.roll_out(Outcome.FAILED, rollout=1)
    office.look()
    assert office.team.messages == []
    wait(office, (DB, APPROVAL))
    office.look(1)
    assert titles(office) == ["Waits for approval"]


def test_each_team_is_told_what_its_own_targets_wait_for(storage: Storage, tmp_path: Path) -> None:
    known = fleet(replace(TARGET, notify=("team-a",)), replace(DB, notify=("team-b",)))
    rest = Receivers({"default": Receiver("default", Gets.THE_REST)})
    office = Office(storage, tmp_path, rest, known, pushes=record(storage))
    wait(office, (TARGET, WINDOW), (DB, APPROVAL))
    office.look()
    assert {one["receiver"]: one["items"][0]["title"] for one in office.team.messages} == {
        "team-a": "Waits for its window",
        "team-b": "Waits for approval",
    }
