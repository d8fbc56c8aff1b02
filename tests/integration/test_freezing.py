"""A person has nothing updated for a while: what is kept of it, who asked, and that an operator notices."""

from pathlib import Path

import pytest

from integration.keeping import ANN
from registry_docker_updater.activities.freezing import FreezeWish, freeze, meant, thaw
from registry_docker_updater.core.policy.freezes import Scope
from registry_docker_updater.errors import NotAsked, NothingKnown, NotNow
from registry_docker_updater.storage.evidence import verify
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.freezes import called, freezes, frozen
from registry_docker_updater.views.trail import trail
from unit.builders import HOST, NOON, at, container, fleet, host, service

MANAGERS = ("m1", "m2", "m3", "m4")
FLEET = fleet(
    container("web", "solo", image=f"{HOST}/prod/app:1"),
    container("db", "shop", image=f"{HOST}/prod/db:1"),
    service("api", MANAGERS, image="other.example.com/shop:1"),
    hosts=(
        host("solo", groups=("shop", "production")),
        *(host(name, swarm="swarm-one", is_manager=True, groups=("managers",)) for name in MANAGERS),
    ),
)
EVERYTHING = FreezeWish(Scope.EVERYTHING, "", None, " end of year ")


@pytest.mark.parametrize(
    ("what", "scope", "of"),
    [
        ("everything", "everything", ""),
        ("solo", "host", "solo"),
        ("m1", "host", "m1"),
        ("swarm-one", "swarm", "swarm-one"),
        ("swarm:swarm-one", "swarm", "swarm-one"),
        ("swarm:m3", "swarm", "swarm-one"),
        ("production", "group", "production"),
        ("group:shop", "group", "shop"),
        ("host:shop", "host", "shop"),
        ("repository:shop", "repository", "shop"),
        ("prod/*", "repository", "prod/*"),
        ("prod/app", "repository", "prod/app"),
    ],
)
def test_what_is_to_be_frozen_is_found_by_what_people_call_it(what: str, scope: str, of: str) -> None:
    assert meant(what, FLEET) == (scope, of)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("", "`fleet` lists them"),
        ("soll", r"is called soll; did you mean solo\?"),
        ("repository:prdo/*", r"is called repository:prdo/\*; did you mean prod/"),
        ("swarm:solo", "is called swarm:solo"),
        ("group:solo", "is called group:solo"),
        ("everything:solo", "is called everything:solo"),
        ("Prod/*", "is called Prod"),
        ("shop", "several are called shop; say which: group:shop, host:shop, repository:shop"),
    ],
)
def test_a_freeze_of_nothing_is_refused_with_what_could_be_meant(what: str, says: str) -> None:
    with pytest.raises(NothingKnown, match=says):
        meant(what, FLEET)


def test_a_freeze_is_kept_with_who_wanted_it_and_why_and_ends_by_itself(storage: Storage) -> None:
    new = freeze(storage, FreezeWish(Scope.HOST, "solo", at(3600), "it moves"), ANN, NOON)
    assert storage.freezes.counting(at(3599)) == (new,)
    assert storage.freezes.counting(at(3600)) == ()
    assert (new.actor, new.reason, new.at) == ("ann", "it moves", NOON)
    said = trail(storage, 10, 1)[0][0]
    assert said["kind"] == "freeze.began"
    assert said["says"] == (
        "ann wanted it, command line; host solo is frozen, until 2026-11-22T13:00:00Z: it moves"
    )


def test_a_freeze_without_a_time_counts_until_a_person_thaws_it_once(storage: Storage) -> None:
    assert freeze(storage, EVERYTHING, ANN, NOON).reason == "end of year"
    assert len(storage.freezes.counting(at(10**8))) == 1
    assert trail(storage, 10, 1)[0][0]["says"].endswith(
        "everything is frozen, until somebody thaws it: end of year"
    )
    thawed = thaw(storage, 1, ANN, at(60))
    assert (thawed.ended_by, thawed.ended_at) == ("ann", at(60))
    assert storage.freezes.counting(at(60)) == ()
    assert trail(storage, 10, 2)[0][0]["says"].endswith(
        "everything is thawed, at 2026-11-22T12:01:00Z: end of year"
    )
    with pytest.raises(NotNow, match="freeze 1 has ended already"):
        thaw(storage, 1, ANN, at(61))
    for number in (2, 2**70):
        with pytest.raises(NothingKnown, match=f"there is no freeze {number}"):
            thaw(storage, number, ANN, at(61))
    assert list(verify(storage)) == []


@pytest.mark.parametrize(
    ("wish", "part"),
    [
        (FreezeWish(Scope.EVERYTHING, "", NOON, "end of year"), "until"),
        (FreezeWish(Scope.EVERYTHING, "", None, ""), "reason"),
    ],
)
def test_what_is_wrong_with_a_freeze_is_said_and_nothing_is_kept(
    storage: Storage, wish: FreezeWish, part: str
) -> None:
    with pytest.raises(NotAsked) as raised:
        freeze(storage, wish, ANN, NOON)
    assert raised.value.part == part
    assert storage.freezes.counting(NOON) == ()


def test_an_operator_that_runs_notices_that_a_freeze_began_and_that_it_was_thawed(storage: Storage) -> None:
    seen = [storage.change_counter()]
    for number in (1, 2):
        freeze(storage, EVERYTHING, ANN, NOON)
        seen.append(storage.change_counter())
        thaw(storage, number, ANN, at(5))
        seen.append(storage.change_counter())
    storage.retention.remove_freezes(at(10), at(10))
    assert seen == sorted(set(seen))
    assert storage.change_counter() == seen[-1]


def test_freezes_are_listed_in_pages_the_newest_first_and_those_that_count_by_themselves(
    storage: Storage, path: Path
) -> None:
    assert path
    for until in (None, at(5), None, at(9)):
        freeze(storage, FreezeWish(Scope.SWARM, "swarm-one", until, "it moves"), ANN, NOON)
    thaw(storage, 3, ANN, at(1))

    def listed(limit: int = 10, before: int | None = None, counts: bool | None = None) -> list[int]:
        return [row["id"] for row in freezes(storage, FLEET, at(6), limit, before, counts=counts)]

    assert (listed(2), listed(2, 3)) == ([4, 3], [2, 1])
    assert (listed(counts=True), listed(counts=False)) == ([4, 1], [3, 2])
    assert [row["id"] for row in frozen(storage, FLEET, at(6))] == [4, 1]


def test_a_swarm_is_called_by_its_managers_as_far_as_they_are_known() -> None:
    assert called("swarm", "swarm-one", FLEET) == "swarm of m1, m2, m3, …"
    assert called("swarm", "swarm-two", FLEET) == "swarm swarm-two"
    assert called("everything", "", FLEET) == "everything"
    assert called("repository", "prod/*", FLEET) == "repository prod/*"
