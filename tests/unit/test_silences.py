"""What a person knows of already, and wants to hear nothing of for a while."""

from datetime import timedelta

import pytest

from registry_docker_updater.core.notifications.withholding import withheld
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.silences import LONGEST, Silence, Silences, Subject, problem_of
from unit.builders import HOST, NOON, at, container, rollout, service

IMAGE = f"{HOST}/test/app:1"
WEB, API = container(), service()


def silence(subject: Subject, of: str, until: float = 3600, **more: object) -> Silence:
    values = {"id": 1, "at": NOON, "reason": "it moves", "actor": "ann", **more}
    return Silence(subject=subject, of=of, until=at(until), **values)  # type: ignore[arg-type]


def counting(*silences: Silence, now: float = 0) -> Silences:
    return Silences.that_count(silences, at(now))


def test_a_silence_counts_until_its_time_or_till_somebody_ends_it() -> None:
    one = silence(Subject.HOST, "solo")
    assert [one.counts(at(seconds)) for seconds in (0, 3599, 3600)] == [True, True, False]
    assert not silence(Subject.HOST, "solo", ended_at=at(5), ended_by="bob").counts(at(6))
    assert counting(one, now=3600).of(Subject.HOST, "solo") is None


def test_of_several_silences_of_one_thing_the_one_that_lasts_longest_is_shown() -> None:
    long, short = silence(Subject.HOST, "solo", 900), silence(Subject.HOST, "solo", 60)
    assert counting(long, short).of(Subject.HOST, "solo") is long
    assert counting(short, long).of(Subject.HOST, "solo") is long
    assert long.sentence == "silenced by ann until 2026-11-22 12:15 UTC: it moves"


def test_a_target_is_silenced_itself_by_its_image_or_by_all_of_its_hosts() -> None:
    def of(*silences: Silence, hosts: tuple[str, ...] = API.hosts) -> bool:
        return counting(*silences).of_target(API.key, IMAGE, hosts) is not None

    assert of(silence(Subject.TARGET, API.key))
    assert of(silence(Subject.IMAGE, IMAGE))
    assert of(*(silence(Subject.HOST, name) for name in API.hosts))
    assert not of()
    assert not of(*(silence(Subject.HOST, name) for name in API.hosts[1:]))
    assert not of(silence(Subject.TARGET, WEB.key))
    assert not of(silence(Subject.HOST, "m1"), hosts=())
    assert counting(silence(Subject.IMAGE, IMAGE)).of_target(API.key, None, ()) is None


@pytest.mark.parametrize(
    ("until", "reason", "problem"),
    [
        (timedelta(), "it moves", "has passed"),
        (LONGEST + timedelta(seconds=1), "it moves", "30 days at most; begin it anew"),
        (timedelta(hours=1), " ", "has a reason, so that others know why"),
        (timedelta(hours=1), "it moves\x1b[2J", "it holds what nobody can print"),
        (timedelta(hours=1), "it moves \udcff", "it holds what nobody can print"),
        (timedelta(hours=1), "x" * 501, "500 characters at most, and not 501"),
    ],
)
def test_what_would_be_forgotten_is_no_silence(until: timedelta, reason: str, problem: str) -> None:
    assert problem in (problem_of(NOON + until, reason, NOON) or "")
    assert problem_of(NOON + LONGEST, "it moves", NOON) is None


def ended(outcome: Outcome, target: object = WEB) -> TargetOutcome:
    one = API if target is API else WEB
    return TargetOutcome(one.key, one.kind, one.name, one.place, outcome)


ROLLOUT = rollout(RolloutState.FINISHED)


@pytest.mark.parametrize("outcome", ["failed", "unreachable", "rolled_back", "rollback_failed"])
def test_nobody_is_told_of_failures_that_are_all_silenced(outcome: str) -> None:
    known = counting(silence(Subject.HOST, "solo"))
    sentence = "silenced by ann until 2026-11-22 13:00 UTC: it moves"
    assert withheld(ROLLOUT, [ended(Outcome(outcome))], known) == sentence
    quiet = ended(Outcome.UNCHANGED, API)
    assert withheld(ROLLOUT, [ended(Outcome(outcome)), quiet], known) == sentence


def test_the_team_is_told_as_soon_as_one_failure_is_not_silenced_or_something_went_well() -> None:
    known = counting(silence(Subject.TARGET, WEB.key))
    failed = ended(Outcome.FAILED)
    assert withheld(ROLLOUT, [failed, ended(Outcome.FAILED, API)], known) is None
    assert withheld(ROLLOUT, [failed, ended(Outcome.UPDATED)], known) is None
    assert withheld(ROLLOUT, [ended(Outcome.UPDATED)], known) is None
    assert withheld(ROLLOUT, [], known) is None
    assert withheld(ROLLOUT, [failed], counting()) is None


def test_of_a_service_counts_its_image_and_itself_and_not_the_host_that_happened_to_tell() -> None:
    failed = ended(Outcome.FAILED, API)
    assert withheld(ROLLOUT, [failed], counting(silence(Subject.IMAGE, IMAGE)))
    assert withheld(ROLLOUT, [failed], counting(silence(Subject.HOST, "m1"))) is None
