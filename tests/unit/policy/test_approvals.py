"""Whose word on a push counts, and where its approval stands."""

from datetime import timedelta

import pytest

from registry_docker_updater.core.events.pushes import by_hand
from registry_docker_updater.core.policy.approvals import (
    ApprovalStanding,
    ApprovalState,
    standing_of,
    why_not,
)
from registry_docker_updater.core.policy.decisions import Decision
from registry_docker_updater.core.policy.rules import ApprovalRule
from unit.builders import NOON, at

KEY = "service/x"
ONE = ApprovalRule()
DAY = timedelta(days=1)


def said(person: str, seconds: float = 10, *, yes: bool = True, keys: tuple[str, ...] = (KEY,)) -> Decision:
    return Decision(1, 1, frozenset(keys), person, at(seconds), yes, None if yes else "not today")


def standing(
    rule: ApprovalRule, *decisions: Decision, seconds: float = 60, pusher: str | None = "ann"
) -> ApprovalStanding:
    return standing_of(rule, decisions, KEY, pushed_at=NOON, pusher=pusher, now=at(seconds))


def test_without_a_word_it_is_open() -> None:
    known = standing(ONE)
    assert (known.state, known.missing, known.approved_by, known.lapses_at) == (
        ApprovalState.OPEN,
        1,
        (),
        None,
    )


def test_one_approval_is_enough_where_one_is_asked_for() -> None:
    known = standing(ONE, said("bob"))
    assert (known.state, known.missing, known.approved_by) == (ApprovalState.APPROVED, 0, ("bob",))


def test_a_decision_is_for_the_targets_that_were_there() -> None:
    assert standing(ONE, said("bob", keys=("service/y",))).state is ApprovalState.OPEN


def test_several_people_are_several_people_and_not_one_who_says_it_often() -> None:
    two = ApprovalRule(people=2)
    known = standing(two, said("bob"), said("Bob", 20), said("bob", 30))
    assert (known.state, known.missing) == (ApprovalState.OPEN, 1)
    assert standing(two, said("bob"), said("eve")).state is ApprovalState.APPROVED


def test_one_refusal_is_enough_whoever_approved() -> None:
    known = standing(ONE, said("bob"), said("eve", 20, yes=False))
    assert known.state is ApprovalState.REFUSED
    assert known.refusal == said("eve", 20, yes=False)


def test_the_last_word_of_a_person_counts() -> None:
    assert standing(ONE, said("bob", yes=False), said("bob", 20)).state is ApprovalState.APPROVED
    assert standing(ONE, said("bob"), said("bob", 20, yes=False)).state is ApprovalState.REFUSED


def test_the_word_of_who_may_not_decide_is_none() -> None:
    rule = ApprovalRule(by=(frozenset(("ann", "team-*")),))
    assert standing(rule, said("bob")).state is ApprovalState.OPEN
    assert standing(rule, said("bob", yes=False)).state is ApprovalState.OPEN
    assert standing(rule, said("Team-lead")).state is ApprovalState.APPROVED


def test_who_may_is_who_every_place_names() -> None:
    rule = ApprovalRule(by=(frozenset(("bob", "eve")),)).and_also(ApprovalRule(by=(frozenset(("eve",)),)))
    assert standing(rule, said("bob")).state is ApprovalState.OPEN
    assert standing(rule, said("eve")).state is ApprovalState.APPROVED


@pytest.mark.parametrize("pusher", ["ann", "Ann", by_hand("ann")])
def test_whoever_pushed_does_not_count_where_four_eyes_are_to_see_it(pusher: str) -> None:
    rule = ApprovalRule(is_by_others=True)
    assert standing(rule, said("ann"), pusher=pusher).state is ApprovalState.OPEN
    assert standing(rule, said("ann"), said("bob"), pusher=pusher).approved_by == ("bob",)
    assert why_not(rule, "ann", pusher) == "ann pushed it, and somebody else is to approve (four-eyes)"
    assert why_not(ONE, "ann", pusher) is None


@pytest.mark.parametrize("pusher", [None, "", " ", " (by hand)", "found by the sweep"])
def test_where_nobody_knows_who_pushed_four_eyes_take_one_person_more(pusher: str | None) -> None:
    rule = ApprovalRule(is_by_others=True)
    one = standing(rule, said("ann"), pusher=pusher)
    assert (one.state, one.people, one.missing) == (ApprovalState.OPEN, 2, 1)
    assert standing(rule, said("ann"), said("Ann"), pusher=pusher).state is ApprovalState.OPEN
    assert standing(rule, said("ann"), said("bob"), pusher=pusher).state is ApprovalState.APPROVED
    assert standing(ONE, said("ann"), pusher=pusher).state is ApprovalState.APPROVED


def test_it_lapses_at_the_deadline_and_what_comes_then_is_too_late() -> None:
    rule = ApprovalRule(deadline=timedelta(seconds=60))
    assert standing(rule, seconds=59).state is ApprovalState.OPEN
    assert standing(rule, seconds=60).state is ApprovalState.LAPSED
    assert standing(rule, said("bob", 60), seconds=61).state is ApprovalState.LAPSED
    assert standing(rule, seconds=0).lapses_at == at(60)


def test_what_was_approved_in_time_stays_so() -> None:
    rule = ApprovalRule(deadline=timedelta(seconds=60))
    assert standing(rule, said("bob", 59), seconds=9999).state is ApprovalState.APPROVED


def test_a_refusal_counts_whenever_it_comes() -> None:
    rule = ApprovalRule(deadline=timedelta(seconds=60))
    late = said("eve", 61, yes=False)
    assert standing(rule, late, seconds=62).state is ApprovalState.REFUSED
    assert standing(rule, said("bob", 59), late, seconds=62).refusal == late
    own = said("bob", 61, yes=False)
    assert standing(rule, said("bob", 59), own, said("bob", 62), seconds=63).refusal == own


def test_places_add_up_to_the_strictest() -> None:
    both = ApprovalRule(1, (), False, DAY).and_also(ApprovalRule(2, (frozenset(("ann",)),), True))
    assert both == ApprovalRule(2, (frozenset(("ann",)),), True, DAY)
    assert ApprovalRule(deadline=2 * DAY).and_also(ApprovalRule(deadline=DAY)).deadline == DAY
