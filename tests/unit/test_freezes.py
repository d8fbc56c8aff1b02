"""What a person wants nothing updated of for a while."""

from datetime import datetime, timedelta

import pytest

from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.freezes import Freeze, Freezes, Scope, problem_of
from unit.builders import NOON, at, container, fleet, host, service

WEB, API = container("web", "solo"), service("api", managers=("m1", "m2"))
# A container on a manager is one of that host, whatever swarm that is in.
SIDE = container("side", "m1")
FLEET = fleet(
    WEB,
    API,
    SIDE,
    hosts=(
        host("solo", groups=("shop", "test")),
        host("m1", swarm="swarm-one", is_manager=True, groups=("production",)),
        host("m2", swarm="swarm-one", is_manager=True),
    ),
)


def freeze(
    scope: Scope = Scope.EVERYTHING, of: str = "", until: float | None = 3600, **more: object
) -> Freeze:
    values = {"id": 1, "at": NOON, "reason": "end of year", "actor": "ann", **more}
    return Freeze(scope=scope, of=of, until=None if until is None else at(until), **values)  # type: ignore[arg-type]


def frozen(*freezes: Freeze, repository: str = "test/app") -> set[str]:
    """The names of the targets that are frozen."""
    some = Freezes(freezes)
    return {one.name for one in (WEB, API, SIDE) if some.of(one, FLEET, repository)}


@pytest.mark.parametrize(
    ("scope", "of", "names"),
    [
        (Scope.EVERYTHING, "", {"web", "api", "side"}),
        (Scope.SWARM, "swarm-one", {"api"}),
        (Scope.SWARM, "swarm-two", set()),
        (Scope.GROUP, "test", {"web"}),
        (Scope.GROUP, "production", {"api", "side"}),
        (Scope.GROUP, "tes", set()),
        (Scope.HOST, "solo", {"web"}),
        (Scope.HOST, "m1", {"api", "side"}),
        (Scope.HOST, "m2", {"api"}),
        (Scope.REPOSITORY, "test/*", {"web", "api", "side"}),
        (Scope.REPOSITORY, "test/app", {"web", "api", "side"}),
        (Scope.REPOSITORY, "Test/*", set()),
        (Scope.REPOSITORY, "prod/*", set()),
    ],
)
def test_a_freeze_is_of_the_targets_of_its_scope_and_of_no_others(
    scope: Scope, of: str, names: set[str]
) -> None:
    assert frozen(freeze(scope, of)) == names


def test_where_nothing_is_frozen_no_target_is() -> None:
    assert frozen() == set()


def test_what_is_frozen_several_times_says_so_each_once_the_oldest_first() -> None:
    some = (
        freeze(Scope.GROUP, "production", id=3),
        freeze(Scope.REPOSITORY, "test/*", id=2),
        freeze(Scope.SWARM, "swarm-one", id=1),
        freeze(Scope.SWARM, "swarm-one", id=4),
    )
    found = Freezes(some).of(API, FLEET, "test/app")
    assert [one.id for one in found] == [1, 2, 3, 4]


def test_a_host_that_nobody_knows_any_more_is_frozen_by_its_name_alone() -> None:
    gone: Target = container("web", "gone")
    assert Freezes((freeze(Scope.HOST, "gone"),)).of(gone, FLEET, "test/app")
    assert not Freezes((freeze(Scope.GROUP, "shop"),)).of(gone, FLEET, "test/app")


def test_a_freeze_counts_until_its_time_or_till_somebody_thaws_it() -> None:
    assert [freeze().counts(at(seconds)) for seconds in (0, 3599, 3600)] == [True, True, False]
    assert freeze(until=None).counts(at(10**8))
    thawed = freeze(until=None, ended_at=at(5), ended_by="bob")
    assert not thawed.counts(at(6))


def test_a_freeze_says_who_wanted_it_until_when_and_why() -> None:
    assert freeze().sentence == "frozen by ann until 2026-11-22 13:00 UTC: end of year"
    assert freeze(until=None).sentence == "frozen by ann until somebody thaws it: end of year"


@pytest.mark.parametrize(
    ("until", "reason", "problem"),
    [
        (NOON, "end of year", "a freeze ends later than now; 2026-11-22 12:00:00 UTC has passed"),
        (None, " ", "a freeze has a reason, so that others know why"),
        (None, "end\nof year", "the reason of a freeze is one line of text"),
        (None, "x" * 501, "500 characters at most, and not 501"),
    ],
)
def test_a_freeze_that_nobody_can_mean_is_none(until: datetime | None, reason: str, problem: str) -> None:
    assert problem in (problem_of(until, reason, NOON) or "")


def test_a_freeze_may_last_for_as_long_as_somebody_wants() -> None:
    assert problem_of(None, "end of year", NOON) is None
    assert problem_of(NOON + timedelta(days=4000), "end of year", NOON) is None
