"""Which hosts to ask now: those asked longest ago, as many as the scans' share of one processor allows.

A scan of many hosts is cut into slices, one run of ``discover.yml`` each. What runs have cost is taken from an
allowance that fills up at the rate of the share; when it is used up, hosts are asked later, however many there are.
Half of it is kept for hosts that somebody wants to know about at once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from heapq import nsmallest
from operator import itemgetter
from typing import Self

from registry_docker_updater.core.backoff import Backoff

# A run costs about a second of a processor before it asks anybody: enough hosts that this does not count.
SLICE = 32
# What scans may use at once after they used nothing for long, in seconds of a processor, and what routine leaves of it.
BURST = 30.0
_LEFT_FOR_NEEDS = BURST / 2
_PLENTY = BURST * 3 / 4
# A slice that goes on for so long waits for hosts that hang: others do not wait for it.
LATE = timedelta(seconds=10)
# A host that takes so long to answer is asked together with those that do not answer at all.
SLOW = timedelta(seconds=20)
# How many slices there are at the same time, those that wait for hosts that hang included.
TOGETHER = 4
# What happens in a moment is one thing to look at; nobody is asked again sooner than after the pause.
SETTLE = timedelta(seconds=0.3)
PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(seconds=20)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Pace:
    """How often a host is to be asked at best, and which share of one processor all scans may use (0 to 1)."""

    interval: timedelta
    share: float


@dataclass(frozen=True)
class LastScan:
    """When a host was asked last; how many times it has not answered since it did; whether it took long.

    This and all else here is measured by a clock that nobody sets.
    """

    at: datetime
    misses: int = 0
    is_slow: bool = False

    @property
    def is_apart(self) -> bool:
        """Whether the host is asked apart from those that answer at once."""
        return self.misses > 0 or self.is_slow


@dataclass(frozen=True)
class TokenBucket:
    """What scans may use now, in seconds of a processor: ``left`` at the time ``at``; a debt when below nothing."""

    share: float
    at: datetime
    left: float = BURST

    def now(self, now: datetime) -> float:
        """Return what is left at ``now``."""
        return min(BURST, self.left + self.share * max(0.0, (now - self.at).total_seconds()))

    def spent(self, cost: float, now: datetime) -> Self:
        """Return what is left after something cost that many seconds of a processor."""
        return replace(self, at=now, left=self.now(now) - cost)

    def has_at(self, amount: float) -> datetime:
        """Return when there will be ``amount``, and a little more, since seconds are rounded."""
        return self.at + timedelta(seconds=max(0.0, (amount - self.left) / self.share) + 0.001)


@dataclass(frozen=True)
class Slice:
    """Hosts to ask in one run; ``is_apart`` when they are such as did not answer, or slowly."""

    hosts: tuple[str, ...]
    is_apart: bool


@dataclass(frozen=True)
class Running:
    """A slice that is being asked, and the hosts that it still waits for."""

    is_apart: bool
    started_at: datetime
    waits_for: frozenset[str]


@dataclass(frozen=True)
class Situation:
    """What is known when it is to be decided whom to ask.

    Hosts that were asked before ``rescan_since`` are wanted to be asked again at once, and each of ``needed`` if it
    was asked before the time that is given there.
    """

    hosts: Collection[str]
    asked: Mapping[str, LastScan]
    running: Sequence[Running] = ()
    rescan_since: datetime | None = None
    needed: Mapping[str, datetime] = field(default_factory=dict)


def next_slice(situation: Situation, bucket: TokenBucket, pace: Pace, now: datetime) -> Slice | datetime:
    """Return the hosts to ask now, or when to look again if nothing happens before."""
    left = bucket.now(now)
    if left <= 0:
        return bucket.has_at(0.1)
    claims = _claims(situation, pace, now)
    may_routine = left >= _LEFT_FOR_NEEDS
    wakes = claims.wakes
    lanes = {}
    for is_apart, due in claims.due.items():
        may_be_asked = due if may_routine else [claim for claim in due if not claim[0]]
        if len(may_be_asked) < len(due):
            wakes.append(bucket.has_at(_LEFT_FOR_NEEDS))
        if may_be_asked:
            lanes[is_apart] = nsmallest(SLICE, may_be_asked)
    first = min(lanes.values(), key=itemgetter(0), default=None)
    for is_apart, chosen in sorted(lanes.items(), key=lambda lane: lane[1][0]):
        free_at = _free_at(situation.running, now, is_apart=is_apart)
        if is_apart and chosen is not first and left < _PLENTY:
            # Where the share does not allow all, hosts that hang are not to be asked more often than others.
            continue
        if free_at is None:
            # Those that would be asked in a moment go along: a run more costs more.
            more = nsmallest(SLICE - len(chosen), claims.soon[is_apart]) if may_routine else []
            return Slice(tuple(host for _, _, host in (*chosen, *more)), is_apart)
        wakes.append(free_at)
    return min(wakes, default=now + pace.interval)


def oldest_allowed(interval: timedelta) -> timedelta:
    """Return how old an answer may be where hosts are to be asked at every ``interval``."""
    return 3 * interval


def too_old(asked_at: Iterable[datetime], interval: timedelta, now: datetime) -> str | None:
    """Return how old the oldest answer is, in a sentence, if much older than ``interval``."""
    age = now - min(asked_at, default=now)
    if age <= oldest_allowed(interval):
        return None
    return (
        f"the oldest answer of a host is {age.total_seconds():.0f} s old, and fleet.scan_interval is"
        f" {interval.total_seconds():.0f} s: give scans a larger fleet.scan_share"
    )


# Whether it is mere routine, when the host was asked last, and its name: the smaller the more urgent.
_Claim = tuple[bool, datetime, str]


@dataclass
class _Claims:
    """The hosts that are to be asked now, or soon, apart or not; and when others will be."""

    due: dict[bool, list[_Claim]] = field(default_factory=lambda: {False: [], True: []})
    soon: dict[bool, list[_Claim]] = field(default_factory=lambda: {False: [], True: []})
    wakes: list[datetime] = field(default_factory=list)


def _claims(situation: Situation, pace: Pace, now: datetime) -> _Claims:
    found = _Claims()
    busy = frozenset[str]().union(*(one.waits_for for one in situation.running))
    overdue, soon = now - pace.interval, now - pace.interval * 3 / 4
    earliest = now
    needed, since = situation.needed, situation.rescan_since or _NEVER
    for host in situation.hosts:
        asked = situation.asked.get(host)
        if host in busy:
            continue
        if asked is None:
            found.due[False].append((True, _NEVER, host))
            continue
        needed_at = _needed_at(host, asked, situation, pace) if host in needed or asked.at <= since else None
        is_needed = needed_at is not None and needed_at <= now
        if is_needed or asked.at <= overdue:
            found.due[asked.is_apart].append((not is_needed, asked.at, host))
            continue
        earliest = min(earliest, asked.at)
        if needed_at:
            found.wakes.append(needed_at)
        if asked.at <= soon:
            found.soon[asked.is_apart].append((True, asked.at, host))
    found.wakes.append(earliest + pace.interval)
    return found


def _needed_at(host: str, asked: LastScan, situation: Situation, pace: Pace) -> datetime | None:
    """Return from when on somebody wants the host to be asked, before its routine, or None."""
    since, needed = situation.rescan_since, situation.needed.get(host)
    wanted_since = [moment for moment in (since, needed) if moment and moment >= asked.at]
    if not wanted_since:
        return None
    pause = Backoff(PAUSE, pace.interval).after(asked.misses + 1)
    if needed and needed >= asked.at:
        # What was begun there may have left a container down: it is not to wait for long once the host is back.
        pause = min(pause, _LONGEST_PAUSE)
    return max(min(wanted_since) + SETTLE, asked.at + pause)


def _free_at(running: Iterable[Running], now: datetime, *, is_apart: bool) -> datetime | None:
    """Return when there may be another slice, or None when there may be one now."""
    slices = list(running)
    far = now + timedelta(days=1)  # The end of a slice is heard of.
    if len(slices) >= TOGETHER or (is_apart and any(one.is_apart for one in slices)):
        return far
    late = max((one.started_at + LATE for one in slices if not one.is_apart), default=now)
    return late if late > now and not is_apart else None
