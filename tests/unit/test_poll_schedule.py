"""When which tag is asked for: everything soon, nothing in bursts, none left out, and no registry hammered."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry_docker_updater.core.events.newest import SETTLE
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.schedules.polls import PAUSE, PollSchedule, Tag, tags_of
from unit.builders import HOST, NEW, NOON, at, container, fleet, service

HOUR = timedelta(hours=1)
WEB, API = Tag("test/web", "1"), Tag("test/api", "1")


def some(count: int) -> list[Tag]:
    return [Tag(f"test/app{number}", "1") for number in range(count)]


def schedule(*tags: Tag, interval: timedelta = HOUR) -> PollSchedule:
    return PollSchedule(interval).of(tags, NOON)


def asked_until(
    plan: PollSchedule, end: datetime, now: datetime = NOON
) -> tuple[PollSchedule, list[tuple[datetime, Tag]]]:
    """Answer whatever is asked at once, until ``end``."""
    asked = []
    while (due := plan.next) and max(now, due[1]) < end:
        now = max(now, due[1])
        asked.append((now, due[0]))
        plan = plan.asked(due[0], now)
    return plan, asked


def test_the_tags_are_those_that_the_fleet_runs_of_this_registry_each_once() -> None:
    """Under any of its names, pinned to a digest or not."""
    known = fleet(
        container("a", image=f"{HOST}/test/app:1"),
        container("b", image=f"Registry.INTERNAL:5000/test/app:1@{NEW}"),
        service("c", image=f"{HOST}/test/app:2"),
        container("d", image="elsewhere.example.com/test/app:3"),
        container("e", image=f"{HOST}/test/app@{NEW}"),
        container("f", image="nginx"),
    )
    expected = {Tag("test/app", "1"), Tag("test/app", "2")}
    assert tags_of(known, (HOST, "registry.internal:5000")) == expected
    assert tags_of(Fleet(), (HOST,)) == frozenset()


def test_what_is_seen_first_is_asked_for_at_once_and_what_is_gone_no_more() -> None:
    assert PollSchedule(HOUR).next is None
    plan = schedule(WEB)
    assert plan.next == (WEB, NOON)
    plan = plan.asked(WEB, at(1)).of([WEB, API], at(2))
    assert plan.next == (API, at(2))
    assert plan.of([], at(3)).next is None
    assert plan.of([WEB], at(3)).due == {WEB: plan.due[WEB]}


def test_a_large_fleet_is_asked_over_minutes_and_later_spread_over_the_interval() -> None:
    plan, first = asked_until(schedule(*some(2000)), at(3600))
    assert {tag for _, tag in first} == set(some(2000))
    moments = [moment for moment, _ in first[:2000]]
    assert all(later - earlier >= PAUSE for earlier, later in pairwise(moments))
    assert timedelta(minutes=5) < moments[-1] - moments[0] < timedelta(minutes=10)
    _, second = asked_until(plan, at(7200), at(3600))
    assert sorted(tag for _, tag in second) == sorted(some(2000))
    tenths = Counter((moment - at(3600)) // timedelta(minutes=6) for moment, _ in second)
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) < 300


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.sampled_from([1, 7, 60, 3600]))
def test_no_tag_waits_longer_than_the_interval_and_a_round_through_all_the_others(
    counts: list[int], seconds: int
) -> None:
    """Also where there is more to ask than the interval has room for."""
    interval = timedelta(seconds=seconds)
    tags = some(sum(counts))
    longest = interval + PAUSE * len(tags)
    plan = schedule(*tags, interval=interval)
    _, asked = asked_until(plan, NOON + 2 * longest + PAUSE)
    for tag in tags:
        moments = [NOON, *(moment for moment, one in asked if one == tag), NOON + 2 * longest]
        assert max(later - earlier for earlier, later in pairwise(moments)) <= longest


def test_after_a_push_the_registry_is_asked_when_it_must_know_and_not_later() -> None:
    plan = schedule(WEB, API).asked(WEB, at(1)).asked(API, at(2))
    pushed = plan.pushed([API, Tag("test/none", "1")], at(10))
    assert pushed.due == {WEB: plan.due[WEB], API: min(plan.due[API], at(10) + SETTLE)}
    assert schedule(WEB).pushed([WEB], at(0)).next == (WEB, NOON)


def test_an_answer_that_came_too_early_is_asked_for_again_soon() -> None:
    assert schedule(WEB).asked(WEB, at(5), too_early=True).next == (WEB, at(5) + SETTLE)


def test_after_an_outage_everything_is_asked_for_again() -> None:
    plan = schedule(WEB, API).asked(WEB, at(1)).asked(API, at(2)).everything_due(at(10))
    assert plan.due == {WEB: at(10), API: at(10)}
    assert plan.everything_due(at(20)).due == {WEB: at(10), API: at(10)}


def test_a_registry_that_cannot_be_asked_is_asked_ever_more_seldom() -> None:
    plan, waits, now = schedule(WEB), [], NOON
    for _ in range(10):
        plan = plan.failed(WEB, now, None)
        assert plan.next is not None
        waits.append((plan.next[1] - now).total_seconds())
        now = plan.next[1]
    assert waits == [10, 20, 40, 80, 160, 320, 640, 900, 900, 900]
    assert plan.asked(WEB, now).failed(WEB, now, None).not_before == now + timedelta(seconds=10)


def test_a_registry_that_was_away_is_asked_for_everything_again_and_one_that_stumbled_is_not() -> None:
    """It may have forgotten its events when it was restarted."""
    plan = schedule(WEB, API).asked(WEB, at(1))
    once = plan.failed(API, at(2), None)
    assert once.due == {**plan.due, API: at(2)}
    assert once.failed(API, at(12), None).due == {WEB: at(12), API: at(12)}


@pytest.mark.parametrize(("said", "wait"), [(0, 10), (30, 30), (600, 600), (99999, 3600)])
def test_a_registry_that_wants_to_be_left_alone_is_left_alone(said: int, wait: int) -> None:
    """For an hour at most, and without asking it for everything again."""
    plan = schedule(WEB, API).asked(WEB, at(1)).failed(API, at(2), timedelta(seconds=said))
    assert plan.next == (API, at(2 + wait))
    assert plan.failed(API, at(3), timedelta(seconds=said)).due[WEB] > at(3)


def test_a_tag_that_fells_the_registry_is_asked_for_after_all_others() -> None:
    """Else it would be the first that is asked for each time the registry is back."""
    plan = schedule(WEB, API, *some(3)).failed(API, at(1), None).failed(WEB, at(2), None)
    _, asked = asked_until(plan, at(600))
    assert [tag for _, tag in asked] == [*some(3), API, WEB]


def test_a_tag_of_which_nothing_is_told_waits_behind_the_others_and_ever_longer() -> None:
    """And not longer than the interval; the first answer ends that."""
    plan = schedule(WEB, *some(20)).unanswered(WEB, NOON)
    _, asked = asked_until(plan, at(50))
    assert [tag for _, tag in asked] == sorted(some(20))
    plan, now, waits = schedule(WEB, API).asked(API, NOON), NOON, []
    for _ in range(9):
        plan = plan.unanswered(WEB, now)
        waits.append((plan.due[WEB] - now).total_seconds())
        now = plan.due[WEB]
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert plan.asked(WEB, now).unanswered(WEB, now).due[WEB] == now + timedelta(minutes=1)
    assert plan.failures == 0


@pytest.mark.parametrize(("said", "wait"), [(None, 60), (30, 60), (600, 600), (99999, 3600)])
def test_a_tag_that_is_to_be_left_alone_for_some_time_is_and_hinders_no_other(
    said: int | None, wait: int
) -> None:
    plan = schedule(WEB, API).unanswered(WEB, NOON, None if said is None else timedelta(seconds=said))
    assert plan.due[WEB] == at(wait)
    assert plan.next == (API, NOON + PAUSE)


def test_a_registry_that_tells_of_no_tag_is_asked_slowly_and_of_everything_when_it_tells_again() -> None:
    """One that does not tell of many is asked of all within minutes all the same."""
    tags = some(30)
    plan, now = schedule(*tags), NOON
    for _ in tags:
        assert plan.next is not None
        tag, now = plan.next[0], max(now, plan.next[1])
        plan = plan.unanswered(tag, now)
    assert at(120) < now < at(400)
    assert plan.next is not None
    assert plan.not_before == now + timedelta(seconds=10)
    back = plan.asked(tags[0], now)
    assert all(back.due[tag] <= now for tag in tags[1:])
    assert (back.not_before, back.rest_until) == (None, now + PAUSE)
    some_are_not = back.asked(tags[1], now).unanswered(tags[2], now).asked(tags[3], now)
    assert some_are_not.due[tags[2]] > now


def test_what_was_wrong_with_a_tag_is_forgotten_with_it() -> None:
    plan = schedule(WEB, API).unanswered(WEB, NOON)
    assert plan.of([API], NOON).troubles == {}


def test_what_was_mentioned_is_asked_for_again_while_nothing_new_is_said() -> None:
    one = Tag("test/app", "1")
    plan = schedule(one).asked(one, NOON).mentioned([one, Tag("test/other", "1")], at(60))
    assert plan.next == (one, at(60))
    assert len(plan.due) == 1
    for asked_at, next_ in ((60, 61), (61, 66), (66, 126)):
        plan = plan.asked(one, at(asked_at))
        assert plan.due[one] == at(next_)
    plan = plan.asked(one, at(126))
    assert plan.again == {}
    assert plan.due[one] > at(126)


def test_once_the_push_that_was_mentioned_is_found_nothing_more_is_expected() -> None:
    one = Tag("test/app", "1")
    plan = schedule(one).asked(one, NOON).mentioned([one], at(60)).asked(one, at(60), is_settled=True)
    assert plan.again == {}
    early = schedule(one).asked(one, at(60), too_early=True)
    assert early.due[one] == at(120)


def test_what_stands_beside_it_comes_next_and_not_before_what_is_left_alone() -> None:
    one, two = some(2)
    plan = schedule(one, two).asked(one, NOON).unanswered(two, NOON, timedelta(minutes=30))
    plan = plan.beside_mentioned([one, two, WEB], at(60))
    assert plan.due[one] == at(60) + PAUSE
    assert plan.due[two] >= at(1800)
    assert WEB not in plan.due
    assert plan.again == {}


def test_what_was_mentioned_is_asked_for_without_a_pause_and_at_once() -> None:
    """Pauses are for what the sweep asks on its own; a push was worth many questions to the registry already."""
    tags = some(40)
    plan, _ = asked_until(schedule(*tags), at(600))
    plan, asked = asked_until(plan.mentioned(tags[:30], at(600)), at(600.1), at(600))
    assert sorted(tag for _, tag in asked) == sorted(tags[:30])
    assert plan.next is not None
    assert plan.next[1] > at(600.1)


def test_what_was_mentioned_waits_where_the_registry_wants_to_be_left_alone_and_lets_others_come_before() -> (
    None
):
    plan = schedule(WEB, API).asked(WEB, at(0)).asked(API, at(1))
    away = plan.failed(WEB, at(1), timedelta(seconds=30)).mentioned([API], at(2))
    assert away.next == (API, at(31))
    later = schedule(WEB, API).mentioned([API], at(1)).unanswered(API, at(2))
    assert later.next is not None
    assert later.next[0] == WEB


def test_a_stream_of_mentions_leaves_the_others_their_turns() -> None:
    """One a pause, as always; those that are asked for again among them."""
    plan = schedule(WEB, *some(3)).mentioned([API, WEB], at(0))
    now, asked = at(0), []
    for _ in range(400):
        plan = plan.mentioned([WEB], now)
        assert plan.next is not None
        now = max(now, plan.next[1]) + timedelta(milliseconds=10)
        asked.append(plan.next[0])
        plan = plan.asked(plan.next[0], now)
    assert set(asked) == {WEB, *some(3)}
    assert asked.count(WEB) > 300


def test_what_is_mentioned_has_a_registry_asked_that_could_not_be_but_for_one_that_told_to_wait() -> None:
    """The event may be the first sign that it is back."""
    away = schedule(WEB)
    for moment in range(0, 50, 5):
        away = away.failed(WEB, at(moment), None)
    assert away.next == (WEB, at(45 + 900))
    again = away.mentioned([WEB], at(60))
    assert again.next == (WEB, at(61))
    assert again.failed(WEB, at(61), None).next == (WEB, at(91)), "and again soon, while that waits"
    assert again.settled(WEB).failed(WEB, at(61), None).next == (WEB, at(61 + 900))
    busy = away.failed(WEB, at(50), timedelta(minutes=30)).mentioned([WEB], at(60))
    assert busy.next == (WEB, at(50 + 1800))


def test_a_tag_whose_registry_told_to_wait_is_left_alone_though_it_is_mentioned() -> None:
    waits = schedule(WEB).unanswered(WEB, at(0), timedelta(hours=1))
    for plan in (
        waits.mentioned([WEB], at(10)),
        waits.pushed([WEB], at(10)),
        waits.everything_due(at(10)),
        waits.beside_mentioned([WEB], at(10)),
    ):
        assert plan.next == (WEB, at(3600))
    again = waits.asked(WEB, at(3600)).mentioned([WEB], at(3700))
    assert again.next == (WEB, at(3700))


def test_what_nobody_runs_any_more_is_forgotten_whatever_was_told_of_it() -> None:
    plan = (
        schedule(WEB, API)
        .unanswered(WEB, at(0), timedelta(hours=1))
        .mentioned([WEB], at(10))
        .of([API], at(20))
    )
    assert (plan.again, plan.told_to_wait) == ({}, {})


def test_of_a_list_each_page_is_asked_for_in_its_turn_and_the_list_again_in_its_interval() -> None:
    tags = Tag("test/app")
    assert tags.is_list
    assert not WEB.is_list
    assert (str(tags), str(WEB)) == ("the tags of test/app", "test/web:1")
    plan = schedule(tags, WEB, API).begun(tags, at(0))
    assert plan.next == (API, at(0) + PAUSE)
    plan = plan.asked(API, at(1)).asked(WEB, at(2))
    assert plan.next == (tags, at(2) + PAUSE)
    plan = plan.asked(tags, at(3))
    assert at(3) < plan.due[tags] <= at(3603)


def test_what_is_asked_for_again_soon_does_not_wait_behind_all_that_is_due() -> None:
    plan = schedule(WEB, *some(1000)).mentioned([WEB], at(0)).asked(WEB, at(0)).everything_due(at(0.5))
    _, asked = asked_until(plan, at(2))
    assert [tag for _, tag in asked].index(WEB) <= 6


def test_a_question_about_what_was_mentioned_is_asked_again_soon_where_nothing_was_told() -> None:
    plan, now = schedule(WEB).asked(WEB, at(0)).mentioned([WEB], at(10)), at(10)
    waits = []
    for _ in range(4):
        plan = plan.unanswered(WEB, now)
        waits.append((plan.due[WEB] - now).total_seconds())
        now = plan.due[WEB]
    assert waits[:3] == [1, 5, 60]
    assert waits[3] > 60
