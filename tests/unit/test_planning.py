"""What is done next, and why a target is or is not touched."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_docker_updater.core.fleet import Fleet, Target
from registry_docker_updater.core.outcomes import Outcome
from registry_docker_updater.core.planning import (
    History,
    Plan,
    Retry,
    Rollout,
    Start,
    State,
    Tried,
    Verdict,
    Wanted,
    after_run,
    judge,
    plan,
)
from unit.builders import HOST, NEW, NEWER, OLD, at, container, fleet, host, service, wanted

WEB = container()
PUSH = wanted()
REFERENCE = (HOST, "test/app", "1")


def tried(
    outcome: Outcome,
    push: int = 1,
    digest: str = NEW,
    after: str | None = None,
    when: datetime = at(100),
    key: str = WEB.key,
) -> dict[str, Tried]:
    return {key: Tried(push, digest, outcome, after, when)}


def rollout(state: State, due_at: datetime | None = None, push: int = 1, runs: int = 1) -> Rollout:
    return Rollout(7, push, REFERENCE, state, runs, at(100), due_at)


def verdict(
    target: Target = WEB,
    push: Wanted = PUSH,
    history: History | None = None,
    known: Fleet | None = None,
    now: datetime = at(120),
) -> Verdict:
    return judge(target, push, history or History(), known or fleet(target), now)


def test_a_target_that_ran_the_name_before_the_push_is_due() -> None:
    assert verdict() is Verdict.DUE


def test_a_target_without_a_known_digest_is_due() -> None:
    assert verdict(replace(WEB, digests=frozenset())) is Verdict.DUE


def test_a_target_at_the_digest_is_current_under_whichever_of_its_digests() -> None:
    assert verdict(replace(WEB, digests=frozenset((OLD, NEW)))) is Verdict.CURRENT


def test_a_digest_rolled_back_here_is_refused_here_only_and_for_every_push_of_it() -> None:
    history = History(refused=frozenset(((WEB.key, NEW),)))
    assert verdict(history=history) is Verdict.REFUSED
    assert verdict(push=wanted(push=9, received_at=at(900)), history=history) is Verdict.REFUSED
    assert verdict(container("other"), history=history) is Verdict.DUE
    assert verdict(push=wanted(NEWER, push=2), history=history) is Verdict.DUE


@pytest.mark.parametrize("outcome", [one for one in Outcome if one.is_final])
def test_a_push_that_ended_here_is_done_whatever_runs_now(outcome: Outcome) -> None:
    assert verdict(history=History(last=tried(outcome))) is Verdict.DONE


def test_a_target_changed_by_a_person_after_the_push_is_left_alone() -> None:
    assert verdict(container(since=at(61))) is Verdict.CHANGED
    assert verdict(container(since=at(59))) is Verdict.DUE


def test_the_next_push_updates_what_a_person_changed() -> None:
    assert verdict(container(since=at(61)), wanted(NEWER, 2, at(62))) is Verdict.DUE


def test_our_own_earlier_update_is_no_person() -> None:
    """A second push came while the first was rolled out; the target changed after it, through us."""
    history = History(last=tried(Outcome.UPDATED, after=NEW))
    assert verdict(container(digest=NEW, since=at(90)), wanted(NEWER, 2, at(80)), history) is Verdict.DUE
    assert verdict(container(digest=OLD, since=at(90)), wanted(NEWER, 2, at(80)), history) is Verdict.CHANGED


def test_our_own_rollback_is_no_person() -> None:
    history = History(last=tried(Outcome.ROLLED_BACK, after=OLD))
    assert verdict(container(since=at(90)), wanted(NEWER, 2, at(80)), history) is Verdict.DUE


def test_our_own_update_of_which_nobody_could_tell_is_no_person() -> None:
    """The host was lost after it changed the target and before it said so."""
    history = History(last=tried(Outcome.UNREACHABLE, after=None))
    assert verdict(container(digest=NEW, since=at(90)), wanted(NEWER, 2, at(80)), history) is Verdict.DUE


def test_a_target_that_failed_waits_until_its_rollout_is_due() -> None:
    history = History({1: rollout(State.WAITING, at(130))}, tried(Outcome.FAILED))
    assert verdict(history=history, now=at(129)) is Verdict.LATER
    assert verdict(history=history, now=at(130)) is Verdict.DUE


def test_a_target_that_failed_to_the_end_is_done_until_the_next_push() -> None:
    history = History({1: rollout(State.FINISHED)}, tried(Outcome.FAILED))
    assert verdict(history=history) is Verdict.DONE
    assert verdict(history=history, push=wanted(NEWER, 2, at(110))) is Verdict.DUE


def test_a_host_seen_alive_again_is_not_kept_waiting() -> None:
    history = History({1: rollout(State.WAITING, at(900))}, tried(Outcome.UNREACHABLE, when=at(100)))
    assert verdict(history=history, known=fleet(WEB, hosts=(host("solo", at(99)),))) is Verdict.LATER
    assert verdict(history=history, known=fleet(WEB, hosts=(host("solo", at(101)),))) is Verdict.DUE
    silent = fleet(WEB, hosts=(host("solo", at(101), "no route"),))
    assert verdict(history=history, known=silent) is Verdict.LATER


def test_an_unreachable_host_is_never_given_up() -> None:
    history = History({1: rollout(State.FINISHED)}, tried(Outcome.UNREACHABLE))
    assert verdict(history=history) is Verdict.LATER
    alive = fleet(WEB, hosts=(host("solo", at(5000)),))
    assert verdict(history=history, known=alive, now=at(5000)) is Verdict.DUE


def test_a_failure_is_no_reason_to_hurry_because_the_host_is_alive() -> None:
    history = History({1: rollout(State.WAITING, at(900))}, tried(Outcome.FAILED))
    assert verdict(history=history, known=fleet(WEB, hosts=(host("solo", at(101)),))) is Verdict.LATER


def test_one_manager_alive_is_enough_for_a_service() -> None:
    api = service()
    history = History({1: rollout(State.WAITING, at(900))}, tried(Outcome.UNREACHABLE, key=api.key))
    down = [host(name, at(101), "no route") for name in api.hosts]
    assert verdict(api, history=history, known=fleet(api, hosts=tuple(down))) is Verdict.LATER
    one = (*down[:2], host("m3", at(101)))
    assert verdict(api, history=history, known=fleet(api, hosts=one)) is Verdict.DUE


def test_a_push_that_nobody_runs_starts_nothing() -> None:
    elsewhere = container(image=f"{HOST}/test/app:2")
    assert plan([PUSH], fleet(elsewhere), History(), at(120)) == Plan()
    assert plan([PUSH], Fleet(), History(), at(120)) == Plan()
    assert plan([], fleet(WEB), History(), at(120)) == Plan()


def test_a_push_starts_one_rollout_on_the_hosts_concerned() -> None:
    api, far = service(), container(on="far", image=f"{HOST}/test/other:1")
    (start,) = plan([PUSH], fleet(WEB, api, far), History(), at(120)).start
    assert {target.key for target in start.targets} == {WEB.key, api.key}
    assert start.hosts == ("m1", "m2", "m3", "solo")
    assert start.skip == ()


def test_pushes_of_different_names_start_side_by_side() -> None:
    other = container("db", image=f"{HOST}/test/app:2")
    planned = plan([PUSH, wanted(push=2, tag="2")], fleet(WEB, other), History(), at(120))
    assert [start.wanted.push for start in planned.start] == [1, 2]


def test_targets_on_the_same_hosts_that_must_not_be_touched_are_skipped_by_key() -> None:
    rolled_back, by_hand = container("rolled-back"), container("by-hand", since=at(61))
    done, later, elsewhere = container("done"), container("later"), container("x", on="far", since=at(61))
    history = History(
        {1: rollout(State.WAITING, at(900))},
        {**tried(Outcome.ROLLED_BACK, key=done.key), **tried(Outcome.FAILED, key=later.key)},
        frozenset(((rolled_back.key, NEW),)),
    )
    known = fleet(WEB, rolled_back, by_hand, done, later, elsewhere)
    (start,) = plan([PUSH], known, history, at(120)).start
    assert start.targets == (WEB,)
    assert sorted(start.skip) == sorted(one.key for one in (rolled_back, by_hand, done, later))
    assert start.hosts == ("solo",)


def test_while_a_rollout_of_the_name_runs_no_other_is_started() -> None:
    history = History({1: rollout(State.RUNNING)})
    assert plan([wanted(NEWER, 2)], fleet(WEB), history, at(120)) == Plan()
    other = replace(rollout(State.RUNNING), reference=(HOST, "test/app", "2"))
    assert plan([wanted(NEWER, 2)], fleet(WEB), History({1: other}), at(120)).start


def test_a_newer_push_takes_the_place_of_a_rollout_that_waits() -> None:
    history = History({1: rollout(State.WAITING, at(900))}, tried(Outcome.FAILED))
    planned = plan([wanted(NEWER, 2, at(110))], fleet(WEB), history, at(120))
    assert planned.supersede == (7,)
    assert [start.wanted.digest for start in planned.start] == [NEWER]


@pytest.mark.parametrize("state", [State.RUNNING, State.FINISHED, State.SUPERSEDED])
def test_a_rollout_that_runs_or_has_ended_is_not_superseded(state: State) -> None:
    assert plan([wanted(NEWER, 2)], fleet(WEB), History({1: rollout(state)}), at(120)).supersede == ()


def test_the_rollout_of_the_newest_push_is_not_superseded() -> None:
    history = History({1: rollout(State.WAITING, at(900))}, tried(Outcome.FAILED))
    assert plan([PUSH], fleet(WEB), history, at(120)) == Plan(wake_at=at(900))


def test_a_rollout_that_waits_for_nothing_any_more_is_settled() -> None:
    history = History({1: rollout(State.WAITING, at(900))}, tried(Outcome.FAILED))
    ended_well = replace(history, last=tried(Outcome.UPDATED))
    assert plan([PUSH], fleet(container(digest=NEW)), history, at(120)) == Plan(settle=(7,))
    assert plan([PUSH], Fleet(), history, at(120)) == Plan(settle=(7,))
    assert plan([PUSH], fleet(WEB), ended_well, at(120)) == Plan(settle=(7,))
    assert plan([PUSH], fleet(WEB, container("other")), ended_well, at(120)).settle == ()


def test_the_loop_wakes_for_the_first_retry_that_is_due() -> None:
    other = container("db", image=f"{HOST}/test/app:2")
    history = History(
        {
            1: rollout(State.WAITING, at(900)),
            2: replace(rollout(State.WAITING, at(500), push=2), id=8, reference=(HOST, "test/app", "2")),
        },
        {**tried(Outcome.FAILED), **tried(Outcome.FAILED, push=2, key=other.key)},
    )
    planned = plan([PUSH, wanted(push=2, tag="2")], fleet(WEB, other), history, at(120))
    assert planned == Plan(wake_at=at(500))


def test_the_hosts_of_a_start_are_each_named_once() -> None:
    assert Start(PUSH, (service("a"), service("b"), WEB), ()).hosts == ("m1", "m2", "m3", "solo")


def test_retries_wait_twice_as_long_each_time_up_to_the_longest() -> None:
    retry = Retry(timedelta(seconds=10), timedelta(seconds=60), 6)
    waits = [retry.after(runs, at(0)) for runs in range(1, 7)]
    assert waits == [at(10), at(20), at(40), at(60), at(60), None]


@given(st.integers(1, 10**6))
def test_a_retry_is_never_later_than_the_longest_wait(runs: int) -> None:
    due = Retry(timedelta(seconds=10), timedelta(minutes=15), 10**7).after(runs, at(0))
    assert due
    assert at(10) <= due <= at(900)


def test_a_run_is_repeated_only_while_something_failed_and_attempts_are_left() -> None:
    retry = Retry(timedelta(seconds=10), timedelta(seconds=60), 2)
    good = [Outcome.UPDATED, Outcome.ROLLED_BACK, Outcome.SKIPPED]
    assert after_run(good, 1, at(0), retry) == (State.FINISHED, None)
    assert after_run([*good, Outcome.UNREACHABLE], 1, at(0), retry) == (State.WAITING, at(10))
    assert after_run([*good, Outcome.FAILED], 2, at(0), retry) == (State.FINISHED, None)
    assert after_run([], 1, at(0), retry) == (State.FINISHED, None)
