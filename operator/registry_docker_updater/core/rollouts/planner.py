"""What to do next: one pure function of what was pushed, what runs, what was tried, and the time.

It is asked again after a push, a scan, a finished run, a due retry and at start, and always looks at everything,
so that a host that was down or an operator that was killed needs no code of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from registry_docker_updater.core.fleet.index import Fleet, Target
from registry_docker_updater.core.rollouts.history import (
    DesiredImage,
    History,
    LastAttempt,
    Rollout,
    RolloutState,
)
from registry_docker_updater.core.rollouts.outcomes import Outcome


@dataclass(frozen=True)
class Start:
    """Run ``update.yml`` for a push on ``hosts``; leave the targets with the keys ``skip`` alone.

    ``told`` are the keys of those that a person told us to bring there whatever happened before. ``known`` says of
    every other target which digests it may run: one that runs something else was changed since it was looked at.
    """

    desired: DesiredImage
    targets: tuple[Target, ...]
    skip: tuple[str, ...]
    told: tuple[str, ...] = ()
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The inventory names of the hosts concerned."""
        return tuple(sorted({host for target in self.targets for host in target.hosts}))


@dataclass(frozen=True)
class Plan:
    """What to do now, and when to ask again if nothing happens.

    ``supersede`` are rollouts that a newer push made pointless, ``settle`` those that wait for nothing any more:
    their targets are gone, were changed by a person, or ended well before a run could say so. ``look_since`` is
    when the newest of the pushes came that no target runs: what a host told before may be older than that.
    ``ask`` are hosts that did not answer and for which a rollout waits, ``fulfilled`` what a person asked for and need
    not ask for any more: the target runs it, or there is a newer push.
    """

    start: tuple[Start, ...] = ()
    supersede: tuple[int, ...] = ()
    settle: tuple[Rollout, ...] = ()
    wake_at: datetime | None = None
    rescan_since: datetime | None = None
    ask: frozenset[str] = frozenset()
    fulfilled: frozenset[tuple[str, int]] = frozenset()


class Verdict(StrEnum):
    """Why a target that runs a pushed name is, or is not, to be brought to the pushed digest."""

    DUE = "due"
    LATER = "failed before, and waits for its next try"
    BUSY = "is being updated by another rollout"
    UNFINISHED = "is on its way from one container to the next: what interrupted that is being put right"
    CURRENT = "already runs this digest"
    DONE = "this push has been dealt with here"
    LEFT_ALONE = "was left alone, because others failed before it"
    REFUSED = "this digest was rolled back here before"
    CHANGED = "was changed after the push, and is left alone until the next one"

    @property
    def is_overridable(self) -> bool:
        """Whether a person can have the target brought to the digest all the same."""
        return self in (Verdict.DONE, Verdict.LEFT_ALONE, Verdict.REFUSED, Verdict.CHANGED)


def plan(desired: Iterable[DesiredImage], fleet: Fleet, history: History, now: datetime) -> Plan:
    """Return what to do at ``now``. ``wanted`` holds the newest push of each reference, and no other.

    ``history`` must know every target of :func:`open_targets`, and every rollout that runs or waits.
    """
    starts: list[Start] = []
    wakes: list[datetime] = []
    settled: list[Rollout] = []
    unknown: list[tuple[int, datetime]] = []
    ask: set[str] = set()
    newest = {one.name: one for one in desired}
    running = {
        rollout.reference for rollout in history.rollouts.values() if rollout.state is RolloutState.RUNNING
    }
    for name, one in newest.items():
        if name in running:
            continue
        rollout = history.rollouts.get(one.push)
        if not fleet.runs(one.hosts, one.repository, one.tag):
            unknown.append((one.push, one.received_at))
        behind = fleet.behind(one.hosts, one.repository, one.tag, one.digest)
        verdicts = [(target, judge(target, one, history, fleet, now)) for target in behind]
        due = tuple(target for target, verdict in verdicts if verdict is Verdict.DUE)
        for target, verdict in verdicts:
            if verdict is Verdict.LATER and rollout and rollout.state is RolloutState.WAITING:
                ask |= _silent(target, history.last[target.key], fleet)
        if due:
            starts.append(_start(one, due, fleet, history))
        elif rollout and rollout.state is RolloutState.WAITING:
            waits = any(
                verdict in (Verdict.LATER, Verdict.BUSY, Verdict.UNFINISHED) for _, verdict in verdicts
            )
            # Until it is due, a target that is not to be seen may only be on its way from one container to the next.
            if rollout.due_at and (waits or rollout.due_at > now):
                wakes.append(rollout.due_at)
            else:
                settled.append(rollout)
    superseded = _pointless(history.rollouts.values(), newest)
    return Plan(
        tuple(starts),
        superseded,
        tuple(settled),
        min(wakes, default=None),
        max(unknown)[1] if unknown else None,
        frozenset(ask),
        _fulfilled(newest.values(), fleet, history),
    )


