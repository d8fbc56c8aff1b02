"""Which push is the newest, when events come late or out of order, clocks differ, and the sweep asks in between."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from registry_docker_updater.core.events.newest import (
    Answer,
    Finding,
    Newest,
    is_newest,
    newest_after,
    newest_after_claim,
    weigh,
)
from registry_docker_updater.core.events.pushes import Claim, Push
from unit.builders import NEW, NEWER, OLD, at

HOUR = timedelta(hours=1)


def push(digest: str, when: datetime, *, by_hand: bool = False) -> Push:
    return Push("production", "test/app", "1", digest, when, f"{digest} {when}", by_hand=by_hand)


def by_event(digest: str = NEW, occurred_at: datetime = at(0), received_at: datetime | None = None) -> Newest:
    return Newest(1, digest, occurred_at, received_at or occurred_at, registry_digest=digest)


def found(digest: str = NEW, when: datetime = at(0), received_at: datetime | None = None) -> Newest:
    return replace(by_event(digest, min(when, received_at or when), received_at), found_at=when)


def by_hand(digest: str = NEW, when: datetime = at(0)) -> Newest:
    return Newest(1, digest, when, when, registry_digest=None)


def answer(digest: str = NEWER, asked_at: datetime = at(3600), known: int | None = 1) -> Answer:
    return Answer("production", "test/app", "1", digest, asked_at, asked_at, known)


def claim(digest: str | None, received_at: datetime = at(0)) -> Claim:
    return Claim(7, "production", "test/app", "1", digest, received_at, received_at, "alice")


def test_the_first_push_is_the_newest() -> None:
    assert is_newest(push(NEW, at(-1000)), None, at(0))


@pytest.mark.parametrize(("seconds", "is_it"), [(-1, False), (0, True), (1, True)])
def test_of_two_events_the_registrys_clock_tells_the_newer_and_arrival_decides_ties(
    seconds: float, is_it: bool
) -> None:
    assert is_newest(push(NEWER, at(seconds)), by_event(), at(100)) is is_it


def test_a_clock_that_is_ahead_does_not_hide_what_follows() -> None:
    assert is_newest(push(NEWER, at(20)), by_event(occurred_at=at(10)), at(20))
    assert is_newest(push(NEWER, at(9e6)), by_event(occurred_at=at(10)), at(10))


DAY = 86400


@pytest.mark.parametrize("occurred_at", [at(9), at(-30), at(DAY)])
def test_after_our_clock_was_set_back_what_arrives_later_is_newer(occurred_at: datetime) -> None:
    assert is_newest(push(NEWER, occurred_at), by_event(occurred_at=at(DAY)), at(10))


def test_after_the_registrys_clock_was_set_back_what_arrives_later_is_newer() -> None:
    assert is_newest(push(NEWER, at(60)), found(NEW, at(DAY), received_at=at(0)), at(61))


def test_an_answer_counts_though_the_push_before_was_dated_by_a_clock_that_was_ahead() -> None:
    assert weigh(answer(NEWER, asked_at=at(120)), by_event(NEW, occurred_at=at(DAY))) is Finding.PUSH
    assert weigh(answer(NEWER, asked_at=at(120)), by_event(NEW, occurred_at=at(121))) is Finding.TOO_EARLY


@pytest.mark.parametrize("seconds", [-3600, -1, 0, 0.9, 5, 60])
def test_the_late_event_of_a_push_that_the_sweep_found_is_no_new_push(seconds: float) -> None:
    """Dates of HTTP are rounded down, and Harbor dates its events after the tag can be seen."""
    assert not is_newest(push(NEW, at(seconds)), found(NEW), at(7200))


def test_the_same_digest_pushed_again_later_is_a_new_push() -> None:
    assert is_newest(push(NEW, at(61)), found(NEW), at(62))


@pytest.mark.parametrize(
    ("seconds", "is_it"), [(-3600, False), (-1, False), (0, True), (0.3, True), (60, True)]
)
def test_a_late_event_of_before_the_sweep_goes_back_to_nothing_older_and_one_right_after_it_counts(
    seconds: float, is_it: bool
) -> None:
    """The sweep's date is that of the whole second, and a push later in that second is newer."""
    assert is_newest(push(OLD, at(seconds)), found(NEW), at(7200)) is is_it


@pytest.mark.parametrize("lag", [-HOUR, timedelta(), HOUR])
def test_it_does_not_matter_that_the_registrys_clock_is_not_ours(lag: timedelta) -> None:
    """Everything happens between noon and a minute later, by our clock; the late events arrive two hours later."""
    known = found(NEW, at(30) + lag, received_at=at(30))
    assert not is_newest(push(OLD, at(10) + lag), known, at(7200))
    assert not is_newest(push(NEW, at(20) + lag), known, at(7200))
    assert is_newest(push(NEWER, at(31) + lag), known, at(31))


def test_a_push_by_hand_is_newer_than_all_before_it_whatever_clocks_say() -> None:
    assert is_newest(push(OLD, at(60), by_hand=True), found(NEW, at(3600), received_at=at(30)), at(60))
    assert is_newest(push(OLD, at(60), by_hand=True), by_event(NEW, at(3600)), at(60))


