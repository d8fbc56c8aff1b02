"""A push that waits by a rule or for a person has a rollout from the begin, which says so; nothing of it is lost or done twice."""

from dataclasses import replace

from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.freezes import Freeze, Freezes, Scope
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.history import Delay, History
from registry_docker_updater.core.rollouts.planner import plan
from registry_docker_updater.core.rollouts.plans import Plan
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.rollouts.waits import Wait, after_wait, said_of
from unit.builders import NEW, NOON, at, container, desired, fleet, rollout

PUSH = desired()  # at 60 s
WAITING, FINISHED = RolloutState.WAITING, RolloutState.FINISHED
FREEZE = Freezes((Freeze(1, Scope.EVERYTHING, "", NOON, None, "a reason", "ann"),))
FROZEN = "is frozen by ann until somebody thaws it: a reason"


def ruled(name: str = "web", **labels: str) -> Target:
    """A container with labels, of whose names `_` stands for `-`."""
    said = ((label.replace("_", "-"), value) for label, value in labels.items())
    return replace(container(name), labels=tuple(sorted(said)))


APPROVED = ruled(approval="required")
YOUNG = ruled("db", minimum_age="2h")


def planned(*targets: Target, push: DesiredImage = PUSH, seconds: float = 120, **history: object) -> Plan:
    return plan([push], fleet(*targets), History(**history), at(seconds))  # type: ignore[arg-type]


def known(wait: Wait, seconds: float = 120) -> Rollout:
    """The rollout of a push once it is known that it waits."""
    new = wait.rollout or Rollout(1, 1, wait.desired.name, wait.desired.image, WAITING, at(seconds))
    return after_wait(new, wait, at(seconds))


def test_a_push_that_waits_has_a_rollout_that_says_for_what_and_since_when() -> None:
    first = planned(APPROVED, YOUNG)
    (wait,) = first.waits
    assert (first.start, first.settle, first.wake_at) == ((), (), at(7260))
    assert wait.new == {"approval", "too_young"}
    after = known(wait)
    assert (after.state, after.runs, after.due_at) == (WAITING, 0, None)
    assert (after.waits, after.waiting_since) == (("approval", "too_young"), at(60))
    assert after.note == (
        "waits for approval by 1 person; waits until the push is old enough, at 2026-11-22 14:01 UTC"
    )


def test_what_is_known_is_not_said_again_and_goes_on_waiting() -> None:
    (wait,) = planned(APPROVED).waits
    again = planned(APPROVED, rollouts={1: known(wait)})
    assert (again.waits, again.settle, again.start) == ((), (), ())


def test_what_else_it_waits_for_is_new() -> None:
    (wait,) = planned(APPROVED).waits
    (more,) = planned(APPROVED, YOUNG, rollouts={1: known(wait)}).waits
    assert more.new == {"too_young"}
    assert known(more).waiting_since == at(60)


def test_what_may_go_goes_while_others_wait() -> None:
    both = planned(APPROVED, container("other"))
    assert [target.name for start in both.start for target in start.targets] == ["other"]
    assert len(both.waits) == 1


def test_many_reasons_are_told_in_one_sentence() -> None:
    places = [ruled(f"t{number}", window=f"mon 0{number}:00-09:30") for number in range(5)]
    (wait,) = planned(*places).waits
    assert str(wait.note).endswith("; and 2 more reasons")
    assert [one["targets"] for one in said_of(wait)] == [[f"container/solo/t{number}"] for number in range(5)]


def test_once_nothing_waits_any_more_the_rollout_is_settled() -> None:
    (wait,) = planned(APPROVED).waits
    gone = planned(container("elsewhere", image="registry.example.com/x:1"), rollouts={1: known(wait)})
    (over,) = gone.waits
    assert (over.targets, over.note, over.is_pending) == ((), None, False)
    assert [one.id for one in gone.settle] == [1]
    after = known(over)
    assert (after.state, after.waits, after.waiting_since) == (WAITING, (), None)


def test_what_nobody_is_to_get_ends_at_once_and_says_why() -> None:
    (wait,) = planned(ruled(monitor_only="true")).waits
    after = known(wait)
    assert (after.state, after.ended_at, after.waits) == (FINISHED, at(120), ("watched",))
    again = planned(ruled(monitor_only="true"), rollouts={1: after})
    assert (again.waits, again.settle) == ((), ())


def test_what_lapses_ends_the_rollout_and_is_new() -> None:
    target = ruled(approval="required", approval_deadline="1h")
    (wait,) = planned(target).waits
    late = planned(target, rollouts={1: known(wait)}, seconds=3700)
    (lapsed,) = late.waits
    assert lapsed.new == {"lapsed"}
    assert late.settle == ()
    assert known(lapsed, 3700).state is FINISHED


def test_what_ended_waits_again_when_a_target_is_to_get_it_later() -> None:
    over = rollout(FINISHED, runs=2, attempts=2)
    (wait,) = planned(APPROVED, rollouts={1: over}).waits
    after = known(wait)
    assert (after.state, after.ended_at, after.attempts) == (WAITING, None, 2)


def test_a_retry_keeps_its_time_and_its_note_while_others_wait() -> None:
    retry = rollout(WAITING, at(300), note="a host was away")
    (wait,) = planned(APPROVED, rollouts={1: retry}).waits
    after = known(wait)
    assert (after.due_at, after.note, after.waits) == (at(300), "a host was away", ("approval",))
    assert planned(APPROVED, rollouts={1: after}).waits == ()
    (watched,) = planned(ruled(monitor_only="yes"), rollouts={1: retry}).waits
    assert known(watched).state is WAITING


def test_how_long_pushes_have_waited_is_taken_over_by_the_newest() -> None:
    before = replace(rollout(WAITING, push=0), waits=("too_young",), waiting_since=at(10))
    (wait,) = planned(YOUNG, rollouts={0: before}).waits
    assert wait.since == at(10)
    assert planned(YOUNG, rollouts={0: before}).supersede == (7,)


def test_what_was_too_young_is_remembered_until_all_have_caught_up() -> None:
    first = planned(YOUNG)
    assert first.delayed == (PUSH,)
    known = {PUSH.name: (Delay(1, at(60)),)}
    assert planned(YOUNG, delays=known).delayed == ()
    assert planned(YOUNG, delays=known).caught_up == frozenset()
    # No worker may be free: it is not lost before it has the push.
    assert planned(YOUNG, delays=known, seconds=9000).caught_up == frozenset()
    there = replace(YOUNG, digests=frozenset((NEW,)))
    assert planned(there, delays=known).caught_up == {PUSH.name}


def test_a_freeze_is_what_waits_until_somebody_thaws_it() -> None:
    (wait,) = planned(container(), freezes=FREEZE).waits
    after = known(wait)
    assert (after.note, after.waits) == (FROZEN, ("frozen",))
    assert planned(container(), freezes=FREEZE, rollouts={1: after}).wake_at is None
    thawed = planned(container(), rollouts={1: after})
    assert len(thawed.start) == 1
    assert thawed.waits[0].names == ()
