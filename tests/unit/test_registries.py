"""Which registry went silent, and what is said of each."""

from typing import Any

import pytest

from registry_docker_updater.core.schedules.registries import (
    PATIENCE,
    Heard,
    KnownRegistry,
    LastPoll,
    RegistryStanding,
    standings,
)
from unit.builders import HOST, NOON, at

KNOWN = KnownRegistry("harbor", (HOST,))


def standing(seconds: float = 3600, poll: LastPoll | None = LastPoll(NOON), **heard: Any) -> RegistryStanding:
    return RegistryStanding("production", KNOWN, Heard(**heard), poll, at(seconds))


def test_a_registry_is_silent_since_the_first_push_of_which_it_did_not_tell() -> None:
    one = standing(event=3, told_at=at(-60), heard_at=at(-60), missed=2, missed_since=NOON)
    assert one.silent_since == NOON
    assert one.sentence == (
        "registry production is silent: the sweep found 2 pushes of which no event told;"
        " see that its webhook still is what `registry-config production` prints, and can reach the operator"
    )


def test_an_event_that_may_only_be_late_makes_no_registry_silent() -> None:
    late = PATIENCE.total_seconds()
    assert standing(late - 1, missed=1, missed_since=NOON).silent_since is None
    assert standing(late, missed=1, missed_since=NOON).silent_since == NOON


@pytest.mark.parametrize(
    ("heard", "remedy"),
    [
        ({}, "see that it has the webhook that `registry-config production` prints"),
        ({"heard_at": at(60)}, "it sends other events, so see that its webhook sends those of pushes"),
    ],
)
def test_what_to_see_to_depends_on_what_a_silent_registry_sends(heard: dict[str, Any], remedy: str) -> None:
    one = standing(missed=1, missed_since=NOON, **heard)
    assert (
        one.sentence
        == f"registry production is silent: the sweep found a push of which no event told; {remedy}"
    )


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (standing(told_at=NOON), "it tells of its pushes"),
        (standing(), "it has told of no push so far"),
        (standing(poll=None), "it is not asked, and told of no push so far"),
        (standing(poll=LastPoll(NOON, "registry production cannot be asked"), told_at=NOON), "registry production cannot be asked"),
    ],
)  # fmt: skip
def test_of_every_other_registry_is_said_how_it_is(one: RegistryStanding, says: str) -> None:
    assert (one.silent_since, one.sentence) == (None, says)


def test_what_is_heard_later_counts_and_what_was_missed_before_it_does_not() -> None:
    before = Heard(3, at(10), at(20), missed=2, missed_since=at(30))
    assert before.and_then(Heard(7, at(40), at(40))) == Heard(7, at(40), at(40))
    assert before.and_then(Heard(heard_at=at(50))) == Heard(3, at(10), at(50))
    assert Heard().and_then(Heard()) == Heard()


def test_every_registry_of_the_settings_has_its_standing_and_no_other() -> None:
    known = {"b": KNOWN, "a": KNOWN}
    found = list(standings(known, {"a": Heard(1, NOON, NOON), "gone": Heard()}, {"b": LastPoll(NOON)}, at(1)))
    assert [(one.name, one.heard.event, one.poll) for one in found] == [
        ("a", 1, None),
        ("b", 0, LastPoll(NOON)),
    ]
