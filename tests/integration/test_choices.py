"""What people look for among events, rollouts and targets is found, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from integration.keeping import HOSTS, ONCE, begin, end, ended, push, record
from registry_docker_updater.core.events.pushes import Unreadable
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.outlook import overview
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.storage.actions import begin_run
from registry_docker_updater.storage.choices import EventChoice, RolloutChoice
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import events
from registry_docker_updater.views.fleet import HostChoice
from registry_docker_updater.views.orders import TargetOrders
from registry_docker_updater.views.outlook import TargetChoice
from registry_docker_updater.views.rollouts import rollouts
from unit.builders import HOST, NEW, NEWER, OLD, at, container, desired, fleet, host, service


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [4, 3, 2, 1]),
        ({"text": "TEST/APP"}, [4, 2, 1]),
        ({"text": "bbbb"}, [1]),
        ({"text": "ALICE"}, [4, 2, 1]),
        ({"text": "no json"}, [3]),
        ({"text": "%"}, []),
        ({"registry": "other"}, [4]),
        ({"registry": "production", "tag": "2"}, [2]),
        ({"repository": "test/app", "digest": NEW}, [1]),
        ({"actor": "bob"}, []),
        ({"since": at(20)}, [4, 3, 2]),
        ({"until": at(20)}, [1]),
        ({"since": at(20), "until": at(30)}, [2]),
        ({"kind": "unreadable"}, [3]),
        ({"waits": True}, []),
        ({"waits": False}, [4, 3, 2, 1]),
    ],
)
def test_events_are_found_by_what_is_known_of_them(
    storage: Storage, wanted: dict[str, Any], numbers: list[int]
) -> None:
    record(storage, push(NEW), now=at(10))
    record(storage, push(NEWER, at(1), tag="2"), now=at(20))
    storage.events.record("production", [Unreadable("no json", "what came")], at(30))
    storage.events.record("other", [push(OLD, at(2), registry="other")], at(40))
    assert [one["id"] for one in events(storage, 10, choice=EventChoice(**wanted))] == numbers


@pytest.mark.parametrize("text", ["MÜLLER", "müller", "straße", "MÜLLER, STRASSE", "ÜLL"])
def test_the_case_of_letters_beyond_ascii_does_not_matter_either(storage: Storage, text: str) -> None:
    name = "Müller, Straße"
    record(storage, push(NEW), now=at(10))
    record(storage, replace(push(NEWER, at(1)), actor=name), now=at(20))
    begin(storage, at(21))
    assert [one["id"] for one in events(storage, 10, choice=EventChoice(text=text))] == [2]
    assert [one["id"] for one in rollouts(storage, 10, choice=RolloutChoice(text=text))] == [1]
    assert HostChoice(text).has(host("solo", at(10), f"{name} says no"))
    known = overview(fleet(container(name), WEB), [], [HOST], History(), at(10))
    choice = TargetChoice(text=text)
    assert [one.name for one in TargetOrders().chosen(known, choice, "name")] == [name]
    assert [one.name for one in choice.among(known.fleet.targets.values(), known)] == [name]


def test_a_choice_of_events_is_paged_like_all(storage: Storage) -> None:
    for number in range(6):
        record(storage, push(NEW, at(number), tag=str(number % 2)), now=at(number))
    odd = EventChoice(tag="1")
    first = [one["id"] for one in events(storage, 2, choice=odd)]
    assert first == [6, 4]
    assert [one["id"] for one in events(storage, 2, first[-1], odd)] == [2]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [2, 1]),
        ({"state": RolloutState.FINISHED}, [1]),
        ({"state": RolloutState.RUNNING}, [2]),
        ({"text": f"{HOST}/TEST/APP:2"}, [2]),
        ({"text": NEW[7:30]}, [1]),
        ({"text": "nobody"}, []),
        ({"actor": "alice", "tag": "1"}, [1]),
        ({"since": at(15)}, [2]),
    ],
)
def test_rollouts_are_found_by_what_is_known_of_their_pushes(
    storage: Storage, wanted: dict[str, Any], numbers: list[int]
) -> None:
    record(storage, push(NEW), now=at(10))
    begin(storage, at(11))
    end(storage, at(12), ended(Outcome.UPDATED), retry=ONCE)
    record(storage, push(NEWER, at(1), tag="2"), now=at(20))
    newest = {one.tag: one for one in storage.events.desired(HOSTS)}
    begin_run(storage, Start(newest["2"], (container(),), ()), at(21))
    found = rollouts(storage, 10, choice=RolloutChoice(**wanted))
    assert [one["id"] for one in found] == numbers


def test_what_became_of_a_target_is_found_newest_first(storage: Storage) -> None:
    record(storage, push(NEW), now=at(10))
    begin(storage, at(11))
    end(storage, at(12), ended(Outcome.FAILED, after=OLD), retry=ONCE)
    record(storage, push(NEWER, at(1)), now=at(20))
    begin(storage, at(21))
    end(storage, at(22), ended(Outcome.UPDATED, after=NEWER), retry=ONCE, rollout=2, digest=NEWER)
    web = container().key
    found = storage.rollouts.of_target([web], 10)
    assert [(one.rollout.id, one.said.result.outcome, one.push.digest) for one in found] == [
        (2, Outcome.UPDATED, NEWER),
        (1, Outcome.FAILED, NEW),
    ]
    assert [one.rollout.id for one in storage.rollouts.of_target([web], 1)] == [2]
    assert storage.rollouts.of_target(["container solo other"], 10) == ()


WEB, DB = container("web"), container("db", on="Solo2", image=f"{HOST}/prod/db:5", digest=NEW)
API = service("api")
KNOWN = fleet(WEB, DB, API)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, {WEB, DB, API}),
        ({"text": "PROD/db"}, {DB}),
        ({"text": "solo"}, {WEB, DB}),
        ({"text": "m3"}, {API}),
        ({"text": NEW[7:40]}, {DB}),
        ({"host": "solo"}, {WEB}),
        ({"host": "m2"}, {API}),
        ({"host": "gone"}, set()),
        ({"image": f"{HOST}/test/app:1"}, {WEB, API}),
        ({"image": f"{HOST}/test/app:2"}, set()),
        ({"image": "not an image:"}, set()),
        ({"kind": "service"}, {API}),
        ({"verdict": "due"}, {WEB, API}),
        ({"verdict": "not_pushed"}, {DB}),
        ({"is_behind": True}, {WEB, API}),
        ({"is_behind": True, "kind": "container"}, {WEB}),
    ],
)
def test_targets_are_found_by_what_is_known_of_them(wanted: dict[str, Any], found: set[Any]) -> None:
    seen = overview(KNOWN, [desired()], [HOST], History(), at(120))
    chosen = TargetOrders().chosen(seen, TargetChoice(**wanted), "key")
    assert [one.key for one in chosen] == sorted(one.key for one in found)
