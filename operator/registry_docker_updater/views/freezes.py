"""Freezes as people and programs see them."""

from datetime import datetime

from typing_extensions import TypedDict

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.policy.freezes import Freeze, Scope
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.values import moment

# Of a swarm's managers, so many are named.
_NAMED = 3


class FreezeRow(TypedDict):
    """A freeze of everything, a swarm (by its id), a group, a host, or a repository (a pattern); ``says`` tells all of it in a sentence.

    It ``counts`` until its time, null where it has none, or till somebody thaws it. ``managers`` are those of the swarm, where it is of one.
    """

    id: int
    scope: str
    of: str
    says: str
    managers: list[str]
    at: str
    until: str | None
    reason: str
    actor: str
    ended_at: str | None
    ended_by: str | None
    counts: bool


def freezes(  # noqa: PLR0913 - what is known, and what is asked for
    storage: Storage,
    fleet: Fleet,
    now: datetime,
    limit: int,
    before: int | None = None,
    *,
    counts: bool | None = None,
) -> list[FreezeRow]:
    """Return the newest ``limit`` freezes, newest first.

    They began ``before`` the one with that number, and count ``now`` or do not, where that is given.
    """
    return [freeze(one, fleet, now) for one in storage.freezes.newest(now, limit, before, counts=counts)]


def frozen(storage: Storage, fleet: Fleet, now: datetime) -> list[FreezeRow]:
    """Return all freezes that count ``now``, newest first."""
    return [freeze(one, fleet, now) for one in reversed(storage.freezes.counting(now))]


def freeze_of(storage: Storage, fleet: Fleet, number: int, now: datetime) -> FreezeRow:
    """Return the freeze with ``number``; raises :class:`NothingKnown`."""
    one = storage.freezes.get(number)
    if one is None:
        raise NothingKnown(f"there is no freeze {number}; `freeze --list` lists those that are")
    return freeze(one, fleet, now)


def freeze(one: Freeze, fleet: Fleet, now: datetime) -> FreezeRow:
    """Return one freeze."""
    managers = sorted(fleet.swarms.get(one.of, ())) if one.scope is Scope.SWARM else []
    return {
        "id": one.id,
        "scope": str(one.scope),
        "of": one.of,
        "says": f"{called(one.scope, one.of, fleet)} is {one.sentence}",
        "managers": managers,
        "at": moment(one.at),
        "until": moment(one.until),
        "reason": one.reason,
        "actor": one.actor,
        "ended_at": moment(one.ended_at),
        "ended_by": one.ended_by,
        "counts": one.counts(now),
    }


def called(scope: str, of: str, fleet: Fleet) -> str:
    """Return how people call what a freeze is of."""
    if scope == Scope.EVERYTHING:
        return scope
    managers = sorted(fleet.swarms.get(of, ())) if scope == Scope.SWARM else []
    more = ", …" if len(managers) > _NAMED else ""
    return f"{scope} of {', '.join(managers[:_NAMED])}{more}" if managers else f"{scope} {of}"
