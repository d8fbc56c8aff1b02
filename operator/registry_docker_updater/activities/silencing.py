"""Silencing a trouble that is known, at a person's wish, and ending that."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from registry_docker_updater.core.audit.entries import Person, Step
from registry_docker_updater.core.audit.kinds import SILENCE_BEGAN, SILENCE_ENDED
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import ImageName
from registry_docker_updater.core.references import InvalidReference, Reference
from registry_docker_updater.core.silences import Silence, Subject, problem_of
from registry_docker_updater.errors import NotAsked, NothingKnown, NotNow
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.silences import SilenceRow
from registry_docker_updater.views.silences import silence as row_of

Registries = Mapping[str, Sequence[str]]
_NAMED = 5


@dataclass(frozen=True)
class Wish:
    """A silence that a person wants; what it is ``of`` is found by :func:`meant`."""

    subject: Subject
    of: str
    until: datetime
    reason: str


def silence(storage: Storage, wish: Wish, who: Person, now: datetime) -> SilenceRow:
    """Keep a silence from ``now`` on, with its entry in the trail, and return it.

    Raises :class:`NotAsked` where it has no reason, or lasts for too long.
    """
    check(wish, now)
    with storage.transaction() as kept:
        wanted = Silence(0, wish.subject, wish.of, now, wish.until, wish.reason.strip(), who.name)
        new = kept.silences.add(wanted)
        kept.trail.append(Step(SILENCE_BEGAN, {"silence": new.id, **asdict(who)}), now)
    return row_of(new, now)


def check(wish: Wish, now: datetime) -> None:
    """Raise :class:`NotAsked` where a silence that is wanted ``now`` has no reason, or lasts for too long."""
    problem = problem_of(wish.until, wish.reason, now)
    if problem:
        raise NotAsked("until" if wish.reason.strip() else "reason", problem)


def end_silence(storage: Storage, number: int, who: Person, now: datetime) -> SilenceRow:
    """Keep that a silence is over before its time, with its entry in the trail, and return it.

    Raises :class:`NothingKnown` where there is none with that number, :class:`NotNow` where it is over already.
    """
    with storage.transaction() as kept:
        known = kept.silences.get(number)
        if known is None:
            raise NothingKnown(f"there is no silence {number}; `silence --list` lists those that are")
        if not known.counts(now):
            raise NotNow(f"silence {number} has ended already; `silence --list` says when")
        kept.silences.end(number, who.name, now)
        kept.trail.append(Step(SILENCE_ENDED, {"silence": number, **asdict(who)}), now)
        ended = kept.silences.get(number) or known
    return row_of(ended, now)


def meant(what: str, fleet: Fleet, registries: Registries) -> tuple[Subject, str]:
    """Return what somebody means by ``what``: the name of a host or a registry, a target's key or name, or an image's name.

    ``registries`` has the names under which the fleet pulls from each; an image is meant under all of them. Where several are called so, ``host:NAME``, ``target:KEY``, ``registry:NAME`` or ``image:NAME`` says which. Raises
    :class:`NothingKnown` with those that are called alike, or all that could be meant.
    """
    kind, _, rest = what.partition(":")
    if kind in tuple(Subject) and rest:
        found = [one for one in _called(rest, fleet, registries) if one[0] == kind]
    else:
        found = list(_called(what, fleet, registries))
    if not found:
        alike = difflib.get_close_matches(rest or what, [*fleet.hosts, *registries, *fleet.targets], _NAMED)
        raise NothingKnown(
            f"no host, target, registry or image of the fleet is called {what}"
            + (f"; did you mean {', '.join(alike)}?" if alike else "; `fleet` lists them")
        )
    if len(found) > 1:
        several = ", ".join(f"{subject}:{of}" for subject, of in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise NothingKnown(f"several are called {what}; say which: {several}{more}")
    return found[0]


def _called(name: str, fleet: Fleet, registries: Registries) -> Iterator[tuple[Subject, str]]:
    if name in fleet.hosts:
        yield Subject.HOST, name
    if name in registries:
        yield Subject.REGISTRY, name
    if name in fleet.targets:
        yield Subject.TARGET, name
    for key in sorted(key for key, one in fleet.targets.items() if one.name == name):
        yield Subject.TARGET, key
    try:
        image = ImageName.of_target(Reference.parse(name))
    except InvalidReference:
        return
    if image:
        of = (hosts for hosts in registries.values() if image.host in [host.lower() for host in hosts])
        names = ImageName.of_push(next(of, (image.host,)), image.repository, image.tag)
        if fleet.runs(names):
            yield Subject.IMAGE, str(names[0])
