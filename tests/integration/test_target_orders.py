"""Targets are found and sorted as if each were looked at anew, whatever has changed since they were looked at last."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.outlook import Overview, overview
from registry_docker_updater.views.orders import SORTS, TargetOrders, outlooks
from registry_docker_updater.views.outlook import ALL_TARGETS, VERDICTS, TargetChoice
from unit.builders import HOST, NEW, OLD, at, container, desired, fleet, service


def some(count: int, chance: random.Random) -> list[Target]:
    """Make targets up: of two registries, some without a tag, some behind."""
    found = []
    for n in range(count):
        name, host = chance.choice("abcdeÄ🐳"), chance.choice((HOST, "elsewhere.example.com"))
        tag = chance.choice((":1", ":2", ":1", f"@{NEW}"))
        image, digest = f"{host}/test/{chance.choice(('app', 'db'))}{tag}", chance.choice((OLD, NEW))
        found.append(
            container(
                f"{name}{chance.randrange(9999)}", f"Host{n % 7}", image, digest, at(chance.randrange(99))
            )
        )
    return [*found, service("api"), replace(container("broken"), image="odd", reference=None)]


def at_once(does: Callable[[], None]) -> None:
    does()


def looked_at(known: Fleet) -> Overview:
    pushes = [desired(), desired(NEW, push=2, tag="2")]
    pushes = [replace(one, received_at=at(one.push)) for one in pushes]
    return overview(known, pushes, [HOST], History(), at(120))


CHOICES: tuple[dict[str, Any], ...] = (
    {},
    {"text": "HOST3"},
    {"text": "ä"},
    {"text": "\U0001f433"},
    {"text": "test/"},
    {"text": "no such thing"},
    {"text": "\n"},
    {"text": "e", "is_behind": True},
    {"text": "app", "image": "example.com/test/app:?"},
    {"image": ".com/test/app:"},
    {"image": f"{HOST}/test/app:1", "kind": "container"},
    {"host": "Host3", "text": "b"},
    {"name": "api"},
    {"is_behind": False},
    {"is_behind": True, "verdict": "current"},
    *({"verdict": name} for name in VERDICTS),
)


def by_looking(seen: Overview, wanted: dict[str, Any]) -> set[str]:
    tests: dict[str, Callable[[Target, Any], bool]] = {
        "text": lambda one, value: value.lower() in one.words,
        "image": lambda one, value: value in one.image,
        "kind": lambda one, value: one.kind == value,
        "host": lambda one, value: value in one.hosts,
        "name": lambda one, value: one.name == value,
        "is_behind": lambda one, value: (one.key in seen.behind) == value,
        "verdict": lambda one, value: seen.verdict(one).name == value,
    }
    every = seen.fleet.targets.values()
    return {one.key for one in every if all(tests[name](one, value) for name, value in wanted.items())}


def test_what_has_changed_is_found_and_sorted_as_if_all_were_sorted_anew() -> None:
    chance = random.Random(1)
    orders, known = TargetOrders(at_once), fleet(*some(300, chance))
    for round_ in range(80):
        seen = looked_at(known)
        for wanted, sort in product(CHOICES, SORTS) if round_ % 8 == 0 else ((CHOICES[1], "place"),):
            choice = TargetChoice(**wanted)
            found = orders.chosen(seen, choice, sort)
            assert [one.key for one in found] == [
                one.key for one in TargetOrders().chosen(seen, choice, sort)
            ], (round_, wanted, sort)
            assert {one.key for one in found} == by_looking(seen, wanted), (round_, wanted)
            assert len(found) == len({one.key for one in found})
            assert all(seen.fleet.targets[one.key] is one for one in found)
        change: dict[str, Target | None] = {}
        for key in chance.sample(sorted(known.targets), chance.choice((0, 1, 5, 5, 5, 60))):
            one = known.targets[key]
            change[key] = chance.choice(
                (None, replace(one, digests=frozenset((OLD,)), since=at(7), place="new"))
            )
        change |= {one.key: one for one in some(chance.choice((0, 4, 60)), chance)}
        left = fleet(*filter(None, {**known.targets, **change}.values()))
        known = known.changed(FleetChange(targets=change, named=left.named))


def pushed_at(seen: Overview, one: Target) -> float:
    newest = seen.newest.get(one.image_name) if one.image_name else None
    return newest.received_at.timestamp() if newest else 0.0


@pytest.mark.parametrize(
    ("sort", "by"),
    [
        ("place", lambda _, one: (one.place, one.name)),
        ("name", lambda _, one: one.name),
        ("image", lambda _, one: one.image),
        ("since", lambda _, one: one.since),
        ("key", lambda _, one: one.key),
        ("pushed", pushed_at),
        ("verdict", lambda seen, one: seen.verdict(one).name),
    ],
)
def test_targets_are_sorted_by_what_is_asked_for_up_and_down(sort: str, by: Any) -> None:
    seen = looked_at(fleet(*some(200, random.Random(2))))
    for wanted in ({}, {"is_behind": True}, {"host": "Host1"}):
        up = TargetOrders().chosen(seen, TargetChoice(**wanted), sort)
        values = [by(seen, one) for one in up]
        assert values == sorted(values)
        assert len(set(values)) > 1 or sort == "verdict"
        assert TargetOrders().chosen(seen, TargetChoice(**wanted), sort, is_descending=True) == up[::-1]


def test_what_was_found_is_found_again_until_something_changes() -> None:
    orders, known = TargetOrders(at_once), fleet(*some(50, random.Random(3)))
    choice = TargetChoice(text="host3")
    orders.chosen(looked_at(known), TargetChoice(), "since")
    known = known.changed(FleetChange(targets={"other": container("other")}))
    seen = looked_at(known)
    first = orders.chosen(seen, choice, "name")
    assert orders.chosen(seen, choice, "name") is first
    gone = next(iter(first)).key
    after = looked_at(known.changed(FleetChange(targets={gone: None})))
    assert gone not in {one.key for one in orders.chosen(after, choice, "name")}


def test_targets_are_listed_by_their_keys_part_by_part() -> None:
    seen, orders = looked_at(fleet(*some(30, random.Random(4)))), TargetOrders()
    after, keys = None, list[str]()
    while rows := outlooks(orders, seen, 7, after, ALL_TARGETS):
        after = rows[-1]["key"]
        keys += [row["key"] for row in rows]
    assert keys == sorted(seen.fleet.targets)
    assert [row["key"] for row in outlooks(orders, seen, 2, keys[3] + "!", ALL_TARGETS)] == keys[4:6]


def test_who_looks_while_what_changed_is_sorted_gets_what_was_there_a_moment_ago() -> None:
    later: list[Callable[[], None]] = []
    orders, known = TargetOrders(later.append), fleet(*some(50, random.Random(5)))
    before = list(orders.chosen(looked_at(known), ALL_TARGETS, "name"))
    gone = before[0]
    after = looked_at(known.changed(FleetChange(targets={gone.key: None, "new": container("aaa", "new")})))
    assert orders.chosen(after, ALL_TARGETS, "name") == before
    assert gone.key not in {row["key"] for row in orders.rows(after, before)}
    later.pop()()
    assert "aaa" in [one.name for one in orders.chosen(after, ALL_TARGETS, "name")]
    assert gone not in orders.chosen(after, ALL_TARGETS, "name")


def test_who_looks_after_a_while_gets_what_is_there_now() -> None:
    later: list[Callable[[], None]] = []
    orders, known = TargetOrders(later.append), fleet(*some(50, random.Random(6)))
    gone = orders.chosen(looked_at(known), ALL_TARGETS, "name")[0]
    after = replace(looked_at(known.changed(FleetChange(targets={gone.key: None}))), at=at(131))
    assert gone not in orders.chosen(after, ALL_TARGETS, "name")
    assert later == []


def never(_: Callable[[], None]) -> None:
    """Nothing is sorted anew beside those who look."""


def test_a_page_is_full_though_some_of_its_targets_are_gone_since() -> None:
    orders, known = TargetOrders(never), fleet(*some(50, random.Random(4)))
    first = outlooks(orders, looked_at(known), 10, None, ALL_TARGETS)
    gone = {row["key"]: None for row in first[:3]}
    known = known.changed(FleetChange(targets=gone))
    seen = looked_at(known)
    page = outlooks(orders, seen, 10, None, ALL_TARGETS)
    assert len(page) == 10
    assert not gone.keys() & {row["key"] for row in page}


@pytest.mark.parametrize("wanted", [{"text": "c"}, {"host": "Host1"}, {"kind": "container"}])
def test_what_has_just_changed_is_found_before_all_are_sorted_anew(wanted: dict[str, Any]) -> None:
    orders, known = TargetOrders(never), fleet(*some(50, random.Random(5)))
    choice = TargetChoice(**wanted)
    before = {one.key for one in orders.chosen(looked_at(known), choice, "place")}
    changed = {key: replace(known.targets[key], digests=frozenset((OLD,)), since=at(9)) for key in before}
    seen = looked_at(known.changed(FleetChange(targets=dict(changed))))
    found = orders.chosen(seen, choice, "place")
    assert {one.key for one in found} == before
    assert len(found) == len(before)
