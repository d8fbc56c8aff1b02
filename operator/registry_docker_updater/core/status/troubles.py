"""What is not well, in the order of its gravity: what is alike is one trouble, however many hosts or targets have it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import nsmallest
from typing import Generic, TypeVar

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.notifications.schedule import Notification
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.outlook import Alike, Outlook, Overview
from registry_docker_updater.core.rollouts.verdicts import CHANGED, LATER, Verdict
from registry_docker_updater.core.schedules.registries import RegistryStanding
from registry_docker_updater.core.schedules.scans import oldest_allowed
from registry_docker_updater.core.silences import Silence, Silences, Subject

T = TypeVar("T")
# Of many that have the same trouble, so many are named; and of many images, so many have a line of their own.
NAMED = 3
_LINES = 20
_LONGEST_REASON = 200


class TroubleKind(StrEnum):
    """What a trouble is of, the gravest first."""

    NO_OPERATOR = "no_operator"
    NOT_READY = "not_ready"
    BROKEN_TRAIL = "broken_trail"
    DOWN = "down"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    NO_REGISTRY = "no_registry"
    SILENT_REGISTRY = "silent_registry"
    OLD_LOOK = "old_look"
    TEAM_NOT_TOLD = "team_not_told"
    BEHIND = "behind"


@dataclass(frozen=True)
class Trouble:
    """Something that is not well: the ``sentence`` says what and why, ``then`` what happens next, or what is to be done.

    ``count`` is how many hosts, targets, registries or rollouts have it, and ``named`` are the first few; ``at`` is when it
    goes on by itself, where a time is set. A person knows of it where there are ``silences``.
    """

    kind: TroubleKind
    sentence: str
    then: str
    count: int = 1
    named: tuple[str, ...] = ()
    since: datetime | None = None
    at: datetime | None = None
    rollout: int | None = None
    silences: tuple[Silence, ...] = ()


@dataclass(frozen=True)
class Untold:
    """A message that not everybody has, about a rollout of ``image``."""

    notification: Notification
    image: str


@dataclass(frozen=True)
class Circumstances:
    """All that tells whether everything is well.

    Hosts are to be asked at every ``interval``. ``untold`` are messages that not everybody has; ``trail`` says what is wrong with
    that, where it is known, and ``broken`` of each part of the operator why it does not work, None where it does.
    """

    overview: Overview
    interval: timedelta
    registries: Sequence[RegistryStanding] = ()
    untold: Sequence[Untold] = ()
    silences: Silences = field(default_factory=Silences)
    trail: str | None = None
    has_operator: bool = True
    broken: Mapping[str, str | None] = field(default_factory=dict)


def troubles(known: Circumstances) -> list[Trouble]:
    """Return what is not well, the gravest first, and what is silenced beside what is not."""
    found = (
        *_of_operator(known),
        *_of_targets(known),
        *_of_hosts(known),
        *_of_registries(known),
        *_of_messages(known),
    )
    order = {kind: place for place, kind in enumerate(TroubleKind)}
    return sorted(found, key=lambda one: order[one.kind])


def _of_operator(known: Circumstances) -> Iterator[Trouble]:
    if not known.has_operator:
        yield Trouble(
            TroubleKind.NO_OPERATOR,
            "no operator works with the state directory: nothing is updated",
            "start it; what was pushed meanwhile is caught up with",
        )
    for part, why in known.broken.items():
        if why:
            yield Trouble(
                TroubleKind.NOT_READY,
                f"the operator does not work ({part}): {_bounded(why)}",
                "nothing is updated until then; its log has more, and /readyz says when it works again",
            )
    if known.trail:
        yield Trouble(TroubleKind.BROKEN_TRAIL, known.trail, "`audit verify` tells all of it")


def _of_targets(known: Circumstances) -> Iterator[Trouble]:
    silenced = _silenced_targets(known)
    by_kind: dict[tuple[TroubleKind, bool], list[_Some[Outlook]]] = {}
    for alike, outlooks in known.overview.alike.items():
        kind = _kind_of(alike, outlooks[0].verdict)
        if kind:
            for some in _parts(alike, outlooks, silenced, known.silences):
                by_kind.setdefault((kind, bool(some.silences)), []).append(some)
    for (kind, _), images in by_kind.items():
        yield from (_of_alike(kind, some) for some in images[:_LINES])
        if more := images[_LINES:]:
            yield _of_more(kind, more)


def _silenced_targets(known: Circumstances) -> Mapping[Alike, Mapping[str, Silence]]:
    """Return the targets that are behind and silenced themselves, or by their hosts, by key, and by what they have in common."""
    behind, fleet = known.overview.behind, known.overview.fleet
    found: dict[Alike, dict[str, Silence]] = {}
    for subject, of in known.silences.by_subject:
        for key in fleet.named.get(of, ()) if subject is Subject.HOST else (of,):
            one = behind.get(key)
            silence = known.silences.of_target(key, None, one.target.hosts) if one else None
            if one and silence:
                found.setdefault(one.alike, {})[key] = silence
    return found


def _parts(
    alike: Alike,
    outlooks: Sequence[Outlook],
    silenced: Mapping[Alike, Mapping[str, Silence]],
    silences: Silences,
) -> "Iterable[_Some[Outlook]]":
    of_image = silences.of_image(outlooks[0].image)
    if of_image:
        return (_Some(outlooks, (of_image,)),)
    hidden = silenced.get(alike)
    if not hidden:
        return (_Some(outlooks),)
    heard = [one for one in outlooks if one.target.key not in hidden]
    others = [one for one in outlooks if one.target.key in hidden]
    by_number = {one.id: one for one in hidden.values()}
    return (*([_Some(heard)] if heard else ()), _Some(others, tuple(by_number.values())))


def _kind_of(alike: Alike, verdict: Verdict) -> TroubleKind | None:
    """Return which trouble it is that targets are behind for this reason, None where it is none."""
    if verdict is LATER:
        # Where its hosts cannot be reached, that is the trouble.
        return None if alike.is_lost else TroubleKind.FAILED
    # What waits, what is being updated, and what a person changed, is as it should be.
    if verdict.is_pending or verdict is CHANGED:
        return None
    if alike.outcome is Outcome.ROLLBACK_FAILED:
        return TroubleKind.DOWN
    is_failure = alike.outcome in (Outcome.FAILED, Outcome.ROLLED_BACK)
    return TroubleKind.FAILED if is_failure else TroubleKind.BEHIND


def _of_alike(kind: TroubleKind, some: "_Some[Outlook]") -> Trouble:
    names = [f"{one.target.name} at {one.target.place}" for one in some.things[:NAMED]]
    where = _listed(names, len(some.things), "target")
    first = some.things[0]
    image, rollout, verdict = first.image, first.rollout, first.verdict
    tells = f"; `rollout {rollout.id}` tells why" if rollout else ""
    sentences = {
        TroubleKind.DOWN: f"neither the new nor the old version of {image} came up: {where}",
        TroubleKind.FAILED: f"{image} could not be brought to {where}",
        TroubleKind.BEHIND: f"{image} was pushed, and is not on {where}: {verdict.sentence}",
    }
    then = "look at it at once" if kind is TroubleKind.DOWN else verdict.then
    return Trouble(
        kind,
        sentences[kind],
        f"{then}{tells}",
        len(some.things),
        tuple(one.target.key for one in some.things[:NAMED]),
        since=min((one.last.at for one in some.things if one.last), default=None),
        at=first.next_at,
        rollout=rollout.id if rollout else None,
        silences=some.silences,
    )


def _of_more(kind: TroubleKind, more: "Sequence[_Some[Outlook]]") -> Trouble:
    """Return one trouble for all the images that have no line of their own."""
    count = sum(len(some.things) for some in more)
    return Trouble(
        kind,
        f"the same is so of {len(more):,} more image(s), on {count:,} target(s)",
        "the fleet's targets that are behind are listed with why",
        count,
        silences=more[0].silences,
    )


def _of_hosts(known: Circumstances) -> Iterator[Trouble]:
    hosts, silences = list(known.overview.fleet.hosts.values()), known.silences
    allowed = known.overview.at - oldest_allowed(known.interval)
    for some in _hosts_by_silence([one for one in hosts if one.error], silences):
        first = nsmallest(NAMED, some.things, key=lambda one: one.name)
        reasons = [f"{one.name} ({_bounded(one.error or '')})" for one in first]
        yield Trouble(
            TroubleKind.UNREACHABLE,
            f"cannot be reached: {_listed(reasons, len(some.things), 'host')}",
            "what they run is brought to what was pushed as soon as they answer; `check` asks them now",
            len(some.things),
            tuple(one.name for one in first),
            silences=some.silences,
        )
    for some in _hosts_by_silence([one for one in hosts if one.asked_at < allowed], silences):
        first = nsmallest(NAMED, some.things, key=lambda one: (one.asked_at, one.name))
        names = [f"{one.name} (at {one.asked_at:%Y-%m-%d %H:%M:%S} UTC)" for one in first]
        yield Trouble(
            TroubleKind.OLD_LOOK,
            f"not asked for more than {oldest_allowed(known.interval).total_seconds():.0f} s:"
            f" {_listed(names, len(some.things), 'host')}",
            "give scans a larger fleet.scan_share, or hosts a longer fleet.scan_interval",
            len(some.things),
            tuple(one.name for one in first),
            since=first[0].asked_at,
            silences=some.silences,
        )


def _hosts_by_silence(hosts: Sequence[Host], silences: Silences) -> "Iterator[_Some[Host]]":
    if silences.by_subject:
        return _by_silence(hosts, lambda one: silences.of(Subject.HOST, one.name))
    return iter([_Some(hosts)] if hosts else [])


def _of_registries(known: Circumstances) -> Iterator[Trouble]:
    for one in known.registries:
        silence = known.silences.of(Subject.REGISTRY, one.name)
        named, silences = (one.name,), (silence,) if silence else ()
        if one.poll and one.poll.error:
            yield Trouble(
                TroubleKind.NO_REGISTRY,
                _bounded(one.poll.error),
                "it is asked again and again; `check` says what is to be done",
                named=named,
                silences=silences,
            )
        if one.silent_since:
            yield Trouble(
                TroubleKind.SILENT_REGISTRY,
                one.sentence,
                "until then images are updated when the sweep comes to them",
                named=named,
                since=one.silent_since,
                silences=silences,
            )


def _of_messages(known: Circumstances) -> Iterator[Trouble]:
    for some in _by_silence(known.untold, lambda one: known.silences.of_image(one.image)):
        reasons = [
            f"{one.notification.rollout} ({_bounded(one.notification.error or '')})"
            for one in some.things[:NAMED]
        ]
        yield Trouble(
            TroubleKind.TEAM_NOT_TOLD,
            f"the team was not told of {_listed(reasons, len(some.things), 'rollout')}",
            "it is tried again for a while; `notify.yml` and its channels are described in the docs",
            len(some.things),
            tuple(str(one.notification.rollout) for one in some.things[:NAMED]),
            at=min((one.notification.due_at for one in some.things if one.notification.due_at), default=None),
            silences=some.silences,
        )


@dataclass(frozen=True)
class _Some(Generic[T]):
    """Things with the same trouble, and what silences them."""

    things: Sequence[T]
    silences: tuple[Silence, ...] = ()


def _by_silence(things: Iterable[T], silence_of: Callable[[T], Silence | None]) -> Iterator[_Some[T]]:
    """Yield those that are not silenced, and those that are, as far as there are any."""
    heard: list[T] = []
    silenced: list[T] = []
    silences: dict[int, Silence] = {}
    for one in things:
        silence = silence_of(one)
        if silence:
            silences[silence.id] = silence
        (silenced if silence else heard).append(one)
    if heard:
        yield _Some(heard)
    if silenced:
        yield _Some(silenced, tuple(silences.values()))


def _listed(first: Sequence[str], count: int, what: str) -> str:
    """Return the names of the first of so many, and how many more there are."""
    if count == 1:
        return f"{what} {first[0]}"
    more = f", and {count - len(first):,} more" if count > len(first) else ""
    return f"{count:,} {what}s: {', '.join(first)}{more}"


def _bounded(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"
