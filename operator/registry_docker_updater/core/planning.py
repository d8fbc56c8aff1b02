"""What to do next: one pure function of what was pushed, what runs, what was tried, and the time.

It is asked again after a push, a scan, a finished run, a due retry and at start, and always looks at everything,
so that a host that was down or an operator that was killed needs no code of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from registry_docker_updater.core.fleet import Fleet, Target
from registry_docker_updater.core.outcomes import Outcome, TargetOutcome


@dataclass(frozen=True)
class Wanted:
    """The newest push of one repository and tag; ``hosts`` are the names under which the fleet pulls from there."""

    push: int
    hosts: tuple[str, ...]
    repository: str
    tag: str
    digest: str
    received_at: datetime

    @property
    def image(self) -> str:
        """The image's name under the first of its hosts."""
        return f"{self.hosts[0]}/{self.repository}:{self.tag}"


class State(StrEnum):
    """Where a rollout stands."""

    RUNNING = "running"
    WAITING = "waiting"
    FINISHED = "finished"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Rollout:
    """A rollout that exists: ``runs`` were started, the last ended at ``ended_at``, the next is due at ``due_at``."""

    id: int
    push: int
    reference: tuple[str, str, str]
    state: State
    runs: int = 0
    ended_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True)
class Tried:
    """The last thing that became of a target: by which push, wanting which digest, leaving which."""

    push: int
    wanted: str
    outcome: Outcome
    after: str | None
    at: datetime


@dataclass(frozen=True)
class History:
    """What was tried: rollouts by push, the last outcome of each target, and digests that targets refused."""

    rollouts: Mapping[int, Rollout] = field(default_factory=dict)
    last: Mapping[str, Tried] = field(default_factory=dict)
    refused: frozenset[tuple[str, str]] = frozenset()

    @property
    def running(self) -> frozenset[int]:
        """The ids of the rollouts that run."""
        return frozenset(one.id for one in self.rollouts.values() if one.state is State.RUNNING)


@dataclass(frozen=True)
class Retry:
    """How long to wait before a failed rollout is run again: twice as long each time, ``attempts`` runs in all."""

    first: timedelta
    longest: timedelta
    attempts: int

    def after(self, runs: int, ended_at: datetime) -> datetime | None:
        """Return when to run again after ``runs`` runs, or None when that was the last."""
        if runs >= self.attempts:
            return None
        return ended_at + min(self.longest, self.first * (1 << min(runs - 1, 16)))


