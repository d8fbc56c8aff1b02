"""What each thing that happens to a rollout changes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.fleet.targets import Kind
from registry_docker_updater.core.rollouts.history import History, LastAttempt, Override, Refusal
from registry_docker_updater.core.rollouts.lifecycle import (
    Announcement,
    RunEnd,
    RunOutcome,
    interrupted,
    outcomes_known,
    repaired,
    retried,
    run_begun,
    run_ended,
    settled,
    superseded,
)
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.rollout import RetryPolicy, RolloutState
from unit.builders import NEW, NEWER, OLD, at, rollout

RETRY = RetryPolicy(Backoff(timedelta(seconds=10), timedelta(seconds=80)), 3)
WEB, DB = "container/solo/web", "container/solo/db"


def became(outcome: Outcome, key: str = WEB, after: str | None = None, **more: object) -> TargetOutcome:
    values = {"before": OLD, "after": after, **more}
    return TargetOutcome(key, Kind.CONTAINER, key.rpartition("/")[2], "host solo", outcome, **values)  # type: ignore[arg-type]


def last(outcome: Outcome, push: int = 1, *digests: str) -> LastAttempt:
    return LastAttempt(push, outcome, frozenset(digests or (NEW,)), at(100))


def test_a_run_that_begins_may_leave_its_targets_with_its_digest_or_what_they_may_have_had() -> None:
    before = {WEB: last(Outcome.UPDATED, 1, OLD)}
    effects = run_begun(rollout(RolloutState.WAITING, runs=0), NEW, [WEB, DB], before, at(5))
    assert (effects.rollout.state, effects.rollout.runs, effects.rollout.attempts) == ("running", 1, 1)
    assert effects.last_attempts[WEB].possible_digests == {OLD, NEW}
    assert effects.last_attempts[DB].possible_digests == {NEW}
    assert not effects.last_attempts[DB].outcome.is_final
    assert effects.announcement is None


@pytest.mark.parametrize(
    ("state", "due_at", "attempts"),
    [(RolloutState.FINISHED, None, 1), (RolloutState.WAITING, 50, 2), (RolloutState.WAITING, 5, 3)],
    ids=["begins anew", "before its time, for a host that is back", "when it was due"],
)
def test_a_run_is_one_of_the_attempts_when_it_was_due(
    state: RolloutState, due_at: int | None, attempts: int
) -> None:
    before = rollout(state, at(due_at) if due_at else None, attempts=2)
    assert run_begun(before, NEW, [WEB], {}, at(20)).rollout.attempts == attempts


def test_a_rollback_refuses_the_digest_and_an_update_forgives() -> None:
    ends = [became(Outcome.ROLLED_BACK, after=OLD), became(Outcome.UPDATED, DB, NEW)]
    effects = outcomes_known(rollout(RolloutState.RUNNING, runs=4), NEW, ends, {}, at(7))
    assert effects.refusals == {Refusal(WEB, NEW)}
    assert effects.forgiven == {Refusal(DB, NEW)}
    assert effects.closed_overrides == {Override(WEB, 1), Override(DB, 1)}
    assert [(one.run, one.at) for one in effects.outcomes] == [(4, at(7))] * 2
    assert effects.last_attempts[WEB].possible_digests == {OLD}


def test_what_was_left_alone_or_failed_keeps_what_a_person_asked_for() -> None:
    ends = [became(Outcome.SKIPPED, left_alone=True), became(Outcome.FAILED, DB)]
    assert outcomes_known(rollout(RolloutState.RUNNING), NEW, ends, {}, at(7)).closed_overrides == frozenset()


def test_a_run_that_ends_waits_for_what_failed_and_says_why() -> None:
    ends = (became(Outcome.UPDATED, after=NEW), became(Outcome.UNREACHABLE, DB, message="no route"))
    running = rollout(RolloutState.RUNNING, attempts=1, started_at=at(500))
    effects = run_ended(running, RunEnd(NEW, ends), {}, RETRY, at(200))
    after = effects.rollout
    assert (after.state, after.due_at, after.note) == (RolloutState.WAITING, at(210), "no route")
    assert after.started_at == at(200), "by the clock that shows now, nothing has begun later"
    assert effects.announcement == Announcement(at(200), frozenset({WEB, DB}))
    assert not effects.closes_push
    last_try = run_ended(replace(running, attempts=3), RunEnd(NEW, ends), {}, RETRY, at(200)).rollout
    assert (last_try.state, last_try.due_at) == (RolloutState.FINISHED, None)


def test_targets_of_runs_before_wait_on_though_a_run_was_not_for_them() -> None:
    before = {DB: became(Outcome.UNREACHABLE, DB, message="no route")}
    end = RunEnd(NEW, (became(Outcome.UPDATED, after=NEW),), before)
    running = rollout(RolloutState.RUNNING, attempts=1)
    after = run_ended(running, end, {}, RETRY, at(200)).rollout
    assert (after.state, after.note) == (RolloutState.WAITING, "no route")


def test_an_image_that_was_spoken_against_takes_what_a_person_asked_for_with_it() -> None:
    ends = (became(Outcome.ROLLED_BACK, after=OLD), became(Outcome.SKIPPED, DB, left_alone=True))
    effects = run_ended(rollout(RolloutState.RUNNING), RunEnd(NEW, ends), {}, RETRY, at(200))
    assert effects.rollout.is_stopped
    assert effects.closes_push


@pytest.mark.parametrize("state", list(RolloutState))
def test_an_update_that_was_finished_afterwards_is_told_unless_its_run_goes_on_and_tells(
    state: RolloutState,
) -> None:
    end = became(Outcome.UPDATED, after=NEW)
    effects = repaired(rollout(state, runs=2), NEW, end, last(Outcome.FAILED), at(300))
    assert effects is not None
    assert effects.outcomes == (RunOutcome(end, 2, at(300)),)
    announcement = Announcement(at(300), frozenset({WEB}))
    assert effects.announcement == (None if state is RolloutState.RUNNING else announcement)
    assert effects.rollout.note == "updates that were interrupted were finished afterwards"


@pytest.mark.parametrize(
    "before", [None, last(Outcome.FAILED, 2), last(Outcome.UPDATED)], ids=["none", "of another push", "ended"]
)
def test_an_update_that_no_run_waits_for_changes_nothing(before: LastAttempt | None) -> None:
    assert repaired(rollout(RolloutState.WAITING), NEW, became(Outcome.UPDATED), before, at(300)) is None


def test_a_person_gives_a_rollout_all_its_attempts_again_but_not_while_it_runs() -> None:
    stopped = rollout(RolloutState.FINISHED, attempts=9, is_stopped=True)
    effects = retried(stopped, "ann", at(50))
    assert effects is not None
    after = effects.rollout
    assert (after.state, after.due_at, after.attempts, after.is_stopped) == ("waiting", at(50), 0, False)
    assert after.note == "run again by hand, by ann"
    assert retried(rollout(RolloutState.RUNNING), "ann", at(50)) is None


@pytest.mark.parametrize(
    ("run", "outcome", "is_news"),
    [(2, Outcome.UPDATED, True), (1, Outcome.UPDATED, False), (2, Outcome.UNCHANGED, False)],
)
def test_of_a_run_whose_end_nobody_heard_the_team_is_told_what_is_known(
    run: int, outcome: Outcome, is_news: bool
) -> None:
    known = [RunOutcome(became(outcome), run, at(1))]
    effects = interrupted(rollout(RolloutState.RUNNING, runs=2), known, at(60))
    assert (effects.rollout.state, effects.rollout.due_at) == (RolloutState.WAITING, at(60))
    assert effects.announcement == (Announcement(at(60), frozenset({WEB})) if is_news else None)


def test_a_rollout_is_settled_as_it_was_seen_and_not_when_a_person_asked_for_it_since() -> None:
    seen = rollout(RolloutState.WAITING, at(50))
    effects = settled(seen, seen, at(60))
    assert effects is not None
    assert (effects.rollout.state, effects.rollout.due_at, effects.rollout.ended_at) == (
        RolloutState.FINISHED,
        None,
        at(60),
    )
    assert settled(replace(seen, due_at=at(55)), seen, at(60)) is None
    assert settled(replace(seen, state=RolloutState.RUNNING), seen, at(60)) is None


def test_what_waited_in_a_rollout_whose_place_was_taken_waits_no_more() -> None:
    kept = [RunOutcome(became(Outcome.UPDATED), 1, at(1)), RunOutcome(became(Outcome.FAILED, DB), 1, at(1))]
    effects = superseded(rollout(RolloutState.WAITING, at(50)), kept, at(60))
    assert (effects.rollout.state, effects.rollout.due_at) == (RolloutState.SUPERSEDED, None)
    assert [(one.result.key, one.result.outcome) for one in effects.outcomes] == [(DB, Outcome.SUPERSEDED)]


def test_the_rollouts_that_run_are_known_by_their_numbers() -> None:
    running = rollout(RolloutState.RUNNING, id=3)
    assert History({1: running, 2: rollout(RolloutState.WAITING, push=2)}).running == {3}


def test_a_backoff_doubles_up_to_its_longest_wait_and_never_leaves_the_calendar() -> None:
    backoff = Backoff(timedelta(seconds=5), timedelta(minutes=1))
    assert [backoff.after(count).total_seconds() for count in (1, 2, 3, 4, 5, 10**9)] == [
        5,
        10,
        20,
        40,
        60,
        60,
    ]


def test_a_digest_that_another_push_brings_is_no_refusal_of_this_one() -> None:
    effects = outcomes_known(
        rollout(RolloutState.RUNNING), NEWER, [became(Outcome.ROLLBACK_FAILED)], {}, at(7)
    )
    assert effects.refusals == {Refusal(WEB, NEWER)}
