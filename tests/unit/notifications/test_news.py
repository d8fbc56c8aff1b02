"""What there is to tell of: news of a rollout, of a run that begins, of a registry."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from registry_docker_updater.core.events.pushes import KeptPush
from registry_docker_updater.core.fleet.targets import Kind
from registry_docker_updater.core.notifications.news import (
    News,
    Topic,
    news_of_registry,
    news_of_rollout,
    news_of_start,
    news_taken_over,
    registries_to_tell_of,
)
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.core.rollouts.history import Breach
from registry_docker_updater.core.rollouts.lifecycle import Announcement, RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.schedules.registries import (
    PATIENCE,
    Heard,
    KnownRegistry,
    RegistryStanding,
)
from unit.builders import NEW, OLD, at, container

KEY = "container/solo/web"
PUSH = KeptPush(3, "production", "app", "1", NEW, "alice", at(0))


def ended(outcome: Outcome, key: str = KEY, **more: Any) -> TargetOutcome:
    return TargetOutcome(key, Kind.CONTAINER, "web", "host solo", outcome, **more)


def rollout(state: RolloutState = RolloutState.WAITING, **more: Any) -> Rollout:
    return Rollout(
        id=7,
        push=3,
        name=PushedName("production", "app", "1"),
        image="r.example.com/app:1",
        state=state,
        created_at=at(0),
        runs=2,
        started_at=at(1),
        ended_at=at(9),
        **more,
    )


def new(before: dict[str, Outcome], outcomes: list[TargetOutcome]) -> frozenset[str]:
    return RunEnd(NEW, tuple(outcomes), {key: ended(outcome, key) for key, outcome in before.items()}).new


def test_an_update_and_every_kind_of_failure_is_news() -> None:
    for outcome in Outcome:
        quiet = outcome in (Outcome.UNCHANGED, Outcome.SKIPPED)
        assert new({}, [ended(outcome)]) == (frozenset() if quiet else {KEY})


def test_a_retry_that_ends_as_before_is_no_news() -> None:
    before = {KEY: Outcome.UNREACHABLE}
    assert not new(before, [ended(Outcome.UNREACHABLE)])
    assert new(before, [ended(Outcome.FAILED)])
    other = "container/solo/db"
    assert new(before, [ended(Outcome.UNREACHABLE), ended(Outcome.UPDATED, other)]) == {other}
    assert not new(before, [])


def test_that_a_target_which_failed_is_found_well_is_news_though_nothing_was_to_be_done() -> None:
    assert new({KEY: Outcome.UNREACHABLE}, [ended(Outcome.UNCHANGED)]) == {KEY}
    assert not new({KEY: Outcome.UPDATED}, [ended(Outcome.UNCHANGED)])


def test_news_of_a_rollout_say_of_every_target_what_it_was_and_is_and_whether_that_is_new() -> None:
    one = ended(Outcome.FAILED, before=OLD, message="no space")
    announcement = Announcement(at(12), frozenset({KEY}), {KEY: ended(Outcome.UNREACHABLE)})
    made = news_of_rollout(rollout(due_at=at(60)), PUSH, [one], announcement, at(10))
    assert (made.topic, made.at, made.due_at, made.rollout, made.run) == (
        Topic.UPDATE_FAILED,
        at(10),
        at(12),
        7,
        2,
    )
    (outcome,) = made.item["outcomes"]
    assert (
        outcome.items()
        >= {
            "key": KEY,
            "kind": "container",
            "name": "web",
            "where": "host solo",
            "outcome": "failed",
            "before": {"image": "r.example.com/app:1", "digest": OLD},
            "after": None,
            "message": "no space",
            "was": "unreachable",
            "is_new": True,
            "left_alone": False,
        }.items()
    )
    assert {name: value for name, value in made.item.items() if name != "outcomes"} == {
        "id": 7,
        "image": "r.example.com/app:1",
        "digest": NEW,
        "actor": "alice",
        "registry": "production",
        "repository": "app",
        "pushed_at": "2026-11-22T12:00:00.000Z",
        "attempt": 2,
        "started_at": "2026-11-22T12:00:01.000Z",
        "finished_at": "2026-11-22T12:00:09.000Z",
        "retry_at": "2026-11-22T12:01:00.000Z",
        "waits_for": None,
        "insisted": [],
    }


@pytest.mark.parametrize(
    ("state", "outcome", "waits"),
    [
        (RolloutState.FINISHED, Outcome.ROLLED_BACK, True),
        (RolloutState.FINISHED, Outcome.UPDATED, False),
        (RolloutState.WAITING, Outcome.FAILED, False),
    ],
)
def test_what_ended_badly_and_is_not_tried_again_says_what_it_waits_for(
    state: RolloutState, outcome: Outcome, *, waits: bool
) -> None:
    made = news_of_rollout(
        rollout(state), PUSH, [ended(outcome)], Announcement(at(1), frozenset({KEY})), at(1)
    )
    assert made.item["retry_at"] is None
    assert ("`retry 7`" in (made.item["waits_for"] or "")) is waits


def test_a_rollout_that_is_given_up_with_nothing_else_new_waits_for_a_person() -> None:
    announcement = Announcement(at(1), frozenset(), is_given_up=True)
    made = news_of_rollout(rollout(RolloutState.FINISHED), PUSH, [ended(Outcome.FAILED)], announcement, at(1))
    assert made.topic is Topic.WAITING_FOR_A_PERSON


def test_news_of_a_run_that_begins_name_its_targets() -> None:
    made = news_of_start(rollout(RolloutState.RUNNING), PUSH, [container()], at(1))
    (one,) = made.item["outcomes"]
    assert (made.topic, one["key"], one["where"], one["outcome"]) == (Topic.STARTED, KEY, "host solo", None)


@pytest.mark.parametrize(("outcome", "topic"), [("updated", "image updated"), ("failed", "update failed")])
def test_what_a_version_without_receivers_still_had_to_tell_is_news(outcome: str, topic: str) -> None:
    item = {"outcomes": [{"outcome": outcome}], "attempt": 1}
    assert news_taken_over(rollout(), 1, item, at(5)) == News(
        0, Topic(topic), at(5), at(5), item, rollout=7, run=1
    )


def standing(*, is_silent: bool) -> RegistryStanding:
    missed = Heard(missed=1, missed_since=at(0)) if is_silent else Heard()
    known = KnownRegistry("harbor", ("r.example.com",))
    return RegistryStanding("production", known, missed, None, at(0) + PATIENCE + timedelta(seconds=1))


def test_a_registry_is_told_of_when_it_goes_silent_and_when_it_speaks_again_and_not_in_between() -> None:
    silent, speaking = standing(is_silent=True), standing(is_silent=False)
    assert registries_to_tell_of([speaking], {}) == ()
    assert registries_to_tell_of([silent], {}) == (silent,)
    went = {"production": news_of_registry(silent)}
    assert registries_to_tell_of([silent], went) == ()
    assert registries_to_tell_of([speaking], went) == (speaking,)
    came = {"production": news_of_registry(speaking)}
    assert registries_to_tell_of([speaking], came) == ()
    assert registries_to_tell_of([silent], came) == (silent,)


def test_news_of_a_registry_say_what_is_wrong_and_what_happens_meanwhile() -> None:
    went, came = news_of_registry(standing(is_silent=True)), news_of_registry(standing(is_silent=False))
    assert (went.topic, went.subject, went.item["title"]) == (
        Topic.REGISTRY_SILENT,
        "production",
        "Registry production is silent",
    )
    assert "the sweep found a push of which no event told" in went.item["text"]
    assert "sweep" in went.item["then"]
    assert (went.item["recovered"], came.item["recovered"], came.item["then"]) == (False, True, None)


def test_news_say_who_wanted_it_though_rules_spoke_against_it_each_once() -> None:
    announcement = Announcement(at(0), frozenset())
    known = [ended(Outcome.UPDATED, key=f"host solo/{name}") for name in "abc"]
    frozen = ("is frozen by bob until somebody thaws it: end of year",)
    breaches = [
        *(Breach(one.key, "ann", frozen) for one in known),
        Breach("host solo/gone", "eve", frozen),
        *(Breach(known[0].key, f"carol {n}", ("waits for its window", "is young")) for n in range(4)),
    ]

    def said(some: Sequence[Breach]) -> object:
        item = news_of_rollout(rollout(), PUSH, known, announcement, at(0), some).item
        return item["insisted"]

    first = "As ann wants, though it is frozen by bob until somebody thaws it: end of year"
    assert said(()) == []
    assert said(breaches[:4]) == [first]
    assert said(breaches) == [
        first,
        "As carol 0 wants, though it waits for its window; it is young",
        "As carol 1 wants, though it waits for its window; it is young",
        "And in 2 more ways",
    ]
