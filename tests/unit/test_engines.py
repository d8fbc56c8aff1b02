"""One engine under several names of the inventory, and clones that only look like it."""

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.filter.other_name import other_name

from registry_docker_updater.core.fleet.engines import engine_notes
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.merging import (
    change_after_departure,
    change_after_report,
    change_after_updates,
    merge,
)
from registry_docker_updater.core.fleet.reports import HostReport
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.planner import judge, plan
from registry_docker_updater.core.rollouts.verdicts import DUE
from unit.builders import NEW, at, desired, outcome_of, seen, silence
from unit.builders import scan as answer
from unit.test_outcomes import said

WEB = seen("container", "web")


def scan(name: str, *targets: dict[str, Any], engine: str = "E", called: str = "web1") -> HostReport:
    one = answer(name, *targets)
    assert one.seen
    return replace(one, seen=replace(one.seen, engine_id=engine or None, engine_name=called))


def after(*scans: HostReport, before: Fleet | None = None, seconds: float = 0) -> Fleet:
    """The fleet when hosts answer one after the other, a second apart."""
    known = before or Fleet()
    for number, one in enumerate(scans):
        moment = at(seconds + number)
        known = known.changed(change_after_report(known, replace(one, at=moment), moment))
    return known


def two_names() -> Fleet:
    return after(scan("b", WEB), scan("a", WEB))


def indexes_hold(fleet: Fleet) -> bool:
    fresh = Fleet(fleet.hosts, fleet.targets)
    return (fresh.named, fresh.engines, fresh.by_name) == (fleet.named, fleet.engines, fleet.by_name)


@pytest.mark.parametrize("order", ["ab", "ba", "aba", "bab"])
def test_an_engine_under_two_names_has_its_targets_once_in_whatever_order_they_answer(order: str) -> None:
    found = after(*(scan(name, WEB) for name in order))
    (web,) = found.targets.values()
    assert (web.key, web.hosts, web.place) == ("container/a/web", ("a", "b"), "host a")
    assert list(engine_notes(found)) == [
        ("b", "its engine is that of a under another name: its containers are named once, with a")
    ]
    assert indexes_hold(found)


def test_when_the_first_name_does_not_answer_the_other_takes_over_and_nothing_seems_changed() -> None:
    before = two_names()
    found = after(silence("a"), scan("b", WEB), before=before, seconds=60)
    assert found.targets == before.targets
    push = desired(NEW, received_at=at(30))
    assert judge(found.targets["container/a/web"], push, History(), found, at(61)) is DUE
    (start,) = plan([push], found, History(), at(61)).start
    assert start.hosts == ("a", "b")
    assert set(start.possible_digests) == {"container/a/web", "container/b/web"}


def test_what_is_told_under_the_second_name_is_the_outcome_of_the_one_target() -> None:
    (web,) = two_names().targets.values()
    one = outcome_of(said("b", "container", "web"), dict.fromkeys(web.keys, web))
    assert one
    assert (one.key, one.place) == ("container/a/web", "host a")


def test_an_update_between_the_answers_of_two_names_does_not_tear_them_apart() -> None:
    before = two_names()
    updated = before.changed(change_after_updates(before, {"container/a/web": NEW}, at(10)))
    new = seen("container", "web", NEW, age=5, id="another")
    found = after(scan("b", new), before=updated, seconds=20)
    assert sorted(found.targets) == ["container/a/web"]
    assert sorted(after(scan("a", new), before=found, seconds=30).targets) == ["container/a/web"]


@pytest.mark.parametrize(
    "clone", [scan("b", seen("container", "web", id="another")), scan("b", WEB, called="web2")]
)
def test_clones_that_share_an_engine_id_are_two_and_there_is_a_warning(clone: HostReport) -> None:
    found = after(scan("a", WEB), clone)
    assert sorted(found.targets) == ["container/a/web", "container/b/web"]
    ((name, note),) = engine_notes(found)
    assert (name, "was the machine cloned?" in note) == ("b", True)


def test_clones_that_began_alike_are_two_as_soon_as_they_differ_for_sure() -> None:
    before = two_names()
    other = scan("b", seen("container", "web", NEW, id="another"))
    found = after(scan("a", WEB), other, scan("a", WEB), before=before, seconds=60)
    assert {key: target.hosts for key, target in found.targets.items()} == {"container/a/web": ("a",)}
    assert indexes_hold(found)
    found = after(other, scan("a", WEB), other, before=found, seconds=120)
    assert {key: target.hosts for key, target in found.targets.items()} == {
        "container/a/web": ("a",),
        "container/b/web": ("b",),
    }
    assert indexes_hold(found)


def test_a_name_that_leaves_the_inventory_leaves_the_targets_to_the_other() -> None:
    before = two_names()
    left = before.changed(change_after_departure(before, ["b"]))
    (web,) = left.targets.values()
    assert (web.hosts, web.place) == (("b",), "host b")
    assert sorted(after(scan("b", WEB), before=left, seconds=60).targets) == ["container/b/web"]


def test_a_container_that_is_gone_is_gone_under_every_name() -> None:
    found = after(scan("b"), before=two_names(), seconds=60)
    assert not found.targets
    assert indexes_hold(found)


def test_engines_without_an_id_are_never_one() -> None:
    assert sorted(merge(Fleet(), [answer("a", WEB), answer("b", WEB)], at(0)).targets) == [
        "container/a/web",
        "container/b/web",
    ]


def test_by_hand_an_engine_is_updated_under_the_first_of_its_names_that_answered() -> None:
    def known(*targets: dict[str, Any], engine: str = "E", called: str = "web1") -> dict[str, Any]:
        return {"fleet_scan_result": {"engine": {"id": engine, "name": called}, "targets": list(targets)}}

    hosts = {
        "a": {},
        "b": known(WEB),
        "c": known(WEB),
        "d": known(seen("container", "web", id="another")),
        "e": known(WEB, called="web2"),
        "f": known(),
        "g": known(WEB, engine=""),
    }
    assert {host: other_name(hosts, list(hosts), host) for host in hosts} == {
        "a": "", "b": "", "c": "b", "d": "", "e": "", "f": "", "g": "",
    }  # fmt: skip
