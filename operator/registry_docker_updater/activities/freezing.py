"""Freezing: having nothing updated for a while, at a person's wish, and thawing what is frozen."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import chain

from registry_docker_updater.core.audit.entries import Person, Step
from registry_docker_updater.core.audit.kinds import FREEZE_BEGAN, FREEZE_ENDED
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.policy.freezes import Freeze, Scope, problem_of
from registry_docker_updater.errors import NotAsked, NothingKnown, NotNow
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.text import alike

_NAMED = 5


@dataclass(frozen=True)
class FreezeWish:
    """A freeze that a person wants, ``until`` a moment or, with None, until somebody thaws it; what it is ``of`` is found by :func:`meant`."""

    scope: Scope
    of: str
    until: datetime | None
    reason: str


def freeze(storage: Storage, wish: FreezeWish, who: Person, now: datetime) -> Freeze:
    """Keep a freeze from ``now`` on, with its entry in the trail, and return it.

    Raises :class:`NotAsked` where it has no reason, or its time has passed.
    """
    check(wish, now)
    with storage.transaction() as kept:
        new = kept.freezes.add(Freeze(0, wish.scope, wish.of, now, wish.until, wish.reason.strip(), who.name))
        kept.trail.append(Step(FREEZE_BEGAN, {"freeze": new.id, **asdict(who)}), now)
    return new


def check(wish: FreezeWish, now: datetime) -> None:
    """Raise :class:`NotAsked` where a freeze that is wanted ``now`` has no reason, or its time has passed."""
    problem = problem_of(wish.until, wish.reason, now)
    if problem:
        raise NotAsked("until" if wish.reason.strip() else "reason", problem)


def thaw(storage: Storage, number: int, who: Person, now: datetime) -> Freeze:
    """Keep that a freeze is over before its time, with its entry in the trail, and return it.

    Raises :class:`NothingKnown` where there is none with that number, :class:`NotNow` where it is over already.
    """
    with storage.transaction() as kept:
        known = kept.freezes.get(number)
        if known is None:
            raise NothingKnown(f"there is no freeze {number}; `freeze --list` lists those that are")
        if not known.counts(now):
            raise NotNow(f"freeze {number} has ended already; `freeze --list` says when")
        kept.freezes.end(number, who.name, now)
        kept.trail.append(Step(FREEZE_ENDED, {"freeze": number, **asdict(who)}), now)
        return kept.freezes.get(number) or known


def meant(what: str, fleet: Fleet) -> tuple[Scope, str]:
    """Return what somebody means by ``what``: everything, a swarm, a group, a host, or a repository by its name or a pattern.

    A swarm is called by its id or, as ``swarm:NAME``, by any of its managers. Where several are called so, ``swarm:NAME``, ``group:NAME``,
    ``host:NAME`` or ``repository:PATTERN`` says which. Raises :class:`NothingKnown` with those that are called alike, or all that
    could be meant: a freeze of nothing would not be noticed before it is too late.
    """
    if what == Scope.EVERYTHING:
        return Scope.EVERYTHING, ""
    kind, _, rest = what.partition(":")
    is_said = kind in tuple(Scope) and bool(rest)
    name = rest if is_said else what
    repositories = {one.repository for one in fleet.by_name}
    groups = set(chain.from_iterable(host.groups for host in fleet.hosts.values()))
    found = [one for one in _called(name, fleet, groups, repositories) if not is_said or one[0] == kind]
    if kind == Scope.SWARM and not found:
        found = [(Scope.SWARM, swarm) for swarm, managers in fleet.swarms.items() if name in managers]
    if not found:
        close = alike(name, chain(fleet.hosts, groups, repositories))
        raise NothingKnown(
            f"no swarm, group or host of the fleet, and no repository that it runs, is called {what}"
            + (f"; did you mean {', '.join(close)}?" if close else "; `fleet` lists them")
        )
    if len(found) > 1:
        several = ", ".join(f"{scope}:{of}" for scope, of in found[:_NAMED])
        raise NothingKnown(f"several are called {what}; say which: {several}")
    return found[0]


def _called(name: str, fleet: Fleet, groups: set[str], repositories: set[str]) -> Iterator[tuple[Scope, str]]:
    if name in fleet.swarms:
        yield Scope.SWARM, name
    if name in groups:
        yield Scope.GROUP, name
    if name in fleet.hosts:
        yield Scope.HOST, name
    if any(fnmatchcase(one, name) for one in repositories):
        yield Scope.REPOSITORY, name
