"""Which hosts are to finish now what interrupted updates left there.

What was begun is always finished: a host whose scan tells of an update that nobody works on is told to repair at once,
whether or not a target is to be seen there, and apart from every rollout.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet

# How long to leave a host alone after a repair that did not end what is unfinished: twice as long each time.
_PAUSE = Backoff(timedelta(seconds=5), timedelta(minutes=5))
# How soon to look again at an update that somebody works on: that process may be killed yet.
_SOON = timedelta(seconds=5)
_LONGEST_LOOK = timedelta(minutes=1)


@dataclass(frozen=True)
class RepairAttempts:
    """How many times a host was told to repair since it was last well, and when that ended last."""

    count: int
    ended_at: datetime


@dataclass(frozen=True)
class Repairs:
    """The ``hosts`` to repair now, those to ``ask`` how far their updates are, and after which time to decide anew."""

    hosts: frozenset[str] = frozenset()
    ask: frozenset[str] = frozenset()
    wait: timedelta = _PAUSE.longest


def due_repairs(
    fleet: Fleet,
    attempts: Mapping[str, RepairAttempts],
    going: Collection[str],
    now: datetime,
    steady: datetime,
) -> Repairs:
    """Return what is to be done about unfinished updates; ``going`` are the hosts that repair at this moment.

    ``now`` is by the clock that dates answers, ``steady`` by that of ``attempts``, which nobody sets.
    """
    hosts: set[str] = set()
    ask: set[str] = set()
    waits: list[timedelta] = []
    for name in fleet.unfinished - frozenset(going):
        host = fleet.hosts[name]
        if not host.is_reachable:
            continue
        is_left = any(not one.is_worked_on for one in host.unfinished)
        wait = _until_repair(attempts.get(name), steady) if is_left else _until_look(host, now)
        if wait <= timedelta():
            (hosts if is_left else ask).add(name)
        else:
            waits.append(wait)
    return Repairs(frozenset(hosts), frozenset(ask), min(waits, default=_PAUSE.longest))


def unfinished_notes(host: Host) -> Iterator[str]:
    """Yield a sentence for each update that is unfinished on ``host``."""
    for one in host.unfinished:
        ending = (
            "and goes on"
            if one.is_worked_on
            else "and was interrupted; the operator, or repair.yml, has it finished"
        )
        yield f"an update of {one.name} to {one.digest} began {one.age:.0f} s before the host answered, {ending}"


def _until_repair(before: RepairAttempts | None, steady: datetime) -> timedelta:
    if before is None:
        return timedelta()
    return before.ended_at + _PAUSE.after(before.count) - steady


def _until_look(host: Host, now: datetime) -> timedelta:
    oldest = timedelta(seconds=max(one.age for one in host.unfinished))
    return min(host.asked_at, now) + min(_LONGEST_LOOK, max(_SOON, oldest / 4)) - now
