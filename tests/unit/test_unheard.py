"""Ends of updates of which nobody heard: another run looks, the rollout has an outcome for each target, and people hear of it."""

from dataclasses import replace
from typing import Any

import pytest

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.freezes import Freeze, Freezes, Scope
from registry_docker_updater.core.rollouts.history import (
    History,
    LastAttempt,
    Override,
    attempt_begun,
    attempt_ended,
)
from registry_docker_updater.core.rollouts.lifecycle import RunOutcome
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.planner import plan
from registry_docker_updater.core.rollouts.plans import Plan, Start
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.unheard import (
    ENDED_UNHEARD,
    as_ended,
    before,
    begun_through,
    interrupted_keys,
)
from unit.builders import NEW, NEWER, OLD, at, container, desired, fleet, rollout, service

PUSH = desired()
WAITING = rollout(RolloutState.WAITING, at(110))
# It ran the old digest, and runs the pushed one since a run of which nobody heard the end.
DONE_UNHEARD = container(digest=NEW)


def begun(push: int = 1, ran: str = OLD) -> LastAttempt:
    known = LastAttempt(0, Outcome.UPDATED, frozenset((ran,)), at(0))
    return attempt_begun(known, push, NEW, at(100))


def ended(outcome: Outcome, after: str | None = None, **more: Any) -> TargetOutcome:
    target = container()
    return TargetOutcome(
        target.key, target.kind, target.name, target.place, outcome, OLD, after, "said", **more
    )


def planned(*targets: Target, last: LastAttempt, push: int = 1) -> Plan:
    history = History({1: replace(WAITING, push=push)}, {container().key: last})
    return plan([PUSH], fleet(*targets) if targets else Fleet(), history, at(120))


def test_a_target_that_runs_the_push_is_looked_at_again_where_nobody_heard_how_it_came_to_that() -> None:
    (start,) = planned(DONE_UNHEARD, last=begun()).start
    assert start.targets == (DONE_UNHEARD,)
    assert start.unheard == {DONE_UNHEARD.key: OLD}


def test_one_that_does_not_run_it_yet_is_in_the_same_run_and_may_turn_out_to() -> None:
    (start,) = planned(container(), last=begun()).start
    assert start.targets == (container(),)
    assert start.unheard == {container().key: OLD}
    assert [said.get("unheard") for said in start.planned.values()] == [True]


def test_it_is_not_looked_at_before_the_rollout_is_due() -> None:
    history = History({1: replace(WAITING, due_at=at(900))}, {DONE_UNHEARD.key: begun()})
    assert plan([PUSH], fleet(DONE_UNHEARD), history, at(120)) == Plan(wake_at=at(900))


def test_what_people_froze_is_looked_at_when_it_is_thawed() -> None:
    freeze = Freeze(1, Scope.EVERYTHING, "", at(105), None, "a reason", "ann")
    history = History({1: WAITING}, {DONE_UNHEARD.key: begun()})
    frozen = plan([PUSH], fleet(DONE_UNHEARD), replace(history, freezes=Freezes((freeze,))), at(120))
    assert (frozen.start, frozen.settle) == ((), ())
    assert plan([PUSH], fleet(DONE_UNHEARD), history, at(120)).start


@pytest.mark.parametrize(
    "last", [replace(begun(), is_unheard=False), begun(push=9)], ids=["heard", "of another push"]
)
def test_otherwise_a_target_that_runs_the_push_is_left_alone(last: LastAttempt) -> None:
    assert planned(DONE_UNHEARD, last=last) == Plan(settle=(WAITING,))


def test_a_rollout_whose_target_is_gone_waits_for_nothing() -> None:
    assert planned(last=begun()).settle == (WAITING,)


@pytest.mark.parametrize("state", [RolloutState.FINISHED, RolloutState.SUPERSEDED])
def test_what_is_over_is_not_opened_again(state: RolloutState) -> None:
    history = History({1: rollout(state)}, {DONE_UNHEARD.key: begun()})
    assert plan([PUSH], fleet(DONE_UNHEARD), history, at(120)) == Plan()
    assert plan([PUSH], fleet(DONE_UNHEARD), replace(history, rollouts={}), at(120)) == Plan()