def open_targets(desired: Iterable[DesiredImage], fleet: Fleet) -> list[str]:
    """Return the keys of the targets that do not run what was pushed: a plan asks for the history of no others."""
    return [
        target.key
        for one in desired
        for target in fleet.behind(one.hosts, one.repository, one.tag, one.digest)
    ]


def judge(target: Target, desired: DesiredImage, history: History, fleet: Fleet, now: datetime) -> Verdict:  # noqa: PLR0911 - one for each verdict
    """Return whether ``target`` is to be brought to the digest of ``wanted`` now, and why not if not."""
    if target.runs(desired.digest):
        return Verdict.CURRENT
    last_attempt = history.last.get(target.key)
    rollout = history.rollouts.get(last_attempt.push) if last_attempt else None
    if rollout and rollout.state is RolloutState.RUNNING:
        return Verdict.BUSY
    if target.is_unfinished:
        return Verdict.UNFINISHED
    is_told = (target.key, desired.push) in history.told
    if (target.key, desired.digest) in history.refused and not is_told:
        return Verdict.REFUSED
    was_ours = last_attempt is not None and any(map(target.runs, last_attempt.possible_digests))
    if target.since > desired.received_at and not was_ours and not is_told:
        return Verdict.CHANGED
    if (
        last_attempt
        and last_attempt.push == desired.push
        and last_attempt.outcome.is_final
        and not last_attempt.left_alone
    ):
        return Verdict.DUE if is_told else Verdict.DONE
    mine = history.rollouts.get(desired.push)
    if mine and mine.is_stopped:
        return Verdict.LEFT_ALONE
    if last_attempt and last_attempt.push == desired.push:
        if last_attempt.left_alone:
            return _when_due(rollout, now, otherwise=Verdict.LEFT_ALONE)
        return _judge_again(target, last_attempt, rollout, fleet, now)
    return Verdict.DUE


def _judge_again(
    target: Target, last_attempt: LastAttempt, rollout: Rollout | None, fleet: Fleet, now: datetime
) -> Verdict:
    """Decide about a target that failed before: a host that came back since then needs no patience."""
    if last_attempt.outcome is Outcome.UNREACHABLE:
        hosts = (fleet.hosts.get(name) for name in target.hosts)
        if any(
            host and host.is_reachable and host.back_since and host.back_since > last_attempt.at
            for host in hosts
        ):
            return Verdict.DUE
    return _when_due(
        rollout, now, otherwise=Verdict.LATER if last_attempt.outcome is Outcome.UNREACHABLE else Verdict.DONE
    )


def _when_due(rollout: Rollout | None, now: datetime, otherwise: Verdict) -> Verdict:
    """Return what a target that waits for its rollout is to do; ``otherwise`` when that is not run again."""
    if rollout is None or rollout.state is RolloutState.FINISHED:
        return otherwise
    return Verdict.DUE if rollout.due_at is None or rollout.due_at <= now else Verdict.LATER


def _fulfilled(newest: Iterable[DesiredImage], fleet: Fleet, history: History) -> frozenset[tuple[str, int]]:
    if not history.told:
        return frozenset()
    digests = {one.push: one.digest for one in newest}
    return frozenset(
        (key, push)
        for key, push in history.told
        if push not in digests or (key in fleet.targets and fleet.targets[key].runs(digests[push]))
    )


def _silent(target: Target, last_attempt: LastAttempt, fleet: Fleet) -> set[str]:
    """Return the hosts of a target that could not be reached which have not answered since."""
    if last_attempt.outcome is not Outcome.UNREACHABLE:
        return set()
    hosts = ((name, fleet.hosts.get(name)) for name in target.hosts)
    return {name for name, host in hosts if not host or host.error or host.asked_at <= last_attempt.at}


def _start(one: DesiredImage, due: tuple[Target, ...], fleet: Fleet, history: History) -> Start:
    """Return the start of a run for ``due``, which leaves the others of this name on the same hosts alone."""
    targets = fleet.running(one.hosts, one.repository, one.tag)
    hosts = {host for target in due for host in target.hosts}
    keys = {target.key for target in due}
    others = (t for t in targets if t.key not in keys and hosts.intersection(t.hosts))
    skip = tuple(key for target in others for key in target.keys)
    told = tuple(target.key for target in due if (target.key, one.push) in history.told)
    known = {key: _known(target, history) for target in due if target.key not in told for key in target.keys}
    return Start(one, due, skip, told, known)


def _known(target: Target, history: History) -> tuple[str, ...]:
    last_attempt = history.last.get(target.key)
    return tuple(sorted(target.digests | (last_attempt.possible_digests if last_attempt else frozenset())))


def _pointless(
    rollouts: Iterable[Rollout], newest: Mapping[tuple[str, str, str], DesiredImage]
) -> tuple[int, ...]:
    return tuple(
        rollout.id
        for rollout in rollouts
        if rollout.state is RolloutState.WAITING
        and rollout.reference in newest
        and newest[rollout.reference].push != rollout.push
    )
