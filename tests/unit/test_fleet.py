"""The fleet as scans saw it: what stays, what goes, through whom a service is reached, and since when."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.merging import change_after_report, change_after_updates, merge
from registry_docker_updater.core.fleet.reports import HostReport, UnreadableReport, read_report
from registry_docker_updater.core.fleet.targets import ImageName, Kind
from unit.builders import HOST, NEW, NOON, OLD, at, container, fleet, host, scan, seen, service, silence

FIELDS = (
    "engine",
    "swarm",
    "targets",
    "unfinished",
    "warnings",
    "id",
    "name",
    "kind",
    "manager",
    "may_be_manager",
    "digests",
    "age",
    "reference",
    "image",
    "state",
    "digest",
    "is_worked_on",
    "notify",
)


def of(*scans: HostReport, before: Fleet | None = None, seconds: float = 0) -> Fleet:
    return merge(before or Fleet(), scans, at(seconds))


def three_managers(digest: str = OLD) -> tuple[HostReport, ...]:
    api = seen("service", "api", digest)
    return tuple(scan(name, api, swarm="alpha", manager=True) for name in ("m1", "m2", "m3"))


def test_a_host_that_answered_has_exactly_the_targets_it_named() -> None:
    before = of(scan("solo", seen("container", "web"), seen("container", "gone")))
    after = of(scan("solo", seen("container", "web"), seen("container", "new")), before=before)
    assert sorted(after.targets) == ["container/solo/new", "container/solo/web"]


def test_a_container_is_known_by_host_and_name_and_reached_through_its_host() -> None:
    found = of(scan("a", seen("container", "web")), scan("b", seen("container", "web")))
    assert sorted(found.targets) == ["container/a/web", "container/b/web"]
    web = found.targets["container/b/web"]
    assert (web.kind, web.hosts, web.place) == (Kind.CONTAINER, ("b",), "host b")
    assert str(web.reference) == f"{HOST}/test/app:1"
    assert web.runs(OLD)
    assert not web.runs(NEW)


def test_a_host_that_does_not_answer_keeps_its_targets_and_says_why() -> None:
    before = of(scan("solo", seen("container", "web")))
    after = of(silence("solo"), before=before, seconds=60)
    assert after.targets == before.targets
    assert (after.hosts["solo"].error, after.hosts["solo"].is_reachable) == ("no route to host", False)
    assert after.hosts["solo"].asked_at == at(60)
    assert after.hosts["solo"].engine == "28.0.0"


def test_a_host_that_never_answered_has_no_targets() -> None:
    assert not of(silence("solo")).targets
    assert of(HostReport("solo", None)).hosts["solo"].error == "no answer"


def test_a_host_that_answers_again_is_reachable_and_its_old_warnings_are_gone() -> None:
    first = of(scan("solo", warnings=("a label means nothing",)))
    assert first.hosts["solo"].warnings == ("a label means nothing",)
    silent = of(silence("solo"), before=first)
    assert silent.hosts["solo"].warnings == ()
    assert of(scan("solo"), before=silent).hosts["solo"].is_reachable


def test_what_a_host_said_is_of_the_moment_when_it_answered_not_of_the_end_of_the_scan() -> None:
    early = replace(scan("solo", seen("container", "web", age=10)), at=at(20))
    found = of(early, seconds=90)
    (web,) = found.targets.values()
    assert (web.since, found.hosts["solo"].asked_at) == (at(10), at(20))


def test_a_host_that_left_the_inventory_is_gone_with_its_targets() -> None:
    before = of(scan("solo", seen("container", "web")), scan("other"))
    after = of(scan("other"), before=before)
    assert (sorted(after.hosts), sorted(after.targets)) == (["other"], [])


def test_a_service_that_three_managers_see_is_one_target_reached_through_all() -> None:
    found = of(*three_managers(), scan("worker", swarm=None))
    (api,) = found.targets.values()
    assert (api.key, api.hosts, api.place) == ("service/id-of-api", ("m1", "m2", "m3"), "swarm of m1")


def test_two_swarms_are_not_mixed() -> None:
    found = of(
        scan("a1", seen("service", "api"), swarm="alpha", manager=True),
        scan("b1", seen("service", "web"), swarm="beta", manager=True),
    )
    assert {key: target.hosts for key, target in found.targets.items()} == {
        "service/id-of-api": ("a1",),
        "service/id-of-web": ("b1",),
    }


def test_a_manager_that_is_down_stays_a_way_to_its_services() -> None:
    before = of(*three_managers())
    after = of(silence("m1"), *three_managers()[1:], before=before, seconds=60)
    (api,) = after.targets.values()
    assert api.hosts == ("m1", "m2", "m3")


def test_a_service_removed_while_a_manager_is_down_is_gone() -> None:
    after = of(silence("m1"), scan("m2", swarm="alpha", manager=True), before=of(*three_managers()[:2]))
    assert not after.targets


def test_a_swarm_of_which_nobody_answers_keeps_its_services() -> None:
    before = of(*three_managers())
    after = of(silence("m1"), silence("m2"), silence("m3"), before=before)
    assert after.targets == before.targets


def test_a_manager_that_left_the_inventory_is_no_way_any_more() -> None:
    before = of(*three_managers())
    after = of(silence("m2"), silence("m3"), before=before)
    assert after.targets["service/id-of-api"].hosts == ("m2", "m3")


def of_one(before: Fleet, answer: HostReport, seconds: float = 0) -> Fleet:
    """The fleet after one host of many has answered."""
    return before.changed(change_after_report(before, answer, at(seconds)))


def mute(name: str) -> HostReport:
    """A manager of a swarm that has lost its quorum."""
    said = scan(name, swarm=None).seen
    assert said
    return HostReport(name, replace(said, is_mute=True, warnings=("the swarm does not answer",)))


def test_the_answer_of_one_host_changes_nothing_of_others() -> None:
    before = of(scan("a", seen("container", "web")), scan("b", seen("container", "web")), *three_managers())
    change = change_after_report(before, scan("a", seen("container", "new")), at(60))
    assert set(change.hosts) == {"a"}
    assert set(change.targets) == {"container/a/web", "container/a/new"}
    after = before.changed(change)
    assert sorted(after.targets) == ["container/a/new", "container/b/web", "service/id-of-api"]
    assert change_after_report(after, scan("a", seen("container", "new", age=160)), at(120)).targets == {}


def test_a_fleet_that_was_changed_finds_the_same_as_one_made_anew() -> None:
    before = of(scan("a", seen("container", "web"), seen("container", "old")), *three_managers())
    other = seen("container", "web", reference=f"{HOST}/test/app:2")
    after = of_one(of_one(before, scan("a", other), 60), silence("m1"), 60)
    anew = Fleet(after.hosts, after.targets)
    assert after.by_name == anew.by_name
    assert after.named == anew.named
    assert after.swarms == anew.swarms
    assert [one.name for one in after.running(ImageName.of_push((HOST,), "test/app", "2"))] == ["web"]
    assert [one.name for one in after.running(ImageName.of_push((HOST,), "test/app", "1"))] == ["api"]


def test_a_service_stays_until_no_manager_that_answers_knows_it() -> None:
    """Managers are not asked at the same moment: one may not know yet of what another told just now."""
    fleet_ = of_one(of(*three_managers()), scan("m2", swarm="alpha", manager=True))
    assert list(fleet_.targets) == ["service/id-of-api"]
    fleet_ = of_one(fleet_, silence("m3"))
    fleet_ = of_one(fleet_, scan("m1", swarm="alpha", manager=True))
    assert not fleet_.targets


def test_a_swarm_without_quorum_keeps_its_services_and_ways_to_them() -> None:
    before = of(*three_managers(), scan("m1", seen("service", "api"), swarm="alpha", manager=True))
    fleet_ = before
    for name in ("m1", "m2", "m3"):
        fleet_ = of_one(fleet_, mute(name), 60)
        assert list(fleet_.targets) == ["service/id-of-api"]
        assert not fleet_.hosts[name].is_manager
    assert of(mute("m1"), mute("m2"), mute("m3"), before=before).targets == before.targets
    back = of_one(fleet_, three_managers()[1], 120)
    assert back.targets["service/id-of-api"].hosts == ("m1", "m2", "m3")
    assert not of_one(back, scan("m2", swarm="alpha", manager=True), 180).targets


def test_a_manager_without_quorum_does_not_hold_up_what_the_others_say() -> None:
    fleet_ = of_one(of(*three_managers()), mute("m1"), 60)
    for name in ("m2", "m3"):
        fleet_ = of_one(fleet_, scan(name, swarm="alpha", manager=True), 60)
    assert not fleet_.targets


def test_a_manager_that_was_demoted_is_no_way_any_more_and_takes_no_service_with_it() -> None:
    fleet_ = of_one(of(*three_managers()), scan("m1", swarm=None))
    (api,) = fleet_.targets.values()
    assert (api.hosts, api.place) == (("m2", "m3"), "swarm of m2")


def test_the_last_manager_that_leaves_its_swarm_takes_the_services_with_it() -> None:
    alone = of(scan("m1", seen("service", "api"), seen("container", "web"), swarm="alpha", manager=True))
    assert list(of_one(alone, scan("m1", seen("container", "web"))).targets) == ["container/m1/web"]


def test_an_answer_that_was_asked_for_before_an_update_ended_does_not_undo_what_it_told() -> None:
    before = of(scan("solo", seen("container", "web")))
    updated = before.changed(change_after_updates(before, {"container/solo/web": NEW}, at(50)))
    asked_before = replace(scan("solo", seen("container", "web", OLD)), asked_at=at(40), at=at(55))
    assert of_one(updated, asked_before, 55).targets["container/solo/web"].runs(NEW)
    asked_after = replace(asked_before, asked_at=at(51))
    assert of_one(updated, asked_after, 55).targets["container/solo/web"].runs(OLD)


def test_since_is_when_the_target_changed_by_the_operators_clock() -> None:
    found = of(scan("solo", seen("container", "web", age=100), seen("container", "new", age=None)))
    assert found.targets["container/solo/web"].since == at(-100)
    assert found.targets["container/solo/new"].since == NOON


def test_a_container_recreated_with_the_same_digest_keeps_since() -> None:
    before = of(scan("solo", seen("container", "web", age=100)))
    same = of(scan("solo", seen("container", "web", age=1, id="another")), before=before, seconds=60)
    assert same.targets["container/solo/web"].since == at(-100)
    assert same.targets["container/solo/web"].id == "another"


def test_a_target_with_another_digest_or_name_begins_anew() -> None:
    before = of(scan("solo", seen("container", "web", age=100)))
    digest = of(scan("solo", seen("container", "web", NEW, age=1)), before=before, seconds=60)
    assert digest.targets["container/solo/web"].since == at(59)
    renamed = seen("container", "web", age=1, reference=f"{HOST}/test/app:2")
    assert of(scan("solo", renamed), before=before, seconds=60).targets["container/solo/web"].since == at(59)


def test_an_image_is_found_under_every_name_of_its_registry_and_no_other() -> None:
    targets = (
        container("a"),
        container("b", image="Registry.Internal:5000/test/app:1"),
        container("c", image=f"{HOST}/test/app:2"),
        container("d", image=f"{HOST}/x/test/app:1"),
        container("e", image="test/app:1"),
        service("f", image=f"{HOST}/test/app:1"),
        replace(container("g"), reference=None),
    )
    known = fleet(*targets)
    found = [
        target.name
        for target in known.running(ImageName.of_push((HOST, "registry.internal:5000"), "test/app", "1"))
    ]
    assert found == ["a", "b", "f"]
    assert [
        target.name for target in known.running(ImageName.of_push((HOST.upper(), HOST), "test/app", "1"))
    ] == ["a", "f"]
    assert [target.name for target in known.running(ImageName.of_push((HOST.upper(),), "test/app", "1"))] == [
        "a",
        "f",
    ]
    assert known.running(ImageName.of_push((), "test/app", "1")) == ()
    assert known.running(ImageName.of_push((HOST,), "test/app", "")) == ()


def test_a_container_whose_image_lost_its_digests_runs_what_it_ran() -> None:
    """Its tag went to another image, as while the first of two containers is updated."""
    known = merge(Fleet(), [scan("solo", seen("container", "web", OLD))], at(0))
    later = merge(known, [scan("solo", seen("container", "web", None))], at(60))
    assert later.targets == known.targets
    another = merge(known, [scan("solo", seen("container", "web", None, id="another"))], at(60))
    assert [one.digests for one in another.targets.values()] == [frozenset()]


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"engine": {}, "targets": [{"kind": "container"}]},
        {"engine": {}, "targets": [seen("container", "web", age=1e300)]},
        {"engine": {}, "targets": [seen("container", "web", reference="x y")]},
        {"engine": {}, "targets": 5},
        {"engine": {}, "targets": [seen("pod", "web")]},
        {"engine": {}, "targets": [seen("container", "web", digests=[7])]},
        {"engine": {}, "targets": [seen("container", "web", notify="team-a")]},
        {"engine": {}, "targets": [seen("container", "web", notify=["{{ x }}"])]},
        {"engine": {}, "targets": [seen("container", "web", notify=[7])]},
        {"engine": {}, "targets": [seen("container", "web", notify=["team-a"] * 11)]},
        {"engine": {}, "targets": [seen("container", "web", age=float("nan"))]},
        None,
        [],
        {"engine": {}, "unfinished": [{"name": "web", "image": "x", "digest": "y", "age": None}]},
    ],
)
def test_nonsense_from_a_host_cannot_be_read_and_costs_that_host_only(nonsense: Any) -> None:
    with pytest.raises(UnreadableReport, match="its answer cannot be read") as said:
        read_report(nonsense)
    known = merge(
        Fleet(), [scan("one", seen("container", "web")), scan("two", seen("container", "web"))], at(0)
    )
    after = merge(
        known, [HostReport("one", None, str(said.value)), scan("two", seen("container", "web"))], at(1)
    )
    assert set(after.targets) == set(known.targets)
    assert "its answer cannot be read" in (after.hosts["one"].error or "")
    assert after.hosts["two"].error is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FIELDS), inner),
    )
)
def test_whatever_a_host_answers_is_read_or_said_to_be_unreadable(nonsense: Any) -> None:
    try:
        report = HostReport("one", read_report(nonsense))
    except UnreadableReport:
        return
    merge(Fleet(), [report], at(0))


def test_what_a_manager_says_of_services_touches_no_container_of_another() -> None:
    both = of(
        scan("m1", seen("service", "api"), swarm="alpha", manager=True),
        scan("m2", seen("service", "api"), seen("container", "web"), swarm="alpha", manager=True),
    )
    after = of_one(both, scan("m1", swarm="alpha", manager=True), 60)
    assert after.targets["container/m2/web"] == both.targets["container/m2/web"]


def test_a_target_is_looked_for_by_all_that_people_know_of_it_whatever_its_case() -> None:
    words = replace(container("Web", on="Solo"), place="host Solo").words
    assert all(one in words for one in ("web", "host solo", f"{HOST}/test/app:1", OLD))
    assert "solo\n" in words


def test_an_image_name_is_written_as_people_write_it() -> None:
    assert str(ImageName(HOST, "test/app", "1")) == f"{HOST}/test/app:1"


def test_the_receivers_that_a_targets_labels_name_are_as_it_was_seen_last() -> None:
    known = of(scan("solo", seen("container", "web", notify=["team-a", "team-b"])))
    (web,) = known.targets.values()
    assert (web.notify, web.at_once) == (("team-a", "team-b"), True)
    (web,) = of_one(known, scan("solo", seen("container", "web")), 60).targets.values()
    assert web.notify == ()


def test_the_groups_of_a_host_are_those_of_its_last_answer() -> None:
    known = of(replace(scan("solo"), groups=("shops",)))
    assert known.hosts["solo"].groups == ("shops",)
    silent = of_one(known, silence("solo"), 60)
    assert silent.hosts["solo"].groups == ("shops",)
    assert of_one(silent, replace(scan("solo"), groups=("eu", "shops")), 120).hosts["solo"].groups == (
        "eu",
        "shops",
    )
    assert of_one(known, scan("solo"), 60).hosts["solo"].groups == ()


@pytest.mark.parametrize("labels", [["window"], {str(n): "" for n in range(65)}, {"window": "x" * 2001}])
def test_labels_that_no_module_tells_make_an_answer_unreadable(labels: object) -> None:
    said = {"engine": {}, "targets": [seen("container", "web", labels=labels)]}
    with pytest.raises(UnreadableReport, match="label"):
        read_report(said)


@pytest.mark.parametrize(
    ("error", "back_since", "expected"),
    [(None, None, True), ("it does not answer", NOON, True), ("it does not answer", None, False)],
)
def test_a_host_was_heard_that_answers_or_once_did(
    error: str | None, back_since: datetime | None, expected: bool
) -> None:
    assert host("one", error=error, back_since=back_since).was_heard is expected