@dataclass(frozen=True)
class Start:
    """Run ``update.yml`` for a push on ``hosts``; leave the targets with the keys ``skip`` alone."""

    wanted: Wanted
    targets: tuple[Target, ...]
    skip: tuple[str, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        """The inventory names of the hosts concerned."""
        return tuple(sorted({host for target in self.targets for host in target.hosts}))


@dataclass(frozen=True)
class Plan:
    """What to do now, and when to ask again if nothing happens.

    ``supersede`` are rollouts that a newer push made pointless, ``settle`` those that wait for nothing any more:
    their targets are gone, were changed by a person, or ended well before a run could say so.
    """

    start: tuple[Start, ...] = ()
    supersede: tuple[int, ...] = ()
    settle: tuple[int, ...] = ()
    wake_at: datetime | None = None


class Verdict(StrEnum):
    """Why a target that runs a pushed name is, or is not, to be brought to the pushed digest."""

    DUE = "due"
    LATER = "failed before, and waits for its next try"
    CURRENT = "already runs this digest"
    DONE = "this push has been dealt with here"
    REFUSED = "this digest was rolled back here before"
    CHANGED = "was changed after the push, and is left alone until the next one"


def plan(wanted: Iterable[Wanted], fleet: Fleet, history: History, now: datetime) -> Plan:
    """Return what to do at ``now``. ``wanted`` holds the newest push of each reference, and no other."""
    starts: list[Start] = []
    wakes: list[datetime] = []
    settled: list[int] = []
    newest = {(one.hosts[0], one.repository, one.tag): one for one in wanted}
    running = {rollout.reference for rollout in history.rollouts.values() if rollout.state is State.RUNNING}
    for reference, one in newest.items():
        if reference in running:
            continue
        rollout = history.rollouts.get(one.push)
        targets = fleet.running(one.hosts, one.repository, one.tag)
        verdicts = [(target, judge(target, one, history, fleet, now)) for target in targets]
        due = tuple(target for target, verdict in verdicts if verdict is Verdict.DUE)
        if due:
            hosts = {host for target in due for host in target.hosts}
            skip = [
                t.key for t, verdict in verdicts if verdict is not Verdict.DUE and hosts.intersection(t.hosts)
            ]
            starts.append(Start(one, due, tuple(skip)))
        elif rollout and rollout.state is State.WAITING:
            if rollout.due_at and any(verdict is Verdict.LATER for _, verdict in verdicts):
                wakes.append(rollout.due_at)
            else:
                settled.append(rollout.id)
    superseded = _pointless(history.rollouts.values(), newest)
    return Plan(tuple(starts), superseded, tuple(settled), min(wakes, default=None))


def judge(target: Target, wanted: Wanted, history: History, fleet: Fleet, now: datetime) -> Verdict:
    """Return whether ``target`` is to be brought to the digest of ``wanted`` now, and why not if not."""
    tried = history.last.get(target.key)
    if target.runs(wanted.digest):
        return Verdict.CURRENT
    if (target.key, wanted.digest) in history.refused:
        return Verdict.REFUSED
    if tried and tried.push == wanted.push:
        if tried.outcome.is_final:
            return Verdict.DONE
        return _judge_again(target, tried, history.rollouts.get(wanted.push), fleet, now)
    # Of a host that was lost in the middle nobody knows what it was left with: perhaps what it was to get.
    was_ours = tried is not None and target.runs(tried.after or tried.wanted)
    if target.since > wanted.received_at and not was_ours:
        return Verdict.CHANGED
    return Verdict.DUE


def _judge_again(
    target: Target, tried: Tried, rollout: Rollout | None, fleet: Fleet, now: datetime
) -> Verdict:
    """Decide about a target that failed before: a host seen alive since then needs no patience."""
    if tried.outcome is Outcome.UNREACHABLE:
        hosts = (fleet.hosts.get(name) for name in target.hosts)
        if any(host and host.is_reachable and host.asked_at > tried.at for host in hosts):
            return Verdict.DUE
    if rollout is None or rollout.state is State.FINISHED:
        return Verdict.DONE if tried.outcome is not Outcome.UNREACHABLE else Verdict.LATER
    return Verdict.DUE if rollout.due_at is None or rollout.due_at <= now else Verdict.LATER


def _pointless(rollouts: Iterable[Rollout], newest: Mapping[tuple[str, str, str], Wanted]) -> tuple[int, ...]:
    return tuple(
        rollout.id
        for rollout in rollouts
        if rollout.state is State.WAITING
        and rollout.reference in newest
        and newest[rollout.reference].push != rollout.push
    )


@dataclass(frozen=True)
class RunEnd:
    """How a run of a rollout ended; ``note`` says why the rollout stands where it does, ``is_news`` if to tell."""

    rollout: int
    run: int
    wanted: Wanted
    outcomes: tuple[TargetOutcome, ...]
    state: State
    due_at: datetime | None
    note: str | None
    is_news: bool


def after_run(
    outcomes: Iterable[Outcome], runs: int, ended_at: datetime, retry: Retry
) -> tuple[State, datetime | None]:
    """Return the state of a rollout after a run that left ``outcomes``, and when it is due again."""
    if all(outcome.is_final for outcome in outcomes):
        return State.FINISHED, None
    due_at = retry.after(runs, ended_at)
    return (State.WAITING, due_at) if due_at else (State.FINISHED, None)