@pytest.mark.parametrize(
    ("one", "is_unheard"),
    [
        (ended(Outcome.UPDATED, NEW), False),
        (ended(Outcome.FAILED, NEW), False),
        (ended(Outcome.FAILED, OLD), False),
        (ended(Outcome.FAILED), True),
        (ended(Outcome.UNREACHABLE), True),
        (ended(Outcome.SKIPPED, left_alone=True), False),
        (ended(Outcome.SKIPPED, held=True), True),
    ],
    ids=str,
)
def test_an_end_is_heard_of_where_the_run_says_what_it_left(one: TargetOutcome, is_unheard: bool) -> None:
    assert attempt_ended(begun(), 1, NEW, one, at(110)).is_unheard == is_unheard


def test_what_a_person_insisted_on_counts_until_the_end_is_heard_of() -> None:
    override = Override(DONE_UNHEARD.key, 1)
    freeze = Freeze(1, Scope.EVERYTHING, "", at(105), None, "a reason", "ann")
    history = History(
        {1: WAITING},
        {DONE_UNHEARD.key: begun()},
        overrides=frozenset((override,)),
        freezes=Freezes((freeze,)),
    )
    unheard = plan([PUSH], fleet(DONE_UNHEARD), history, at(120))
    assert (len(unheard.start), unheard.closed_overrides) == (1, frozenset())
    heard = replace(history, last={DONE_UNHEARD.key: replace(begun(), is_unheard=False)})
    assert plan([PUSH], fleet(DONE_UNHEARD), heard, at(120)).closed_overrides == {override}


def test_what_was_held_and_not_begun_before_is_where_it_was() -> None:
    held = ended(Outcome.SKIPPED, held=True)
    assert not attempt_ended(None, 1, NEW, held, at(110)).is_unheard
    assert not attempt_ended(begun(push=9), 1, NEW, held, at(110)).is_unheard


def test_what_was_given_up_is_not_looked_at_again() -> None:
    assert not attempt_ended(begun(), 1, NEW, ended(Outcome.FAILED), at(110), given_up=True).is_unheard


def test_that_nothing_is_left_to_do_is_the_end_of_an_update_that_was_interrupted() -> None:
    one = ended(Outcome.UNCHANGED, NEW)
    heard = as_ended(replace(one, before=NEW), {one.key: OLD})
    assert (heard.outcome, heard.before, heard.after) == (Outcome.UPDATED, OLD, NEW)
    assert heard.message == ENDED_UNHEARD


@pytest.mark.parametrize(
    ("one", "interrupted"),
    [
        (ended(Outcome.UNCHANGED, NEW), {}),
        (ended(Outcome.ROLLED_BACK, OLD), {container().key: OLD}),
        (ended(Outcome.UPDATED, NEW), {container().key: OLD}),
    ],
    ids=["nothing was begun", "it went back", "it was updated just now"],
)
def test_any_other_end_is_as_the_run_says(one: TargetOutcome, interrupted: dict[str, str | None]) -> None:
    assert as_ended(one, interrupted) is one


def test_a_run_that_said_something_of_a_target_was_not_interrupted_there() -> None:
    said = RunOutcome(ended(Outcome.UNREACHABLE), 2, at(100))
    unheard = {said.result.key: OLD, "container/solo/db": None}
    assert interrupted_keys(unheard, [said], 3) == {"container/solo/db": None}
    assert interrupted_keys(unheard, [said], 4) == unheard


def test_services_that_a_run_began_through_a_manager_that_is_lost_are_those_that_did_not_run_the_push_yet() -> (
    None
):
    api, done, other, web = service(), service("done", digest=NEW), service("other"), container()
    two_names = replace(service("two"), digests=frozenset((OLD, NEWER)))
    begun_at_once = (api, done, two_names, web)
    start = Start(PUSH, (*begun_at_once, other), at_once={"m1": tuple(one.key for one in begun_at_once)})
    assert begun_through("m1", start) == {api.key: OLD, two_names.key: None}
    assert begun_through("m2", start) == {}


def test_what_a_target_ran_before_is_known_where_it_can_have_been_one_digest_only() -> None:
    assert before(begun(), NEW) == OLD
    assert before(replace(begun(), possible_digests=frozenset((NEW,))), NEW) is None
    assert before(replace(begun(), possible_digests=frozenset((OLD, NEW, NEWER))), NEW) is None


def test_what_a_person_left_a_target_with_that_was_held_is_no_doing_of_ours() -> None:
    held = ended(Outcome.SKIPPED, NEWER, held=True)
    assert NEWER not in attempt_ended(begun(), 1, NEW, held, at(110)).possible_digests
