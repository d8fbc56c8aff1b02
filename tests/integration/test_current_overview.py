"""The overview of the fleet: made anew for those who look, and in a large fleet beside them."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from integration.conftest import until
from integration.keeping import HOSTS, push, record
from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views import current
from registry_docker_updater.views.current import CurrentOverview
from unit.builders import NOON, at, container, fleet, host


class Known:
    """A fleet, and a clock that goes on by itself while an overview is made that ``takes`` so many seconds."""

    def __init__(self) -> None:
        self.now = NOON
        self.takes = 0.0
        self.made = 0
        self.may_end = threading.Event()
        self.may_end.set()

    def steady(self) -> datetime:
        return self.now

    def fleet(self) -> Fleet:
        self.made += 1
        self.now += timedelta(seconds=self.takes)
        assert self.may_end.wait(20)
        return fleet(container())


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
def overview(storage: Storage, known: Known) -> CurrentOverview:
    record(storage, push(), now=at(5))
    return CurrentOverview(storage, HOSTS, known.fleet, lambda: at(10), known.steady)


def test_it_serves_all_who_look_within_a_second_and_is_made_anew_then(
    overview: CurrentOverview, known: Known
) -> None:
    first = overview()
    assert set(first.behind) == {container().key}
    assert overview() is first
    known.now += timedelta(seconds=1)
    assert overview() is not first
    assert known.made == 2


def test_what_takes_long_is_made_beside_those_who_look(overview: CurrentOverview, known: Known) -> None:
    known.takes = 2.0
    first = overview()
    known.now += timedelta(seconds=17)
    assert overview() is first
    assert known.made == 1
    known.may_end.clear()
    known.now += timedelta(seconds=5)
    assert [overview() for _ in range(3)] == [first, first, first]
    until(lambda: known.made == 2)
    known.may_end.set()
    until(lambda: overview() is not first)
    assert known.made == 2


def test_what_is_too_old_is_waited_for(overview: CurrentOverview, known: Known) -> None:
    known.takes = 2.0
    first = overview()
    known.now += timedelta(minutes=2)
    assert overview() is not first


def test_what_cannot_be_read_is_said_when_the_last_one_is_too_old(
    overview: CurrentOverview, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.takes = 2.0
    first = overview()

    failures: list[object] = []

    def fails(*given: object) -> None:
        failures.append(given)
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(current, "overview_of", fails)
    known.now += timedelta(seconds=30)
    assert overview() is first
    until(lambda: failures)
    known.now += timedelta(minutes=2)
    until(lambda: not overview._making.locked())
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        overview()


@pytest.mark.parametrize(
    ("becomes", "grows"),
    [
        (lambda one: one, False),
        (lambda one: one.changed(FleetChange({"solo": host("solo", at(99))}, {})), False),
        (lambda one: one.changed(FleetChange({"solo": host("solo", at(99), "no route")}, {})), True),
        (lambda one: one.changed(FleetChange({}, {"a": container("a")})), True),
    ],
)
def test_its_revision_grows_when_it_says_something_else_and_not_when_hosts_were_only_asked_again(
    storage: Storage, becomes: Callable[[Fleet], Fleet], grows: bool
) -> None:
    known = [fleet(container())]
    now = [NOON]
    overview = CurrentOverview(storage, HOSTS, lambda: known[-1], lambda: at(10), lambda: now[-1])
    before = overview.revision()
    known.append(becomes(known[-1]))
    now.append(at(60))
    assert (overview.revision() > before) is grows


def test_its_revision_grows_with_a_push(storage: Storage) -> None:
    now, known = [NOON], fleet(container())
    overview = CurrentOverview(storage, HOSTS, lambda: known, lambda: at(10), lambda: now[-1])
    before = overview.revision()
    record(storage, push(), now=at(5))
    now.append(at(60))
    assert overview.revision() > before
