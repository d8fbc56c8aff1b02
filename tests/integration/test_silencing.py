"""A person silences a trouble that is known: what is kept of it, who asked, and whom nobody tells then."""

from datetime import timedelta
from pathlib import Path

import pytest

from integration.keeping import ANN
from integration.world import World, calm
from registry_docker_updater.activities.silencing import Wish, end_silence, meant, silence
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.silences import Subject
from registry_docker_updater.errors import NotAsked, NothingKnown, NotNow
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.silences import silences
from registry_docker_updater.views.trail import trail
from unit.builders import HOST, NOON, at, container, fleet, service

WEB, API = container("web", "solo"), service("api")
FLEET = fleet(WEB, API, container("api", "far"), container("old", "solo", image="gone.example.com/app:1"))
REGISTRIES = {"production": (HOST, "Registry.Internal:5000"), "solo": ("other.example.com",)}
WISH = Wish(Subject.HOST, "far", at(3600), "it moves")


@pytest.mark.parametrize(
    ("what", "subject", "of"),
    [
        ("far", "host", "far"),
        ("production", "registry", "production"),
        (WEB.key, "target", WEB.key),
        ("web", "target", WEB.key),
        ("host:solo", "host", "solo"),
        ("registry:solo", "registry", "solo"),
        (f"target:{API.key}", "target", API.key),
        (f"{HOST}/test/app:1", "image", f"{HOST}/test/app:1"),
        ("image:registry.internal:5000/test/app:1", "image", f"{HOST}/test/app:1"),
        ("gone.example.com/app:1", "image", "gone.example.com/app:1"),
    ],
)
def test_what_is_to_be_silenced_is_found_by_what_people_call_it(what: str, subject: str, of: str) -> None:
    assert meant(what, FLEET, REGISTRIES) == (subject, of)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("fra", r"called fra; did you mean far\?"),
        ("nobody knows it", "`fleet` lists them"),
        ("registry:far", "is called registry:far"),
        (f"{HOST}/test/other:1", "no host, target, registry or image"),
        ("solo", "several are called solo; say which: host:solo, registry:solo"),
        ("api", f"say which: target:container/far/api, target:{API.key}"),
    ],
)
def test_what_is_not_known_or_can_be_several_is_named_with_what_could_be_meant(what: str, says: str) -> None:
    with pytest.raises(NothingKnown, match=says):
        meant(what, FLEET, REGISTRIES)


def test_of_many_that_are_called_so_the_first_are_named() -> None:
    many: Fleet = fleet(*(container("web", f"host{number}") for number in range(9)))
    with pytest.raises(NothingKnown, match="target:container/host4/web and 4 more"):
        meant("web", many, REGISTRIES)


def test_a_silence_is_kept_with_who_wanted_it_and_why_and_ends_by_itself(storage: Storage) -> None:
    row = silence(storage, WISH, ANN, NOON)
    assert (row["id"], row["subject"], row["of"], row["counts"]) == (1, "host", "far", True)
    (kept,) = storage.silences.counting(at(10))
    assert (kept.actor, kept.reason, kept.until) == ("ann", "it moves", at(3600))
    assert storage.silences.counting(at(3600)) == ()
    assert [one["counts"] for one in silences(storage, at(3600), 10)] == [False]
    said = trail(storage, 10, 1)[0][0]
    assert said["kind"] == "silence.began"
    assert said["says"].startswith(
        "ann wanted it, command line; host far is silenced, until 2026-11-22T13:00:00"
    )


def test_a_person_can_end_a_silence_once_and_not_one_that_is_over(storage: Storage) -> None:
    silence(storage, WISH, ANN, NOON)
    row = end_silence(storage, 1, ANN, at(60))
    assert (row["ended_by"], row["counts"]) == ("ann", False)
    assert storage.silences.counting(at(60)) == ()
    assert trail(storage, 10, 2)[0][0]["says"].count("far is silenced, ended at 2026-11-22T12:01:00") == 1
    with pytest.raises(NotNow, match="silence 1 has ended already"):
        end_silence(storage, 1, ANN, at(61))
    for number in (2, 2**70):
        with pytest.raises(NothingKnown, match=f"there is no silence {number}"):
            end_silence(storage, number, ANN, at(61))


def test_what_is_wrong_with_a_silence_is_said_and_nothing_is_kept(storage: Storage) -> None:
    with pytest.raises(NotAsked, match="30 days at most"):
        silence(storage, Wish(Subject.HOST, "far", NOON + timedelta(days=31), "it moves"), ANN, NOON)
    assert silences(storage, NOON, 10) == []


def test_silences_are_listed_in_pages_the_newest_first(storage: Storage) -> None:
    for _ in range(3):
        silence(storage, WISH, ANN, NOON)
    assert [one["id"] for one in silences(storage, NOON, 2)] == [3, 2]
    assert [one["id"] for one in silences(storage, NOON, 2, 2)] == [1]


def test_the_team_hears_nothing_of_failures_on_a_silenced_host_and_of_all_others(tmp_path: Path) -> None:
    world = calm(World(lambda _: 0, tmp_path))
    world.down.add("far")
    silence(
        world.store,
        Wish(Subject.HOST, "far", world.clock() + timedelta(hours=1), "it moves"),
        ANN,
        world.clock(),
    )
    world.things = [thing for thing in world.things if thing.hosts == ("far",)]
    world.push("1")
    world.look_and_work()
    world.look_and_work()
    assert world.messages == []
    ((message, _),) = world.store.notifications.of_rollout(1)
    assert (message.state, message.due_at) == ("nobody told", None)
    assert (message.error or "").startswith("silenced by ann until ")
    end_silence(world.store, 1, ANN, world.clock())
    world.push("1")
    world.look_and_work()
    world.look_and_work()
    assert [one["items"][0]["outcomes"][0]["outcome"] for one in world.messages] == ["unreachable"]