def test_an_answer_that_nobody_told_before_is_a_push() -> None:
    assert weigh(answer(known=None), None) is Finding.PUSH
    assert weigh(answer(NEWER), by_event(NEW)) is Finding.PUSH
    assert weigh(answer(NEWER), found(NEW)) is Finding.PUSH


def test_an_answer_that_was_told_before_is_none() -> None:
    assert weigh(answer(NEW), by_event(NEW)) is Finding.KNOWN
    assert weigh(answer(NEW), found(NEW)) is Finding.KNOWN


def test_an_answer_is_dropped_when_there_was_a_push_while_the_registry_was_asked() -> None:
    assert weigh(answer(known=None), by_event()) is Finding.TOO_EARLY
    assert weigh(answer(known=7), by_event()) is Finding.TOO_EARLY


@pytest.mark.parametrize("digest", [OLD, NEWER])
def test_an_answer_contradicts_a_push_only_when_the_registry_had_time_to_name_it(digest: str) -> None:
    """Distribution sends its event before the tag names the digest. An event that came late has long settled."""
    known = by_event(NEW, occurred_at=at(0), received_at=at(1000))
    assert weigh(answer(digest, asked_at=at(59)), known) is Finding.TOO_EARLY
    assert weigh(answer(digest, asked_at=at(60)), known) is Finding.PUSH


@pytest.mark.parametrize("lag", [-HOUR, timedelta(), HOUR])
def test_whether_it_had_time_does_not_depend_on_whose_clock_is_right(lag: timedelta) -> None:
    known = by_event(NEW, occurred_at=min(at(0), at(0) + lag), received_at=at(0))
    for seconds, finding in ((59, Finding.TOO_EARLY), (60, Finding.PUSH)):
        said = replace(answer(NEWER, asked_at=at(seconds)), at=at(seconds) + lag)
        assert weigh(said, known) is finding


def test_what_the_sweep_found_the_tag_really_named_so_that_the_next_answer_counts_at_once() -> None:
    assert weigh(answer(NEWER, asked_at=at(1)), found(NEW)) is Finding.PUSH


def test_what_it_says_after_a_push_by_hand_and_a_mention_since_is_a_push_once_it_had_time() -> None:
    for seconds, digest, finding in (
        (30, NEWER, Finding.TOO_EARLY),
        (90, NEWER, Finding.PUSH),
        (90, OLD, Finding.FIRST),
    ):
        said = replace(answer(digest, asked_at=at(seconds)), claim=claim(None, at(20)))
        assert weigh(said, by_hand(OLD)) is finding
    before = replace(answer(NEWER, asked_at=at(90)), claim=claim(None, at(-20)))
    assert weigh(before, by_hand(OLD)) is Finding.FIRST


def test_what_the_registry_says_first_after_a_push_by_hand_is_no_push() -> None:
    assert weigh(answer(NEWER), by_hand(OLD)) is Finding.FIRST
    remembered = replace(by_hand(OLD), registry_digest=NEWER)
    assert weigh(answer(NEWER), remembered) is Finding.KNOWN
    assert weigh(answer(NEW), remembered) is Finding.PUSH
    assert weigh(answer(OLD), remembered) is Finding.PUSH


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_push_that_is_the_newest_is_dated_no_later_than_it_was_heard_of(by_hand: bool) -> None:
    made = push(NEWER, at(86400), by_hand=by_hand)
    newest = newest_after(made, 7, by_event(), at(10))
    assert newest is not None
    assert (newest.push, newest.digest, newest.occurred_at, newest.received_at) == (7, NEWER, at(10), at(10))
    assert newest.registry_digest == (None if by_hand else NEWER), "the registry need not have it"
    assert newest.found_at is None


def test_a_push_that_is_older_leaves_the_newest_as_it_is() -> None:
    assert newest_after(push(NEWER, at(5)), 7, by_event(occurred_at=at(10)), at(20)) is None


@pytest.mark.parametrize(
    ("claimed", "finding", "settles"),
    [
        (NEWER, Finding.PUSH, True),
        (NEWER, Finding.KNOWN, True),
        (NEWER, Finding.TOO_EARLY, False),
        (NEWER, Finding.FIRST, False),
        (OLD, Finding.PUSH, False),
        (OLD, Finding.KNOWN, False),
        (None, Finding.PUSH, True),
        (None, Finding.KNOWN, False),
    ],
)
def test_a_claim_is_settled_by_what_it_said_and_not_by_what_was_so_before(
    claimed: str | None, finding: Finding, settles: bool
) -> None:
    """Distribution tells of a push a moment before its tag can be seen."""
    assert replace(answer(NEWER), claim=claim(claimed)).settles(finding) is settles


def test_without_a_claim_there_is_nothing_to_settle() -> None:
    assert not answer().is_claimed
    assert not any(answer().settles(finding) for finding in (Finding.KNOWN, Finding.TOO_EARLY))


def test_a_claim_that_is_believed_is_a_push_of_when_it_was_told() -> None:
    newest = newest_after_claim(claim(NEWER, at(50)), NEWER, by_event(NEW), at(90))
    assert newest == Newest(7, NEWER, at(50), at(50), NEWER)


@pytest.mark.parametrize("known", [by_event(NEW), by_hand(NEW)])
def test_a_claim_that_is_believed_late_is_no_newer_than_what_came_meanwhile(known: Newest) -> None:
    assert newest_after_claim(claim(NEWER, at(-50)), NEWER, known, at(90)) is None
