"""What is not well, in the order of its gravity: what is alike is one trouble, however many hosts or targets have it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from heapq import nsmallest

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.notifications.schedule import Message
from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.core.schedules.registries import RegistryStanding
from registry_docker_updater.core.schedules.scans import oldest_allowed
from registry_docker_updater.core.silences import Silences, Subject
from registry_docker_updater.core.status.targets import of_targets
from registry_docker_updater.core.status.trouble import (
    NAMED,
    Affected,
    Trouble,
    TroubleKind,
    bounded,
    by_silence,
    listed,
)


@dataclass(frozen=True)
class Untold:
    """A message that not everybody has; of a ``rollout`` of ``image``, or of something else."""

    message: Message
    rollout: int | None = None
    image: str | None = None


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
        *of_targets(known.overview, known.silences),
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
                f"the operator does not work ({part}): {bounded(why)}",
                "nothing is updated until then; its log has more, and /readyz says when it works again",
            )
    if known.trail:
        yield Trouble(TroubleKind.BROKEN_TRAIL, known.trail, "`audit verify` tells all of it")


def _of_hosts(known: Circumstances) -> Iterator[Trouble]:
    hosts, silences = list(known.overview.fleet.hosts.values()), known.silences
    allowed = known.overview.at - oldest_allowed(known.interval)
    for some in _hosts_by_silence([one for one in hosts if one.error], silences):
        first = nsmallest(NAMED, some.things, key=lambda one: one.name)
        reasons = [f"{one.name} ({bounded(one.error or '')})" for one in first]
        yield Trouble(
            TroubleKind.UNREACHABLE,
            f"cannot be reached: {listed(reasons, len(some.things), 'host')}",
            "what they run is brought to what was pushed as soon as they answer; `check` asks them now",
            len(some.things),
            tuple(one.name for one in first),
            silences=some.silences,
        )
    # Without an operator nobody asks them, which is told.
    old = [one for one in hosts if one.asked_at < allowed] if known.has_operator else []
    for some in _hosts_by_silence(old, silences):
        first = nsmallest(NAMED, some.things, key=lambda one: (one.asked_at, one.name))
        names = [f"{one.name} (at {one.asked_at:%Y-%m-%d %H:%M:%S} UTC)" for one in first]
        yield Trouble(
            TroubleKind.OLD_LOOK,
            f"not asked for more than {oldest_allowed(known.interval).total_seconds():.0f} s:"
            f" {listed(names, len(some.things), 'host')}",
            "give scans a larger fleet.scan_share, or hosts a longer fleet.scan_interval",
            len(some.things),
            tuple(one.name for one in first),
            since=first[0].asked_at,
            silences=some.silences,
        )


def _hosts_by_silence(hosts: Sequence[Host], silences: Silences) -> Iterator[Affected[Host]]:
    if silences.by_subject:
        return by_silence(hosts, lambda one: silences.of(Subject.HOST, one.name))
    return iter([Affected(hosts)] if hosts else [])


def _of_registries(known: Circumstances) -> Iterator[Trouble]:
    for one in known.registries:
        silence = known.silences.of(Subject.REGISTRY, one.name)
        named, silences = (one.name,), (silence,) if silence else ()
        if one.poll and one.poll.error:
            yield Trouble(
                TroubleKind.NO_REGISTRY,
                bounded(one.poll.error),
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
    silences = known.silences
    for some in by_silence(known.untold, lambda one: silences.of_image(one.image) if one.image else None):
        reasons = [f"{_about(one)} ({bounded(one.message.error or '')})" for one in some.things[:NAMED]]
        yield Trouble(
            TroubleKind.TEAM_NOT_TOLD,
            f"not everybody was told: {listed(reasons, len(some.things), 'message')}",
            "it is tried again for a while; `notify --test` says what a channel answers",
            len(some.things),
            tuple(str(one.message.id) for one in some.things[:NAMED]),
            since=min(
                (one.message.failing_since for one in some.things if one.message.failing_since), default=None
            ),
            at=min((one.message.due_at for one in some.things if one.message.due_at), default=None),
            rollout=some.things[0].rollout if len(some.things) == 1 else None,
            silences=some.silences,
        )


def _about(one: Untold) -> str:
    of = f" about rollout {one.rollout}" if one.rollout is not None else ""
    return f"{one.message.id} to {one.message.receiver}{of}"
