"""What is kept of events: each once, and the newest push of each name."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from integration.keeping import HOSTS, push
from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.core.events.pushes import Unreadable
from registry_docker_updater.core.events.receiving import read
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.storage.arrivals import Recorded
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import events
from unit.builders import HOST, NEW, NEWER, NOON, at, whole

PAYLOADS = Path(__file__).parents[1] / "payloads"


def test_a_push_is_desired_under_every_name_of_its_registry(storage: Storage) -> None:
    assert storage.events.record("production", [push()], at(5)) == Recorded(1, 0, 0, (1,))
    (desired,) = storage.events.desired(HOSTS)
    assert desired == DesiredImage(
        1, "production", HOSTS["production"], "test/app", "1", NEW, at(5), actor="alice"
    )
    assert storage.events.desired({}) == ()


def test_the_same_event_twice_is_one_push_also_within_one_request(storage: Storage) -> None:
    assert storage.events.record("production", [push(key="a"), push(key="a")], at(1)) == Recorded(
        1, 1, 0, (1,)
    )
    assert storage.events.record("production", [push(key="a")], at(2)) == Recorded(0, 1, 0)
    assert len(events(storage, 10)) == 1
    assert storage.events.record("test", [push(key="a", registry="test")], at(3)) == Recorded(1, 0, 0, (2,))


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("sequence-distribution2-multiarch-push", 1),
        ("sequence-distribution2-retry", 2),
        ("sequence-harbor28-retry", 2),
    ],
)
def test_a_captured_series_gives_one_push_for_each_event(storage: Storage, name: str, accepted: int) -> None:
    sender = FORMATS["harbor" if "harbor" in name else "distribution"]
    total = 0
    for request in json.loads((PAYLOADS / f"{name}.json").read_text()):
        reading = read("production", sender, Delivery(request["body"].encode()))
        total += storage.events.record("production", reading.kept, NOON).accepted
    assert total == accepted


def test_the_newest_push_is_the_registrys_last_whatever_arrives_last(storage: Storage) -> None:
    storage.events.record("production", [push(NEWER, at(20))], at(30))
    storage.events.record("production", [push(NEW, at(10))], at(31))
    assert [desired.digest for desired in storage.events.desired(HOSTS)] == [NEWER]


def test_of_two_pushes_in_one_second_the_one_that_arrived_last_counts(storage: Storage) -> None:
    storage.events.record("production", [push(NEW, at(10))], at(30))
    storage.events.record("production", [push(NEWER, at(10))], at(31))
    assert [desired.digest for desired in storage.events.desired(HOSTS)] == [NEWER]


def test_a_registry_whose_clock_is_ahead_does_not_hide_later_pushes(storage: Storage) -> None:
    storage.events.record("production", [push(NEW, at(86400 * 365))], at(10))
    storage.events.record("production", [push(NEWER, at(20))], at(20))
    assert [desired.digest for desired in storage.events.desired(HOSTS)] == [NEWER]
    assert events(storage, 10)[1]["occurred_at"] == "2026-11-22T12:00:10.000Z"


def test_tags_repositories_and_registries_are_kept_apart(storage: Storage) -> None:
    storage.events.record(
        "production", [push(), push(tag="2"), replace(push(key="x"), repository="test/b")], at(1)
    )
    storage.events.record("test", [push(registry="test")], at(2))
    hosts = {**HOSTS, "test": ("test.example.com",)}
    assert [(one.hosts[0], one.repository, one.tag) for one in storage.events.desired(hosts)] == [
        (HOST, "test/app", "1"),
        (HOST, "test/app", "2"),
        (HOST, "test/b", "1"),
        ("test.example.com", "test/app", "1"),
    ]


def test_what_nobody_can_read_is_kept_once_and_counted_each_time(storage: Storage) -> None:
    one = Unreadable("why", {"events": ["\ud800", None, 1e300, "\0"]})
    assert storage.events.record("production", [one], NOON) == Recorded(0, 0, 1)
    assert storage.events.record("production", [one], at(1)) == Recorded(0, 0, 1)
    (row,) = events(storage, 10)
    assert (row["kind"], row["reason"], row["content"]) == ("unreadable", "why", one.content)
    assert storage.events.desired(HOSTS) == ()
    json.dumps(row)


def test_the_change_counter_moves_with_every_event_and_not_else(storage: Storage) -> None:
    before = storage.change_counter()
    storage.events.record("production", [push(key="a")], NOON)
    after = storage.change_counter()
    storage.events.record("production", [push(key="a")], NOON)
    storage.fleet.apply(whole(Fleet()))
    assert before != after == storage.change_counter()
