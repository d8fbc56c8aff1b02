"""Whom to ask now: within the share, nobody for ever last, what is wanted first, and hosts that hang apart."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry_docker_updater.core.schedules.scans import (
    BURST,
    LATE,
    PAUSE,
    SETTLE,
    SLICE,
    TOGETHER,
    LastScan,
    Pace,
    Running,
    Situation,
    Slice,
    TokenBucket,
    next_slice,
)
from unit.builders import NOON, at

MINUTE = Pace(timedelta(seconds=60), 0.2)


def names(count: int) -> tuple[str, ...]:
    return tuple(f"h{number:05}" for number in range(count))


def asked(*hosts: str, seconds: float = 0, misses: int = 0, is_slow: bool = False) -> dict[str, LastScan]:
    return {host: LastScan(at(seconds), misses, is_slow) for host in hosts}


def decide(
    known: dict[str, LastScan],
    seconds: float,
    *,
    left: float = BURST,
    new: tuple[str, ...] = (),
    **more: object,
) -> Slice | datetime:
    situation = replace(Situation((*known, *new), known), **more)  # type: ignore[arg-type]
    return next_slice(situation, TokenBucket(MINUTE.share, at(seconds), left), MINUTE, at(seconds))


def test_a_small_fleet_is_asked_together_every_interval() -> None:
    known = asked("a", "b", "c")
    assert decide(known, 59) == at(60)
    assert decide(known, 60) == Slice(("a", "b", "c"), False)


def test_hosts_that_would_be_asked_in_a_moment_go_along() -> None:
    known = asked("a") | asked("b", seconds=10) | asked("c", seconds=20)
    assert decide(known, 60) == Slice(("a", "b"), False)


def test_those_asked_longest_ago_come_first_and_those_never_asked_before_all() -> None:
    known = asked("late", seconds=30) | asked("early")
    assert decide(known, 200, new=("new",)) == Slice(("new", "early", "late"), False)


def test_a_slice_has_so_many_hosts_and_no_more() -> None:
    chosen = decide(asked(*names(100)), 100)
    assert isinstance(chosen, Slice)
    assert chosen.hosts == names(SLICE)


def test_a_host_that_is_being_asked_is_not_asked_again() -> None:
    running = (Running(False, at(60), frozenset("a")),)
    assert decide(asked("a", "b"), 60 + LATE.total_seconds(), running=running) == Slice(("b",), False)


def test_when_the_share_is_used_up_hosts_wait_until_there_is_more() -> None:
    assert decide(asked("a"), 60, left=5) == at(60 + 10 / 0.2 + 0.001)
    assert decide(asked("a"), 60, left=-2) == at(60 + 2.1 / 0.2 + 0.001)


def test_what_somebody_wants_to_know_may_use_what_routine_leaves() -> None:
    known = asked("a", "b")
    needed = {"b": at(50)}
    assert decide(known, 60, left=5, needed=needed) == Slice(("b",), False)
    assert decide(known, 60, left=0, needed=needed) == at(60 + 0.1 / 0.2 + 0.001)


def test_a_host_that_is_wanted_is_asked_at_once_also_when_all_are_overdue() -> None:
    known = asked(*names(1000)) | asked("x", seconds=500)
    chosen = decide(known, 1000, needed={"x": at(999)})
    assert isinstance(chosen, Slice)
    assert (chosen.hosts[0], len(chosen.hosts)) == ("x", SLICE)


def test_a_burst_of_wishes_is_one_scan_a_moment_after_the_first() -> None:
    known = asked("a", "b")
    assert decide(known, 20, needed={"a": at(20)}) == at(20) + SETTLE
    assert decide(known, 20.3, needed={"a": at(20)}) == Slice(("a",), False)


def test_a_host_on_which_something_happens_all_the_time_is_asked_again_only_after_a_pause() -> None:
    assert decide(asked("a", seconds=19), 20, needed={"a": at(19.5)}) == at(19) + PAUSE


def test_hosts_asked_before_a_push_that_nobody_runs_are_asked_at_once_and_others_are_not() -> None:
    known = asked("before", seconds=10) | asked("after", seconds=21)
    assert decide(known, 30, rescan_since=at(20)) == Slice(("before",), False)
    assert decide(asked("after", seconds=21), 30, rescan_since=at(20)) == at(81)


def test_hosts_that_do_not_answer_or_slowly_are_asked_apart_one_run_at_a_time() -> None:
    known = asked("well") | asked("silent", seconds=-5, misses=1) | asked("slow", seconds=-5, is_slow=True)
    assert decide(known, 60) == Slice(("silent", "slow"), True)
    running = (Running(True, at(0), frozenset(("silent",))),)
    assert decide(known, 60, running=running) == Slice(("well",), False)
    assert isinstance(
        decide(asked("silent", misses=1), 60, running=(Running(True, at(0), frozenset()),)), datetime
    )


def test_where_the_share_does_not_allow_all_hosts_that_hang_are_asked_no_more_often_than_others() -> None:
    known = asked("well") | asked("silent", seconds=30, misses=1)
    running = (Running(False, at(195), frozenset(("other",))),)
    assert decide(known, 200, left=16, running=running) == at(195) + LATE
    assert decide(known, 200, running=running) == Slice(("silent",), True)


def test_a_host_that_does_not_answer_is_not_asked_at_once_again_and_again() -> None:
    for misses, pause in ((1, 10), (2, 20), (3, 40), (9, 60)):
        known = asked("silent", misses=misses)
        assert decide(known, pause - 1, rescan_since=at(1)) == at(pause)
        assert decide(known, pause, rescan_since=at(1)) == Slice(("silent",), True)


def test_a_slice_in_which_a_host_hangs_holds_up_the_next_only_for_a_moment() -> None:
    known = asked("a", "b")
    running = (Running(False, at(55), frozenset(("b",))),)
    assert decide(known, 60, running=running) == at(55) + LATE
    assert decide(known, 65, running=running) == Slice(("a",), False)
    full = tuple(Running(False, at(-100), frozenset((f"x{n}",))) for n in range(TOGETHER))
    assert isinstance(decide(known, 65, running=full), datetime)


def test_an_allowance_fills_up_at_the_rate_of_the_share_and_no_further() -> None:
    bucket = TokenBucket(0.2, NOON, 0)
    assert bucket.now(at(10)) == pytest.approx(2)
    assert bucket.now(at(100_000)) == BURST
    assert bucket.has_at(3) == at(15.001)
    assert bucket.spent(50, at(10)).now(at(20)) == pytest.approx(-46)


@dataclass
class Simulation:
    """A fleet that is asked as the schedule says, on a clock of its own; a run costs what it was measured to."""

    hosts: tuple[str, ...]
    pace: Pace
    hanging: frozenset[str] = frozenset()
    now: datetime = NOON
    cost: float = 0
    bucket: TokenBucket = field(init=False)
    asked: dict[str, LastScan] = field(default_factory=dict)
    going: list[tuple[datetime, Running, tuple[str, ...]]] = field(default_factory=list)
    needed: dict[str, datetime] = field(default_factory=dict)
    rescan_since: datetime | None = None
    asks: dict[str, list[datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bucket = TokenBucket(self.pace.share, self.now)

    def until(self, end: datetime) -> None:
        while self.now < end:
            running = [one for _, one, _ in self.going]
            situation = Situation(self.hosts, self.asked, running, self.rescan_since, self.needed)
            chosen = next_slice(situation, self.bucket, self.pace, self.now)
            if isinstance(chosen, Slice):
                self.start(chosen)
                continue
            assert chosen > self.now, "the loop goes round and round"
            self.now = min([end, chosen, *(ends_at for ends_at, _, _ in self.going)])
            self.finish()

    def start(self, chosen: Slice) -> None:
        hangs = self.hanging.intersection(chosen.hosts)
        ends_at = self.now + timedelta(seconds=40 if hangs else 4)
        waits_for = frozenset(hangs or chosen.hosts)
        for host in chosen.hosts:
            assert not any(host in one.waits_for for _, one, _ in self.going)
            self.asks.setdefault(host, []).append(self.now)
            if host not in hangs:
                self.asked[host] = LastScan(self.now)
        self.going.append((ends_at, Running(chosen.is_apart, self.now, waits_for), chosen.hosts))
        assert len(self.going) <= TOGETHER

    def finish(self) -> None:
        for one in [one for one in self.going if one[0] <= self.now]:
            self.going.remove(one)
            cost = 1 + 0.07 * len(one[2])
            self.cost += cost
            self.bucket = self.bucket.spent(cost, self.now)
            for host in self.hanging.intersection(one[1].waits_for):
                before = self.asked.get(host, LastScan(NOON))
                self.asked[host] = LastScan(one[1].started_at, before.misses + 1)

    @property
    def may_have_cost(self) -> float:
        return self.pace.share * (self.now - NOON).total_seconds() + BURST + TOGETHER * (1 + 0.07 * SLICE)


def test_ten_thousand_hosts_cost_no_more_than_the_share_and_nobody_is_asked_twice_before_all_once() -> None:
    fleet = Simulation(names(10_000), MINUTE)
    fleet.until(NOON + timedelta(minutes=30))
    assert 0.9 * 0.2 * 30 * 60 < fleet.cost <= fleet.may_have_cost
    assert {len(asks) for asks in fleet.asks.values()} == {1}


def test_a_fleet_that_uses_up_the_share_is_asked_in_turn_also_where_some_hang() -> None:
    hosts = names(1000)
    fleet = Simulation(hosts, MINUTE, hanging=frozenset(hosts[::100]))
    fleet.until(NOON + timedelta(hours=1))
    assert 0.9 * 0.2 * 3600 < fleet.cost <= fleet.may_have_cost
    counts = [len(fleet.asks[host]) for host in hosts]
    assert max(counts) - min(counts) <= 1


def test_a_few_hosts_cost_less_than_the_share_and_are_asked_every_interval() -> None:
    fleet = Simulation(names(20), MINUTE)
    fleet.until(NOON + timedelta(hours=1))
    assert [len(asks) for asks in fleet.asks.values()] == [60] * 20
    assert fleet.cost < 0.05 * 3600


def test_a_storm_of_pushes_that_nobody_runs_costs_no_more_than_the_share() -> None:
    fleet = Simulation(names(200), MINUTE)
    for second in range(0, 1800, 2):
        fleet.rescan_since = at(second)
        fleet.until(at(second + 2))
    assert fleet.cost <= fleet.may_have_cost


def test_in_a_fleet_that_uses_up_the_share_what_is_wanted_is_known_within_seconds() -> None:
    fleet = Simulation(names(1000), MINUTE)
    for minute in range(10, 20):
        fleet.until(at(minute * 60))
        host = fleet.hosts[minute * 10]
        fleet.needed[host] = fleet.now
        fleet.until(at(minute * 60 + 30))
        assert timedelta() <= fleet.asks[host][-1] - fleet.needed[host] < LATE + PAUSE


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_hangs_and_is_wanted_the_share_is_kept_and_nobody_starves(data: st.DataObject) -> None:
    hosts = names(data.draw(st.integers(1, 120), "hosts"))
    hanging = frozenset(data.draw(st.lists(st.sampled_from(hosts), max_size=12), "hanging"))
    share = data.draw(st.sampled_from((0.05, 0.2, 1.0)), "share")
    fleet = Simulation(hosts, Pace(timedelta(seconds=60), share), hanging)
    for _ in range(8):
        fleet.until(fleet.now + timedelta(seconds=data.draw(st.integers(1, 120))))
        if data.draw(st.booleans()):
            fleet.rescan_since = fleet.now
        for host in data.draw(st.lists(st.sampled_from(hosts), max_size=5)):
            fleet.needed[host] = fleet.now
        assert fleet.cost <= fleet.may_have_cost
    fleet.until(fleet.now + timedelta(minutes=20))
    assert set(fleet.asks) == set(hosts)
    for asks in fleet.asks.values():
        assert fleet.now - asks[-1] < timedelta(minutes=15)
