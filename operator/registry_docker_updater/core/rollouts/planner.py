"""What to do next: one pure function of what was pushed, what runs, what was attempted, and the time.

It is asked again after a push, a scan, a finished run, a due retry and at start, and always looks at everything,
so that a host that was down or an operator that was killed needs no code of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.at_once import at_once
from registry_docker_updater.core.rollouts.desired import DesiredImage, DesiredImages, PushedName
from registry_docker_updater.core.rollouts.history import History, LastAttempt, Override
from registry_docker_updater.core.rollouts.moves import NO_MOVES, Aims, Moves, aims
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.plans import Plan, Start
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.rollouts.unheard import before, unheard_of
from registry_docker_updater.core.rollouts.verdicts import DUE, LATER, TOO_YOUNG, Case, Verdict, verdict_on
from registry_docker_updater.core.rollouts.waits import Wait, cases_in_run, closing_at, held, wait_of


def plan(
    desired: Iterable[DesiredImage], fleet: Fleet, history: History, now: datetime, moves: Moves = NO_MOVES
) -> Plan:
    """Return what to do at ``now``.

    ``desired`` holds the newest push of each name, and no other: of all names, or of those that :func:`concerning` finds.
    ``history`` must know every target of :func:`open_targets`, and every rollout that runs or waits, or is of :func:`open_pushes`.
    ``moves`` are the pushes to which targets can move that follow other tags.
    """
    newest = {one.name: one for one in desired}
    running = {one.name: one for one in history.rollouts.values() if one.state is RolloutState.RUNNING}
    draft = _Draft(aims(moves, fleet, history, now), history, now)
    for name, one in newest.items():
        if name in running:
            draft.look_at_run(running[name], one)
        else:
            draft.look_at(one)
    return Plan(
        start=tuple(draft.starts),
        supersede=_pointless(history.rollouts.values(), newest),
        settle=tuple(draft.settled),
        wake_at=min(draft.wakes, default=None),
        rescan_since=max(draft.unknown)[1] if draft.unknown else None,
        ask=frozenset(draft.ask),
        closed_overrides=_closed(newest.values(), fleet, history),
        waits=tuple(draft.waits),
        delayed=tuple(draft.delayed),
        caught_up=frozenset(draft.caught_up),
        hold=draft.hold,
    )


@dataclass
class _Draft:
    """A plan that is being made, one push after the other."""

    aims: Aims
    history: History
    now: datetime
    starts: list[Start] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)
    settled: list[Rollout] = field(default_factory=list)
    unknown: list[tuple[int, datetime]] = field(default_factory=list)
    ask: set[str] = field(default_factory=set)
    waits: list[Wait] = field(default_factory=list)
    hold: dict[int, str] = field(default_factory=dict)
    delayed: list[DesiredImage] = field(default_factory=list)
    caught_up: set[PushedName] = field(default_factory=set)

    def look_at_run(self, rollout: Rollout, newest: DesiredImage) -> None:
        """See whether a run of the same name goes on that is to begin no other step."""
        in_run = cases_in_run(rollout, newest, self.aims.fleet, self.history, self.now)
        if why := held(in_run):
            self.hold[rollout.id] = why
        elif closes_at := closing_at(in_run):
            self.wakes.append(closes_at)

    def look_at(self, one: DesiredImage) -> None:
        """See what is to be done for the newest push of a name, of which no run goes on."""
        fleet = self.aims.fleet
        rollout = self.history.rollouts.get(one.push)
        if not self.aims.concerns(one):
            self.unknown.append((one.push, one.received_at))
        unheard = (
            target for target in unheard_of(one, fleet, self.history) if target.key not in self.aims.keys
        )
        concerned = (*self.aims.behind(one), *unheard)
        verdicts = [(target, judge(target, one, self.history, fleet, self.now)) for target in concerned]
        for target, verdict in verdicts:
            if verdict is LATER and rollout and rollout.state is RolloutState.WAITING:
                self.ask |= _silent(target, self.history.last[target.key], fleet)
        self.wakes += [verdict.at for _, verdict in verdicts if verdict.at]
        self._look_at_delays(one, verdicts)
        wait = wait_of(one, rollout, verdicts, self.history)
        if wait:
            self.waits.append(wait)
        due = tuple(target for target, verdict in verdicts if verdict is DUE)
        if due:
            self.starts.append(_start(one, due, fleet, self.history))
        elif rollout and rollout.state is RolloutState.WAITING:
            self._look_again(rollout, wait, is_pending=any(verdict.is_pending for _, verdict in verdicts))

    def _look_at_delays(self, one: DesiredImage, verdicts: Sequence[tuple[Target, Verdict]]) -> None:
        """See whether it is to be remembered that a push was too young, or that others before it were."""
        known = self.history.delays.get(one.name, ())
        if any(verdict.name == TOO_YOUNG.name for _, verdict in verdicts):
            if all(delay.push != one.push for delay in known):
                self.delayed.append(one)
        elif known and not verdicts:
            self.caught_up.add(one.name)

    def _look_again(self, rollout: Rollout, wait: Wait | None, *, is_pending: bool) -> None:
        """See when a rollout is looked at again for which nothing can start, or that it waits for nothing any more."""
        # Until it is due, a target that is not to be seen may only be on its way from one container to the next.
        if rollout.due_at and (is_pending or rollout.due_at > self.now):
            self.wakes.append(rollout.due_at)
        elif not is_pending and not (wait and wait.targets):
            self.settled.append(rollout)


def open_targets(desired: Iterable[DesiredImage], fleet: Fleet, moves: Moves = NO_MOVES) -> list[str]:
    """Return the keys of the targets that do not run what was pushed: a plan asks for the history of no others."""
    behind = (target.key for one in desired for target in fleet.behind(one.image_names, one.digest))
    return list(dict.fromkeys((*behind, *moves.by_key)))


def open_pushes(desired: Iterable[DesiredImage], fleet: Fleet, moves: Moves = NO_MOVES) -> list[int]:
    """Return the pushes that not all of their targets run: a plan asks for the rollouts of these, and for what was decided on them."""
    behind = (one.push for one in desired if fleet.behind(one.image_names, one.digest))
    return list(dict.fromkeys((*behind, *sorted(moves.pushes))))


def concerning(
    desired: DesiredImages, run: Iterable[DesiredImage], history: History, moves: Moves = NO_MOVES
) -> list[DesiredImage]:
    """Return what of ``desired`` a plan depends on: those that targets ``run`` or can move to, and those of open rollouts and overrides.

    They come in the order in which they were pushed: where not all can start, who has waited longest does. Of all others only the newest does: it says since when the fleet is to be looked at.
    """
    rollouts = [one.name for one in history.rollouts.values()]
    overridden = [one.push for one in history.overrides]
    found = {one.name: one for one in (*run, *moves.images, *desired.of(rollouts, overridden))}
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
        or (
            one.key in fleet.targets
            and fleet.targets[one.key].runs(digests[one.push])
            # It counts as long as another run is to look how that came about.
            and one.key not in history.unheard.get(one.push, ())
        )
    )


def _silent(target: Target, last: LastAttempt, fleet: Fleet) -> set[str]:
    """Return the hosts of a target that could not be reached which have not answered since."""
    if last.outcome is not Outcome.UNREACHABLE:
        return set()
    hosts = ((name, fleet.hosts.get(name)) for name in target.hosts)
    return {name for name, host in hosts if not host or host.error or host.asked_at <= last.at}


def _start(one: DesiredImage, due: tuple[Target, ...], fleet: Fleet, history: History) -> Start:
    """Return the start of a run for ``due``."""
    overridden = tuple(target.key for target in due if Override(target.key, one.push) in history.overrides)
    return Start(
        desired=one,
        targets=due,
        overridden=overridden,
        possible_digests={
            key: _possible_digests(target, history)
            for target in due
            if target.key not in overridden
            for key in target.keys
        },
        at_once=at_once(due, fleet),
        policies={
            host.name: host.policy
            for host in (fleet.hosts.get(name) for target in due for name in target.hosts)
            if host and host.back_since
        },
        unheard={
            target.key: before(history.last[target.key], one.digest)
            for target in due
            if target.key in history.unheard.get(one.push, ())
        },
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
