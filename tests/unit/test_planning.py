"""What is done next, and why a target is or is not touched."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Kind, Target
from registry_docker_updater.core.rollouts.desired import DesiredImage, PushedName
from registry_docker_updater.core.rollouts.history import (
    History,
    LastAttempt,
    Override,
    Refusal,
    attempt_begun,
)
from registry_docker_updater.core.rollouts.history import attempt_ended as last_after
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.planner import judge, open_targets, plan
from registry_docker_updater.core.rollouts.plans import Plan, Start
from registry_docker_updater.core.rollouts.rollout import (
    RetryPolicy,
    RolloutState,
    Standing,
    standing_after_run,
)
from registry_docker_updater.core.rollouts.verdicts import (
    BUSY,
    CHANGED,
    CURRENT,
    DONE,
    DUE,
    LATER,
    LEFT_ALONE,
    REFUSED,
    Verdict,
)
from unit.builders import HOST, NEW, NEWER, OLD, at, container, desired, fleet, host, rollout, service

WEB = container()
PUSH = desired()


def last_attempt(
    outcome: Outcome,
    push: int = 1,
    digest: str = NEW,
    after: str | None = None,
    when: datetime = at(100),
    key: str = WEB.key,
) -> dict[str, LastAttempt]:
    return {key: LastAttempt(push, outcome, frozenset((after or digest,)), when)}


def verdict(
    target: Target = WEB,
    push: DesiredImage = PUSH,
    history: History | None = None,
    known: Fleet | None = None,
    now: datetime = at(120),
) -> Verdict:
    return judge(target, push, history or History(), known or fleet(target), now)


def test_a_target_that_ran_the_name_before_the_push_is_due() -> None:
    assert verdict() is DUE


def test_a_target_without_a_known_digest_is_due() -> None:
    assert verdict(replace(WEB, digests=frozenset())) is DUE


def test_a_target_at_the_digest_is_current_under_whichever_of_its_digests() -> None:
    assert verdict(replace(WEB, digests=frozenset((OLD, NEW)))) is CURRENT


def test_a_digest_rolled_back_here_is_refused_here_only_and_for_every_push_of_it() -> None:
    history = History(refusals=frozenset((Refusal(WEB.key, NEW),)))
    assert verdict(history=history) is REFUSED
    assert verdict(push=desired(push=9, received_at=at(900)), history=history) is REFUSED
    assert verdict(container("other"), history=history) is DUE
    assert verdict(push=desired(NEWER, push=2), history=history) is DUE


@pytest.mark.parametrize("outcome", [one for one in Outcome if one.is_final])
def test_a_push_that_ended_here_is_done_whatever_runs_now(outcome: Outcome) -> None:
    assert verdict(history=History(last=last_attempt(outcome))) is DONE


def test_a_target_changed_by_a_person_after_the_push_is_left_alone() -> None:
    assert verdict(container(since=at(61))) is CHANGED
    assert verdict(container(since=at(59))) is DUE


def test_the_next_push_updates_what_a_person_changed() -> None:
    assert verdict(container(since=at(61)), desired(NEWER, 2, at(62))) is DUE


def test_our_own_earlier_update_is_no_person() -> None:
    """A second push came while the first was rolled out; the target changed after it, through us."""
    history = History(last=last_attempt(Outcome.UPDATED, after=NEW))
    assert verdict(container(digest=NEW, since=at(90)), desired(NEWER, 2, at(80)), history) is DUE
    assert verdict(container(digest=OLD, since=at(90)), desired(NEWER, 2, at(80)), history) is CHANGED


def test_our_own_rollback_is_no_person() -> None:
    history = History(last=last_attempt(Outcome.ROLLED_BACK, after=OLD))
    assert verdict(container(since=at(90)), desired(NEWER, 2, at(80)), history) is DUE


def test_our_own_update_of_which_nobody_could_tell_is_no_person() -> None:
    """The host was lost after it changed the target and before it said so."""
    history = History(last=last_attempt(Outcome.UNREACHABLE, after=None))
    assert verdict(container(digest=NEW, since=at(90)), desired(NEWER, 2, at(80)), history) is DUE


def test_a_target_that_failed_waits_until_its_rollout_is_due() -> None:
    history = History({1: rollout(RolloutState.WAITING, at(130))}, last_attempt(Outcome.FAILED))
    assert verdict(history=history, now=at(129)) is LATER
    assert verdict(history=history, now=at(130)) is DUE


def test_a_target_that_failed_to_the_end_is_done_until_the_next_push() -> None:
    history = History({1: rollout(RolloutState.FINISHED)}, last_attempt(Outcome.FAILED))
    assert verdict(history=history) is DONE
    assert verdict(history=history, push=desired(NEWER, 2, at(110))) is DUE


def back(name: str, since: float) -> Host:
    """A host that answers again since a moment at which it was asked."""
    return host(name, at(since), back_since=at(since))


def test_a_host_that_is_back_is_not_kept_waiting() -> None:
    history = History(
        {1: rollout(RolloutState.WAITING, at(900))}, last_attempt(Outcome.UNREACHABLE, when=at(100))
    )
    assert verdict(history=history, known=fleet(WEB, hosts=(back("solo", 99),))) is LATER
    assert verdict(history=history, known=fleet(WEB, hosts=(back("solo", 101),))) is DUE
    silent = fleet(WEB, hosts=(host("solo", at(101), "no route", back_since=at(101)),))
    assert verdict(history=history, known=silent) is LATER


def test_a_host_that_scans_always_find_is_tried_again_with_patience_and_to_an_end() -> None:
    """It answers scans, and every update of it is cut off."""
    alive = fleet(WEB, hosts=(host("solo", at(5000)),))
    waiting = History({1: rollout(RolloutState.WAITING, at(9000))}, last_attempt(Outcome.UNREACHABLE))
    assert verdict(history=waiting, known=alive, now=at(5000)) is LATER
    ended = History({1: rollout(RolloutState.FINISHED)}, last_attempt(Outcome.UNREACHABLE))
    assert plan([PUSH], alive, ended, at(5000)).start == ()


def test_an_unreachable_host_is_never_given_up() -> None:
    history = History({1: rollout(RolloutState.FINISHED)}, last_attempt(Outcome.UNREACHABLE))
    assert verdict(history=history) is LATER
    alive = fleet(WEB, hosts=(back("solo", 5000),))
    assert verdict(history=history, known=alive, now=at(5000)) is DUE


def test_hosts_for_which_a_rollout_waits_are_asked_whether_they_are_back() -> None:
    history = History(
        {1: rollout(RolloutState.WAITING, at(900))}, last_attempt(Outcome.UNREACHABLE, when=at(100))
    )

    def asked(known: Host) -> frozenset[str]:
        return plan([PUSH], fleet(WEB, hosts=(known,)), history, at(120)).ask

    assert asked(host("solo", at(99))) == {"solo"}
    assert asked(host("solo", at(110), "no route")) == {"solo"}
    assert asked(host("solo", at(110))) == frozenset()
    failed = replace(history, last=last_attempt(Outcome.FAILED))
    assert plan([PUSH], fleet(WEB, hosts=(host("solo", at(99)),)), failed, at(120)).ask == frozenset()


def test_a_failure_is_no_reason_to_hurry_because_the_host_is_alive() -> None:
    history = History({1: rollout(RolloutState.WAITING, at(900))}, last_attempt(Outcome.FAILED))
    assert verdict(history=history, known=fleet(WEB, hosts=(host("solo", at(101)),))) is LATER


def test_one_manager_alive_is_enough_for_a_service() -> None:
    api = service()
    history = History(
        {1: rollout(RolloutState.WAITING, at(900))}, last_attempt(Outcome.UNREACHABLE, key=api.key)
    )
    down = [host(name, at(101), "no route") for name in api.hosts]
    assert verdict(api, history=history, known=fleet(api, hosts=tuple(down))) is LATER
    one = (*down[:2], back("m3", 101))
    assert verdict(api, history=history, known=fleet(api, hosts=one)) is DUE


def test_a_push_that_nobody_runs_starts_nothing() -> None:
    elsewhere = container(image=f"{HOST}/test/app:2")
    assert plan([PUSH], fleet(elsewhere), History(), at(120)) == Plan(rescan_since=at(60))
    assert plan([PUSH], Fleet(), History(), at(120)) == Plan(rescan_since=at(60))
    assert plan([], fleet(WEB), History(), at(120)) == Plan()


def test_a_push_starts_one_rollout_on_the_hosts_concerned() -> None:
    api, far = service(), container(on="far", image=f"{HOST}/test/other:1")
    (start,) = plan([PUSH], fleet(WEB, api, far), History(), at(120)).start
    assert {target.key for target in start.targets} == {WEB.key, api.key}
    assert start.hosts == ("m1", "m2", "m3", "solo")
    assert set(start.planned) == {key for one in start.targets for key in one.keys}


def test_pushes_of_different_names_start_side_by_side() -> None:
    other = container("db", image=f"{HOST}/test/app:2")
    planned = plan([PUSH, desired(push=2, tag="2")], fleet(WEB, other), History(), at(120))
    assert [start.desired.push for start in planned.start] == [1, 2]


def test_targets_on_the_same_hosts_that_must_not_be_touched_are_not_planned() -> None:
    rolled_back, by_hand = container("rolled-back"), container("by-hand", since=at(61))
    done, later, elsewhere = container("done"), container("later"), container("x", on="far", since=at(61))
    history = History(
        {1: rollout(RolloutState.WAITING, at(900))},
        {**last_attempt(Outcome.ROLLED_BACK, key=done.key), **last_attempt(Outcome.FAILED, key=later.key)},
        frozenset((Refusal(rolled_back.key, NEW),)),
    )
    known = fleet(WEB, rolled_back, by_hand, done, later, elsewhere)
    (start,) = plan([PUSH], known, history, at(120)).start
    assert start.targets == (WEB,)
    assert not {one.key for one in (rolled_back, by_hand, done, later)} & set(start.planned)
    assert start.hosts == ("solo",)


def test_while_a_rollout_of_the_name_runs_no_other_is_started() -> None:
    history = History({1: rollout(RolloutState.RUNNING)})
    assert plan([desired(NEWER, 2)], fleet(WEB), history, at(120)) == Plan()
    other = replace(rollout(RolloutState.RUNNING), name=PushedName("production", "test/app", "2"))
    assert plan([desired(NEWER, 2)], fleet(WEB), History({1: other}), at(120)).start


def test_a_newer_push_takes_the_place_of_a_rollout_that_waits() -> None:
    history = History({1: rollout(RolloutState.WAITING, at(900))}, last_attempt(Outcome.FAILED))
    planned = plan([desired(NEWER, 2, at(110))], fleet(WEB), history, at(120))
    assert planned.supersede == (7,)
    assert [start.desired.digest for start in planned.start] == [NEWER]


@pytest.mark.parametrize("state", [RolloutState.RUNNING, RolloutState.FINISHED, RolloutState.SUPERSEDED])
def test_a_rollout_that_runs_or_has_ended_is_not_superseded(state: RolloutState) -> None:
    assert plan([desired(NEWER, 2)], fleet(WEB), History({1: rollout(state)}), at(120)).supersede == ()


def test_the_rollout_of_the_newest_push_is_not_superseded() -> None:
    history = History({1: rollout(RolloutState.WAITING, at(900))}, last_attempt(Outcome.FAILED))
    assert plan([PUSH], fleet(WEB), history, at(120)) == Plan(wake_at=at(900))


def test_a_rollout_that_waits_for_nothing_any_more_is_settled() -> None:
    waiting = rollout(RolloutState.WAITING, at(900))
    history = History({1: waiting}, last_attempt(Outcome.FAILED))
    ended_well = replace(history, last=last_attempt(Outcome.UPDATED))
    assert plan([PUSH], fleet(container(digest=NEW)), history, at(900)) == Plan(settle=(waiting,))
    assert plan([PUSH], Fleet(), history, at(900)).settle == (waiting,)
    assert plan([PUSH], fleet(WEB), ended_well, at(900)) == Plan(settle=(waiting,))
    assert plan([PUSH], fleet(WEB, container("other")), ended_well, at(900)).settle == ()


def test_a_rollout_is_not_settled_before_its_time_for_a_target_that_is_not_to_be_seen() -> None:
    """A scan came while a container was replaced by hand: it is back in a second, and failed before."""
    history = History({1: rollout(RolloutState.WAITING, at(900))}, last_attempt(Outcome.FAILED))
    planned = plan([PUSH], Fleet(), history, at(120))
    assert (planned.settle, planned.wake_at) == ((), at(900))


def test_the_loop_wakes_for_the_first_retry_that_is_due() -> None:
    other = container("db", image=f"{HOST}/test/app:2")
    history = History(
        {
            1: rollout(RolloutState.WAITING, at(900)),
            2: replace(
                rollout(RolloutState.WAITING, at(500), push=2),
                id=8,
                name=PushedName("production", "test/app", "2"),
            ),
        },
        {**last_attempt(Outcome.FAILED), **last_attempt(Outcome.FAILED, push=2, key=other.key)},
    )
    planned = plan([PUSH, desired(push=2, tag="2")], fleet(WEB, other), history, at(120))
    assert planned == Plan(wake_at=at(500))


def test_the_hosts_of_a_start_are_each_named_once() -> None:
    assert Start(PUSH, (service("a"), service("b"), WEB), ()).hosts == ("m1", "m2", "m3", "solo")


def test_retries_wait_twice_as_long_each_time_up_to_the_longest() -> None:
    retry = RetryPolicy(Backoff(timedelta(seconds=10), timedelta(seconds=60)), 6)
    waits = [retry.after(runs, at(0)) for runs in range(1, 7)]
    assert waits == [at(10), at(20), at(40), at(60), at(60), None]


@given(st.integers(1, 10**6))
def test_a_retry_is_never_later_than_the_longest_wait(runs: int) -> None:
    due = RetryPolicy(Backoff(timedelta(seconds=10), timedelta(minutes=15)), 10**7).after(runs, at(0))
    assert due
    assert at(10) <= due <= at(900)


RETRY = RetryPolicy(Backoff(timedelta(seconds=10), timedelta(seconds=60)), 2)


def ended(outcome: Outcome, *, left_alone: bool = False, after: str = OLD) -> TargetOutcome:
    return TargetOutcome(
        outcome.value, Kind.CONTAINER, "web", "host solo", outcome, OLD, after, left_alone=left_alone
    )


GOOD = [ended(outcome) for outcome in (Outcome.UPDATED, Outcome.SUPERSEDED, Outcome.SKIPPED)]
SPARED = ended(Outcome.SKIPPED, left_alone=True)
STOPPED = Standing(RolloutState.FINISHED, is_stopped=True)


def after_run(outcomes: list[TargetOutcome], attempts: int) -> Standing:
    return standing_after_run(outcomes, NEW, attempts=attempts, ended_at=at(0), retry=RETRY)


def test_a_run_is_repeated_only_while_something_failed_and_attempts_are_left() -> None:
    known = [*GOOD, ended(Outcome.ROLLED_BACK)]
    assert after_run(known, attempts=1) == Standing(RolloutState.FINISHED)
    assert after_run([*known, ended(Outcome.UNREACHABLE)], attempts=1) == Standing(
        RolloutState.WAITING, at(10)
    )
    assert after_run([*known, ended(Outcome.FAILED)], attempts=2) == Standing(RolloutState.FINISHED)
    assert after_run([], attempts=1) == Standing(RolloutState.FINISHED)


def test_those_left_alone_wait_for_a_canary_that_failed_and_not_for_one_that_rolled_back() -> None:
    failed = [*GOOD, ended(Outcome.FAILED), SPARED]
    assert after_run(failed, attempts=1) == Standing(RolloutState.WAITING, at(10))
    assert after_run(failed, attempts=2) == Standing(RolloutState.FINISHED)
    for verdict in (Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED):
        assert after_run([ended(verdict), SPARED], attempts=1) == STOPPED


def test_an_image_that_fails_the_smoke_test_is_not_tried_on_one_canary_after_the_other() -> None:
    """The canary runs it already, so a retry would begin with the next."""
    known = [ended(Outcome.FAILED, after=NEW), SPARED]
    assert after_run(known, attempts=1) == STOPPED
    assert after_run([*known, ended(Outcome.UNREACHABLE)], attempts=1) == STOPPED


def test_those_left_alone_go_on_once_what_failed_before_them_is_well() -> None:
    assert after_run([*GOOD, SPARED], attempts=1) == Standing(RolloutState.WAITING, at(10))


def test_a_target_that_was_left_alone_goes_when_its_rollout_goes_on() -> None:
    left = {WEB.key: replace(last_attempt(Outcome.SKIPPED)[WEB.key], left_alone=True)}
    waiting = History({1: rollout(RolloutState.WAITING, at(900))}, left)
    assert verdict(history=waiting, now=at(899)) is LATER
    assert verdict(history=waiting, now=at(900)) is DUE
    assert verdict(history=History({1: rollout(RolloutState.FINISHED)}, left)) is LEFT_ALONE
    assert verdict(push=desired(NEWER, 2), history=History({}, left)) is DUE


def test_what_an_image_that_failed_left_alone_does_not_go_with_the_retry_for_a_host_that_was_down() -> None:
    """Nor do others that the image did not come to, found since or down at the time; not even those that a person insisted on."""
    left = {WEB.key: replace(last_attempt(Outcome.SKIPPED)[WEB.key], left_alone=True)}
    stopped = {1: replace(rollout(RolloutState.FINISHED), is_stopped=True)}
    insisted = frozenset((Override(WEB.key, 1),))
    for history in (History(stopped, left), History(stopped, left, overrides=insisted)):
        assert verdict(history=history) is LEFT_ALONE
    assert verdict(container("found since"), history=History(stopped, left)) is LEFT_ALONE
    down = History(stopped, {**left, **last_attempt(Outcome.UNREACHABLE)})
    assert verdict(history=down, known=fleet(WEB, hosts=(back("solo", 110),))) is LEFT_ALONE


def test_an_override_is_closed_once_the_target_runs_it_or_a_newer_push_came() -> None:
    history = History(overrides=frozenset((Override(WEB.key, 1),)))
    assert plan([PUSH], fleet(WEB), history, at(120)).closed_overrides == frozenset()
    assert plan([PUSH], fleet(container(digest=NEW)), history, at(120)).closed_overrides == history.overrides
    assert plan([desired(NEWER, 2)], fleet(WEB), history, at(120)).closed_overrides == history.overrides


def test_a_host_that_came_back_while_the_run_that_missed_it_went_on_is_back() -> None:
    """What counts is when the run began."""
    begin = attempt_begun(None, PUSH.push, NEW, at(100))
    missed = last_after(begin, PUSH.push, NEW, ended(Outcome.UNREACHABLE, after=""), at(400))
    history = History({1: rollout(RolloutState.WAITING, at(900))}, {WEB.key: missed})
    assert verdict(history=history, known=fleet(WEB, hosts=(back("solo", 200),)), now=at(401)) is DUE


def test_a_target_that_another_rollout_is_working_on_is_not_touched() -> None:
    """A person gave it another image name while it was updated."""
    moved = container(image=f"{HOST}/test/app:2")
    history = History({1: rollout(RolloutState.RUNNING)}, last_attempt(Outcome.FAILED))
    push = desired(push=2, tag="2")
    assert verdict(moved, push, history) is BUSY
    assert plan([PUSH, push], fleet(moved), history, at(120)).start == ()


@pytest.mark.parametrize(
    ("history", "target"),
    [
        (History(refusals=frozenset((Refusal(WEB.key, NEW),))), WEB),
        (History(last=last_attempt(Outcome.ROLLED_BACK), refusals=frozenset((Refusal(WEB.key, NEW),))), WEB),
        (History(last=last_attempt(Outcome.SUPERSEDED)), WEB),
        (History(), container(since=at(61))),
    ],
)
def test_what_is_left_alone_is_done_when_a_person_says_so(history: History, target: Target) -> None:
    """And the run knows which targets are meant."""
    assert verdict(target, history=history).is_overridable
    insisted = replace(history, overrides=frozenset((Override(target.key, PUSH.push),)))
    assert verdict(target, history=insisted) is DUE
    (start,) = plan([PUSH], fleet(target), insisted, at(120)).start
    assert start.overridden == (target.key,)
    assert verdict(target, desired(push=2), insisted) is verdict(target, desired(push=2), history)


def test_a_push_that_no_target_runs_asks_for_a_look_at_what_was_deployed_since() -> None:
    other = desired(push=2, tag="2", received_at=at(70))
    assert plan([PUSH, other], fleet(WEB), History(), at(120)).rescan_since == at(70)
    assert plan([PUSH], fleet(WEB), History(), at(120)).rescan_since is None


def test_the_history_is_asked_of_open_targets_only() -> None:
    assert open_targets([PUSH], fleet(WEB, container("new", digest=NEW))) == [WEB.key]


def test_a_verdict_is_shown_by_its_sentence() -> None:
    assert str(CURRENT) == "already runs this digest"
