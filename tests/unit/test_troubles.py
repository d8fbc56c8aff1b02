"""What is not well, the gravest first, and what only waits."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.notifications.news import Topic
from registry_docker_updater.core.notifications.schedule import Message, MessageState
from registry_docker_updater.core.rollouts.history import History, LastAttempt, Refusal
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.outlook import Overview, overview
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.schedules.registries import (
    Heard,
    KnownRegistry,
    LastPoll,
    RegistryStanding,
)
from registry_docker_updater.core.silences import Silence, Silences, Subject
from registry_docker_updater.core.status.trouble import Trouble, TroubleKind
from registry_docker_updater.core.status.troubles import Circumstances, Untold, troubles
from registry_docker_updater.core.status.waiting import waiting
from unit.builders import HOST, NEW, NOON, at, container, desired, fleet, host, rollout, service

MINUTE = timedelta(minutes=1)
WEB, DB = container("web"), container("db")
IMAGE = f"{HOST}/test/app:1"


def seen(
    *targets: Target,
    hosts: tuple[Host, ...] = (),
    last: dict[str, Outcome] | None = None,
    of: Rollout | None = None,
    refused: Iterable[Target] = (),
    left_alone: bool = False,
) -> Overview:
    """The fleet after the rollout ``of`` a push came to its ``last`` outcomes, by key."""
    attempts = {
        key: LastAttempt(1, one, frozenset((NEW,)), at(100), left_alone=left_alone)
        for key, one in (last or {}).items()
    }
    refusals = frozenset(Refusal(one.key, NEW) for one in refused)
    history = History({1: of} if of else {}, attempts, refusals)
    return overview(fleet(*targets, hosts=hosts), [desired()], [HOST], history, at(120))


def found(known: Overview, **more: Any) -> list[Trouble]:
    return troubles(Circumstances(known, MINUTE, **more))


def silenced(*of: tuple[Subject, str]) -> Silences:
    every = (
        Silence(number, subject, name, NOON, at(9000), "it moves", "ann")
        for number, (subject, name) in enumerate(of)
    )
    return Silences.that_count(every, at(120))


FAILED = rollout(RolloutState.FINISHED)
WAITING = rollout(RolloutState.WAITING, at(180))


def test_all_is_well_where_every_target_runs_what_was_pushed_or_is_about_to() -> None:
    assert found(seen(container(digest=NEW))) == []
    assert found(seen(WEB)) == []
    assert found(seen()) == []


def test_a_target_that_a_person_changed_is_no_trouble() -> None:
    assert found(seen(container(since=at(90)))) == []


def test_a_failure_that_is_tried_again_says_when() -> None:
    (one,) = found(seen(WEB, DB, last={WEB.key: Outcome.FAILED, DB.key: Outcome.FAILED}, of=WAITING))
    assert (one.kind, one.count, one.named) == (TroubleKind.FAILED, 2, (DB.key, WEB.key))
    assert one.sentence == f"{IMAGE} could not be brought to 2 targets: db at host solo, web at host solo"
    assert one.then.startswith("it is tried again when the rollout is due")
    assert one.then.endswith("; `rollout 7` tells why")
    assert (one.since, one.at, one.rollout) == (at(100), at(180), 7)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.ROLLED_BACK])
def test_a_failure_that_is_over_says_that_nothing_comes_next(outcome: Outcome) -> None:
    refused = [WEB] if outcome is Outcome.ROLLED_BACK else []
    (one,) = found(seen(WEB, last={WEB.key: outcome}, of=FAILED, refused=refused))
    assert (one.kind, one.at) == (TroubleKind.FAILED, None)
    assert one.sentence == f"{IMAGE} could not be brought to target web at host solo"
    assert one.then.startswith("nothing until ")


def test_where_neither_version_came_up_somebody_is_to_look_at_once() -> None:
    (one,) = found(seen(WEB, last={WEB.key: Outcome.ROLLBACK_FAILED}, of=FAILED, refused=[WEB]))
    assert one.kind is TroubleKind.DOWN
    assert one.sentence == f"neither the new nor the old version of {IMAGE} came up: target web at host solo"
    assert one.then == "look at it at once; `rollout 7` tells why"


def test_what_is_behind_without_a_way_out_is_a_trouble_of_its_own() -> None:
    stopped = rollout(RolloutState.FINISHED, is_stopped=True)
    (one,) = found(seen(WEB, last={WEB.key: Outcome.SKIPPED}, of=stopped, left_alone=True))
    assert one.kind is TroubleKind.BEHIND
    assert "is not on target web at host solo: was left alone, because others failed" in one.sentence


def test_what_a_host_that_cannot_be_reached_runs_is_no_trouble_beside_that_of_the_host() -> None:
    lost = host("solo", at(110), "no route to host")
    (one,) = found(seen(WEB, hosts=(lost,), last={WEB.key: Outcome.UNREACHABLE}, of=WAITING))
    assert (one.kind, one.named) == (TroubleKind.UNREACHABLE, ("solo",))
    assert one.sentence == "cannot be reached: host solo (no route to host)"


def test_a_service_of_which_one_manager_answers_is_a_trouble_where_it_failed() -> None:
    api = service("api", ("m1", "m2"))
    lost = host("m1", at(110), "no route to host")
    kinds = [one.kind for one in found(seen(api, hosts=(lost,), last={api.key: Outcome.FAILED}, of=WAITING))]
    assert kinds == [TroubleKind.FAILED, TroubleKind.UNREACHABLE]


def test_many_hosts_that_cannot_be_reached_are_one_trouble_with_the_first_of_them() -> None:
    lost = tuple(host(f"host{number:05}", at(110), "x" * 300) for number in range(10_000))
    (one,) = found(seen(hosts=lost))
    assert (one.count, one.named) == (10_000, ("host00000", "host00001", "host00002"))
    assert one.sentence.startswith("cannot be reached: 10,000 hosts: host00000 (xxx")
    assert one.sentence.endswith("…), and 9,997 more")


def test_hosts_that_were_not_asked_for_long_are_named_the_longest_first() -> None:
    (one,) = found(seen(hosts=(host("a", at(-61)), host("b", at(-100)), host("c", at(-60)))))
    assert (one.kind, one.count, one.named) == (TroubleKind.OLD_LOOK, 2, ("b", "a"))
    assert one.since == at(-100)
    assert one.sentence.startswith(
        "not asked for more than 180 s: 2 hosts: b (at 2026-11-22 11:58:20 UTC), a"
    )


def registry(error: str | None = None, *, silent: bool = False) -> RegistryStanding:
    heard = Heard(missed=1, missed_since=NOON) if silent else Heard()
    return RegistryStanding(
        "production", KnownRegistry("harbor", (HOST,)), heard, LastPoll(NOON, error), at(3600)
    )


def test_a_registry_that_cannot_be_asked_and_one_that_is_silent_are_troubles() -> None:
    assert found(seen(), registries=[registry()]) == []
    (gone,) = found(seen(), registries=[registry("registry production cannot be asked")])
    assert (gone.kind, gone.sentence) == (TroubleKind.NO_REGISTRY, "registry production cannot be asked")
    (silent,) = found(seen(), registries=[registry(silent=True)])
    assert (silent.kind, silent.since, silent.named) == (TroubleKind.SILENT_REGISTRY, NOON, ("production",))


def untold(number: int = 7, due_at: float | None = None) -> Untold:
    state = MessageState.DUE if due_at else MessageState.GIVEN_UP
    due = at(due_at) if due_at else None
    message = Message(
        number, "default", Topic.UPDATE_FAILED, state, at(0), attempts=3, due_at=due, error="slack: 503"
    )
    return Untold(message, number, IMAGE)


def test_a_message_that_the_team_does_not_have_is_a_trouble() -> None:
    (one,) = found(seen(), untold=[untold(9, 500), untold(8, 400), untold(7)])
    assert one.kind is TroubleKind.TEAM_NOT_TOLD
    assert one.sentence.startswith(
        "not everybody was told: 3 messages: 9 to default about rollout 9 (slack: 503), 8 to "
    )
    assert (one.at, one.named) == (at(400), ("9", "8", "7"))
    (single,) = found(seen(), untold=[untold()])
    assert (single.sentence, single.at) == (
        "not everybody was told: message 7 to default about rollout 7 (slack: 503)",
        None,
    )


def test_the_gravest_comes_first() -> None:
    known = seen(
        WEB,
        hosts=(host("far", at(110), "timed out"), host("old", at(-600))),
        last={WEB.key: Outcome.FAILED},
        of=FAILED,
    )
    kinds = [
        one.kind
        for one in found(
            known,
            registries=[registry("it cannot be asked", silent=True)],
            untold=[untold()],
            trail="the trail was tampered with",
            broken={"database": "the disk is full", "runs": None},
        )
    ]
    assert kinds == [
        TroubleKind.NOT_READY,
        TroubleKind.BROKEN_TRAIL,
        TroubleKind.FAILED,
        TroubleKind.UNREACHABLE,
        TroubleKind.NO_REGISTRY,
        TroubleKind.SILENT_REGISTRY,
        TroubleKind.OLD_LOOK,
        TroubleKind.TEAM_NOT_TOLD,
    ]


def test_without_an_operator_nothing_is_said_of_looks_that_are_old_for_that() -> None:
    known = seen(hosts=(host("far", at(110), "timed out"), host("old", at(-600))))
    assert [one.kind for one in found(known, has_operator=False)] == [
        TroubleKind.NO_OPERATOR,
        TroubleKind.UNREACHABLE,
    ]


def test_an_operator_that_does_not_work_says_which_part_and_why() -> None:
    (one,) = found(seen(), broken={"database": "the disk is full", "runs": None})
    assert one.sentence == "the operator does not work (database): the disk is full"


def test_what_is_silenced_is_told_apart_from_what_is_not() -> None:
    lost = (host("far", at(110), "timed out"), host("near", at(110), "timed out"))
    heard, hidden = found(seen(hosts=lost), silences=silenced((Subject.HOST, "far")))
    assert (heard.named, heard.silences) == (("near",), ())
    assert (hidden.named, [one.of for one in hidden.silences]) == (("far",), ["far"])


@pytest.mark.parametrize(
    "silence",
    [
        (Subject.TARGET, WEB.key),
        (Subject.IMAGE, IMAGE),
        (Subject.HOST, "solo"),
    ],
)
def test_failures_of_a_silenced_target_are_silenced(silence: tuple[Subject, str]) -> None:
    known = seen(WEB, last={WEB.key: Outcome.FAILED}, of=WAITING)
    (one,) = found(known, silences=silenced(silence))
    assert [by.subject for by in one.silences] == [silence[0]]


def test_registries_and_messages_can_be_silenced() -> None:
    silences = silenced((Subject.REGISTRY, "production"), (Subject.IMAGE, IMAGE))
    known = found(seen(), registries=[registry("away", silent=True)], untold=[untold()], silences=silences)
    assert [len(one.silences) for one in known] == [1, 1, 1]


def test_of_very_many_images_that_failed_the_rest_is_told_in_one_line() -> None:
    targets = [container(f"c{number}", image=f"{HOST}/test/app:{number}") for number in range(25)]
    pushes = [desired(push=number + 1, tag=str(number)) for number in range(25)]
    last = {
        one.key: LastAttempt(number + 1, Outcome.FAILED, frozenset((NEW,)), at(100))
        for number, one in enumerate(targets)
    }
    known = overview(fleet(*targets), pushes, [HOST], History({}, last), at(120))
    every = found(known)
    assert (len(every), every[-1].count) == (21, 5)
    assert every[-1].sentence == "the same is so of 5 more image(s), on 5 target(s)"
    assert every[-1].silences == ()
    all_silenced = found(known, silences=silenced((Subject.HOST, "solo")))
    assert all(one.silences for one in all_silenced)


def test_what_waits_says_for_what_and_until_when() -> None:
    (due,) = waiting(seen(WEB, DB))
    assert (due.first.verdict.name, due.count, due.first.next_at) == ("due", 2, None)
    assert (due.first.image, due.named) == (IMAGE, (DB.key, WEB.key))
    (later,) = waiting(seen(WEB, last={WEB.key: Outcome.FAILED}, of=WAITING))
    assert (later.first.verdict.name, later.first.next_at) == ("failed", at(180))
    assert later.named == (WEB.key,)


def test_what_is_being_updated_or_is_not_to_be_updated_does_not_wait() -> None:
    running = rollout(RolloutState.RUNNING)
    assert found(seen(WEB, last={WEB.key: Outcome.FAILED}, of=running)) == []
    assert list(waiting(seen(WEB, last={WEB.key: Outcome.FAILED}, of=running))) == []
    assert list(waiting(seen(container(since=at(90))))) == []


def test_targets_are_alike_that_are_behind_the_same_push_for_the_same_reason() -> None:
    known = seen(WEB, DB, container("late", since=at(90)), last={WEB.key: Outcome.FAILED}, of=WAITING)
    alike = {(one.verdict, one.outcome): len(some) for one, some in known.alike.items()}
    assert alike == {("failed", Outcome.FAILED): 1, ("due", None): 1, ("changed", None): 1}
