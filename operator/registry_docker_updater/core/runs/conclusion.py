"""What became of each target in a run: as modules reported it, and completed for those that stayed silent."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from registry_docker_updater.core.fleet.targets import Kind, Target, container_key, place_of, service_key
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.stages import moments
from registry_docker_updater.core.runs.reading import (
    HostFailure,
    Reading,
    ReportedOutcome,
    Scanned,
    UnreadableResult,
)

# What Ansible puts in place of a secret, wherever it occurs in a result.
_BLOT = "********"


def by_every_key(targets: Iterable[Target]) -> dict[str, Target]:
    """Return ``targets`` by each of their keys: one under each name of its engine."""
    return {key: target for target in targets for key in target.keys}


def outcome_of(
    reported: ReportedOutcome, expected: Mapping[str, Target], now: datetime | None = None
) -> TargetOutcome:
    """Return the outcome of the target that is reported on ``now``; ``expected`` has targets by each of their keys."""
    name = _whole(reported, expected)
    is_service = reported.kind is Kind.SERVICE
    key = service_key(reported.id) if is_service else container_key(reported.host, name)
    known = expected.get(key)
    return TargetOutcome(
        # Under another name of its engine.
        key=known.key if known else key,
        kind=reported.kind,
        name=name,
        place=known.place if known else place_of(reported.kind, reported.host),
        outcome=reported.outcome,
        before=reported.before,
        after=reported.after,
        message=reported.message,
        left_alone=reported.left_alone,
        held=reported.held,
        stages=moments(reported.stages, now) if now else {},
        log=reported.log,
    )


def conclude(
    expected: Iterable[Target],
    known: Mapping[str, TargetOutcome],
    readings: Iterable[Reading],
    ended: str | None,
) -> tuple[TargetOutcome, ...]:
    """Return an outcome for every expected target and for every other of which one is ``known``, by key.

    ``readings`` are of the whole run, and ``ended`` says why it ended early, if it did. A target of which nothing was
    said is ``skipped`` when a host looked and it was not there, ``unreachable`` when no host could be reached, and
    ``failed`` when its hosts failed before they came to it.
    """
    hosts = _Hosts(readings)
    complete = dict(known)
    for target in expected:
        if target.key not in complete:
            outcome, message = hosts.end_of(target, ended)
            complete[target.key] = TargetOutcome(
                key=target.key,
                kind=target.kind,
                name=target.name,
                place=target.place,
                outcome=outcome,
                before=min(target.digests, default=None),
                message=message,
            )
    return tuple(complete[key] for key in sorted(complete))


class _Hosts:
    """How far each host of a run came: what it listed, or why it did not."""

    def __init__(self, readings: Iterable[Reading]) -> None:
        self._listed: dict[str, frozenset[tuple[Kind, str]]] = {}
        self._managers: set[str] = set()
        self._unreachable: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        for one in readings:
            if isinstance(one, HostFailure) and one.is_unreachable:
                self._unreachable[one.host] = f"{one.host}: {one.reason}"
            elif isinstance(one, HostFailure | UnreadableResult):
                self._failed.setdefault(one.host, f"{one.host}: {one.reason}")
            elif isinstance(one, Scanned):
                self._listed[one.host] = frozenset(
                    (seen.kind, seen.id if seen.kind is Kind.SERVICE else seen.name)
                    for seen in one.seen.targets
                )
                if one.seen.is_manager:
                    self._managers.add(one.host)

    def end_of(self, target: Target, ended: str | None) -> tuple[Outcome, str]:
        itself = (target.kind, target.id if target.kind is Kind.SERVICE else target.name)
        # A manager of a swarm that lost its quorum answers, and knows nothing of services.
        able = self._managers if target.kind is Kind.SERVICE else self._listed
        lists = [self._listed[host] for host in target.hosts if host in able]
        if lists and not any(itself in listed for listed in lists):
            return Outcome.SKIPPED, "it no longer runs this image name, or is gone"
        failed = [self._failed[host] for host in target.hosts if host in self._failed]
        unreachable = [self._unreachable[host] for host in target.hosts if host in self._unreachable]
        if unreachable and not failed:
            return Outcome.UNREACHABLE, "; ".join(unreachable)
        return Outcome.FAILED, "; ".join(failed) or ended or "the playbook ended without a word about it"


def _whole(reported: ReportedOutcome, expected: Mapping[str, Target]) -> str:
    """Return the whole name of a target in which Ansible blotted out a password that is a part of it."""
    name = reported.name
    if _BLOT not in name:
        return name
    pattern = re.compile(".+".join(map(re.escape, name.split(_BLOT))))
    known = {
        one.name
        for one in expected.values()
        if one.kind is Kind.CONTAINER and reported.host in one.hosts and pattern.fullmatch(one.name)
    }
    return known.pop() if len(known) == 1 else name
