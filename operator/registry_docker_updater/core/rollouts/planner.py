"""What to do next: one pure function of what was pushed, what runs, what was attempted, and the time.

It is asked again after a push, a scan, a finished run, a due retry and at start, and always looks at everything,
so that a host that was down or an operator that was killed needs no code of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.at_once import at_once
from registry_docker_updater.core.rollouts.desired import DesiredImage, DesiredImages, PushedName
from registry_docker_updater.core.rollouts.history import History, LastAttempt, Override
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.rollouts.verdicts import DUE, LATER, Case, Verdict, verdict_on


@dataclass(frozen=True)
class Start:
    """Run ``update.yml`` for a push on ``hosts``; leave the targets with the keys ``skip`` alone.

    ``overridden`` are the keys of those that a person wants to get it whatever happened before. ``possible_digests``
    says of every other target which it may run: one that runs something else was changed since it was looked at. ``at_once``
    says which may be updated without a look at all hosts first, by the host through which.
    """

    desired: DesiredImage
    targets: tuple[Target, ...]
    skip: tuple[str, ...]
    overridden: tuple[str, ...] = ()
    possible_digests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    at_once: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The inventory names of the hosts concerned."""
        return tuple(sorted({host for target in self.targets for host in target.hosts}))


@dataclass(frozen=True)
class Plan:
    """What to do now, and when to ask again if nothing happens.

    ``supersede`` are rollouts that a newer push made pointless, ``settle`` those that wait for nothing any more:
    their targets are gone, were changed by a person, or ended well before a run could say so. ``rescan_since`` is
    when the newest of the pushes came that no target runs: what a host reported before may be older than that.
    ``ask`` are hosts that did not answer and for which a rollout waits, ``closed_overrides`` those that need not be
    remembered any more: the target runs it, or there is a newer push.
    """

    start: tuple[Start, ...] = ()
    supersede: tuple[int, ...] = ()
    settle: tuple[Rollout, ...] = ()
    wake_at: datetime | None = None
    rescan_since: datetime | None = None
    ask: frozenset[str] = frozenset()
    closed_overrides: frozenset[Override] = frozenset()


def plan(desired: Iterable[DesiredImage], fleet: Fleet, history: History, now: datetime) -> Plan:
    """Return what to do at ``now``.

    ``desired`` holds the newest push of each name, and no other: of all names, or of those that :func:`concerning` finds.
    ``history`` must know every target of :func:`open_targets`, and every rollout that runs or waits.
    """
    starts: list[Start] = []
    wakes: list[datetime] = []
    settled: list[Rollout] = []
    unknown: list[tuple[int, datetime]] = []
    ask: set[str] = set()
    newest = {one.name: one for one in desired}
    running = {one.name for one in history.rollouts.values() if one.state is RolloutState.RUNNING}
    for name, one in newest.items():
        if name in running:
            continue
        rollout = history.rollouts.get(one.push)
        if not fleet.runs(one.image_names):
            unknown.append((one.push, one.received_at))
        behind = fleet.behind(one.image_names, one.digest)
        verdicts = [(target, judge(target, one, history, fleet, now)) for target in behind]
        due = tuple(target for target, verdict in verdicts if verdict is DUE)
        for target, verdict in verdicts:
            if verdict is LATER and rollout and rollout.state is RolloutState.WAITING:
                ask |= _silent(target, history.last[target.key], fleet)
        if due:
            starts.append(_start(one, due, fleet, history))
        elif rollout and rollout.state is RolloutState.WAITING:
            waits = any(verdict.is_pending for _, verdict in verdicts)
            # Until it is due, a target that is not to be seen may only be on its way from one container to the next.
            if rollout.due_at and (waits or rollout.due_at > now):
                wakes.append(rollout.due_at)
            else:
                settled.append(rollout)
    return Plan(
        start=tuple(starts),
        supersede=_pointless(history.rollouts.values(), newest),
        settle=tuple(settled),
        wake_at=min(wakes, default=None),
        rescan_since=max(unknown)[1] if unknown else None,
        ask=frozenset(ask),
        closed_overrides=_closed(newest.values(), fleet, history),
    )


def open_targets(desired: Iterable[DesiredImage], fleet: Fleet) -> list[str]:
    """Return the keys of the targets that do not run what was pushed: a plan asks for the history of no others."""
    return [target.key for one in desired for target in fleet.behind(one.image_names, one.digest)]


def concerning(desired: DesiredImages, run: Iterable[DesiredImage], history: History) -> list[DesiredImage]:
    """Return what of ``desired`` a plan depends on: those that targets ``run``, and those of open rollouts and overrides.

    They come in the order in which they were pushed: where not all can start, who has waited longest does. Of all others only the newest does: it says since when the fleet is to be looked at.
    """
    rollouts = [one.name for one in history.rollouts.values()]
    overridden = [one.push for one in history.overrides]
    found = {one.name: one for one in (*run, *desired.of(rollouts, overridden))}
    others = desired.newest_not_in(found)
    return sorted([*found.values(), *others], key=lambda one: one.push)


def judge(target: Target, desired: DesiredImage, history: History, fleet: Fleet, now: datetime) -> Verdict:
    """Return whether ``target`` is to be brought to the digest of ``desired`` now, and why not if not."""
    return verdict_on(Case(target, desired, history, fleet, now))


def _closed(newest: Iterable[DesiredImage], fleet: Fleet, history: History) -> frozenset[Override]:
    if not history.overrides:
        return frozenset()
    digests = {one.push: one.digest for one in newest}
    return frozenset(
        one
        for one in history.overrides
        if one.push not in digests
        or (one.key in fleet.targets and fleet.targets[one.key].runs(digests[one.push]))
    )


def _silent(target: Target, last: LastAttempt, fleet: Fleet) -> set[str]:
    """Return the hosts of a target that could not be reached which have not answered since."""
    if last.outcome is not Outcome.UNREACHABLE:
        return set()
    hosts = ((name, fleet.hosts.get(name)) for name in target.hosts)
    return {name for name, host in hosts if not host or host.error or host.asked_at <= last.at}


def _start(one: DesiredImage, due: tuple[Target, ...], fleet: Fleet, history: History) -> Start:
    """Return the start of a run for ``due``, which leaves the others of this name on the same hosts alone."""
    targets = fleet.running(one.image_names)
    hosts = {host for target in due for host in target.hosts}
    keys = {target.key for target in due}
    others = (t for t in targets if t.key not in keys and hosts.intersection(t.hosts))
    overridden = tuple(target.key for target in due if Override(target.key, one.push) in history.overrides)
    return Start(
        desired=one,
        targets=due,
        skip=tuple(key for target in others for key in target.keys),
        overridden=overridden,
        possible_digests={
            key: _possible_digests(target, history)
            for target in due
            if target.key not in overridden
            for key in target.keys
        },
        at_once=at_once(due, fleet),
    )


def _possible_digests(target: Target, history: History) -> tuple[str, ...]:
    last = history.last.get(target.key)
    return tuple(sorted(target.digests | (last.possible_digests if last else frozenset())))


def _pointless(rollouts: Iterable[Rollout], newest: Mapping[PushedName, DesiredImage]) -> tuple[int, ...]:
    return tuple(
        rollout.id
        for rollout in rollouts
        if rollout.state is RolloutState.WAITING
        and rollout.name in newest
        and newest[rollout.name].push != rollout.push
    )
