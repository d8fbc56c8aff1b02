"""The reconciler: looks at what was pushed, what runs and what was attempted, and starts what the planner says.

It remembers nothing that is not kept, so killing it loses nothing. Scans, rollouts, repairs and notifications go on in
threads beside it; each wakes it when done.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from registry_docker_updater.activities.clock_watch import ClockWatch
from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.ports import Activities
from registry_docker_updater.activities.workers import Alarm
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.desired import DesiredImage, DesiredImages
from registry_docker_updater.core.rollouts.followers import KnownMoves
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.planner import concerning, judge, open_pushes, open_targets, plan
from registry_docker_updater.core.rollouts.plans import Plan
from registry_docker_updater.core.rollouts.rollout import Rollout
from registry_docker_updater.errors import Overtaken, UpdaterError
from registry_docker_updater.log_context import UNLIKE_OTHERS, about
from registry_docker_updater.storage.actions import judged_up_to, keep_matches, keep_plan
from registry_docker_updater.views.text import targets

_log = logging.getLogger(__name__)
# Another process may record a push; how long it may take until that is noticed.
_LOOK_SECONDS = 1.0
# How many times as long as a look took the next one waits at least, and how long at most.
_REST, _LONGEST_REST_SECONDS = 3, 0.2
# Of so many pushes that nobody runs, in one look, there is a line each.
_MOST_UNMATCHED = 20
# How long to leave a database alone that did not answer.
_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class ReconcilePolicy:
    """The names of each registry, and how often everything is looked at, whatever happens.

    A rollout whose end was lost is run again ``pause_after_loss`` later.
    """

    registry_hosts: Mapping[str, Sequence[str]]
    interval: timedelta
    pause_after_loss: timedelta


class Reconciler:
    """Brings the fleet to what was pushed, until it is stopped. For one thread."""

    def __init__(
        self,
        context: Context,
        policy: ReconcilePolicy,
        activities: Activities,
        *,
        alarm: Alarm,
        clock_watch: ClockWatch,
    ) -> None:
        """Reconcile whenever ``alarm`` rings, and when something is due."""
        self._context, self._policy, self._activities = context, policy, activities
        self._alarm, self._clock_watch = alarm, clock_watch
        self._desired, self._moves = DesiredImages(policy.registry_hosts), KnownMoves()
        self._judged: int | None = None
        self.is_ready = False

    def run(self) -> None:
        """Work until the alarm is stopped."""
        for rollout in self._activities.rollouts.interrupt(self._context.clock()):
            _note_loss(rollout, "it was interrupted and goes on")
        self.is_ready = True
        health = self._context.health
        while not self._alarm.is_stopped:
            try:
                if health.trouble():
                    health.probe()
                seen = self._context.storage.change_counter()
                begun = self._context.steady()
                longest = self.reconcile(self._context.clock())
                self._rest(self._context.steady() - begun)
                self._sleep(longest, seen)
            except UpdaterError as error:
                _log.error("%s", error)
                self._alarm.pause(_PAUSE_SECONDS)
        self.is_ready = False

    def reconcile(self, now: datetime) -> timedelta:
        """Start what is due; return how long it is until something will be, if nothing happens before."""
        if self._clock_watch.mind(now):
            self._desired = DesiredImages(self._policy.registry_hosts)
        scans, rollouts = self._activities.scans, self._activities.rollouts
        # What is new is read; the clock apart, nothing that was read changes.
        hosts = self._policy.registry_hosts
        self._desired.add(self._context.storage.events.desired(hosts, after=self._desired.last))
        fleet = scans.fleet
        run = self._desired.run_by(fleet.by_name)
        moves = self._moves(fleet, self._desired, self._context.storage.policies)
        seen = self._context.storage.people_counter()
        history = self._history(open_targets(run, fleet, moves), open_pushes(run, fleet, moves), now)
        planned = plan(concerning(self._desired, run, history, moves), fleet, history, now, moves)
        self._note_matches(fleet, history, now)
        keep_plan(self._context.storage, planned, now)
        for rollout, why in planned.hold.items():
            rollouts.hold(rollout, why, now)
        for start in planned.start:
            if rollouts.is_full:
                break
            try:
                rollouts.start(start, now, seen)
            except Overtaken:
                # It is heeded at the next look, which is at once.
                break
        scans.need(planned.ask)
        waits = [
            planned.wake_at - now if planned.wake_at else None,
            self._activities.notifications.reconcile(now, rollouts.busy),
            scans.reconcile(self._rescan_since(planned)),
            self._activities.repairs.reconcile(fleet, now),
            self._activities.retention.reconcile(),
        ]
        # What is due and waits for a thread is looked at again when a thread has ended.
        return min((wait for wait in waits if wait and wait > timedelta()), default=self._policy.interval)

    def _note_matches(self, fleet: Fleet, history: History, now: datetime) -> None:
        """Have the trail say what each new push means for whom, as it looks now."""
        storage = self._context.storage
        if self._judged is None:
            self._judged = judged_up_to(storage)
        new = self._desired.since(self._judged)
        if not new:
            return
        concerned = {one.push: fleet.running(one.image_names) for one in new}
        matched = {
            one.push: {
                target.key: str(judge(target, one, history, fleet, now)) for target in concerned[one.push]
            }
            for one in new
            if concerned[one.push]
        }
        unmatched = [push for push, targets in concerned.items() if not targets]
        keep_matches(storage, matched, unmatched, self._desired.last, now)
        _log_matches(new, matched)
        self._judged = self._desired.last

    def _rescan_since(self, planned: Plan) -> datetime | None:
        """Return when the newest of the pushes came that no target runs, or that wait for a registry to be asked."""
        known = (planned.rescan_since, self._context.storage.claims.newest_at())
        return max((one for one in known if one), default=None)

    def _rest(self, took: timedelta) -> None:
        """Leave the processor to others for a moment: in a storm of pushes, each look sees many of them."""
        self._alarm.pause(min(took.total_seconds() * _REST, _LONGEST_REST_SECONDS))

    def _sleep(self, longest: timedelta, seen: int) -> None:
        """Wait for news from inside, an event that another process recorded after ``seen``, or the ``longest`` time."""
        due_at = self._context.steady() + longest
        while True:
            left = (due_at - self._context.steady()).total_seconds()
            if self._alarm.wait(min(left, _LOOK_SECONDS)) or self._context.steady() >= due_at:
                return
            if self._context.storage.change_counter() != seen or self._clock_watch.was_set:
                return
            if self._context.health.trouble():
                return

    def _history(self, keys: Sequence[str], pushes: Sequence[int], now: datetime) -> History:
        """Return the history of some targets and pushes, in which no rollout runs that nobody works on: its end was lost."""
        history = self._context.storage.history(self._policy.registry_hosts, keys, pushes)
        if not history.running - self._activities.rollouts.busy:
            return history
        for lost in self._activities.rollouts.interrupt(now + self._policy.pause_after_loss):
            _note_loss(lost, "it was lost and goes on")
        return self._context.storage.history(self._policy.registry_hosts, keys, pushes)


def _note_loss(rollout: Rollout, sentence: str) -> None:
    with about(event=rollout.push, rollout=rollout.id):
        _log.warning("%s", sentence)


def _log_matches(new: Sequence[DesiredImage], matched: Mapping[int, Mapping[str, str]]) -> None:
    """Log what each new push means for whom; in a storm of pushes that nobody runs, of most only how many they are."""
    unmatched = [one for one in new if one.push not in matched]
    left_out = {one.push for one in unmatched[_MOST_UNMATCHED:]}
    for one in new:
        if one.push not in left_out:
            with about(event=one.push, registry=one.registry):
                _log.info("%s", _matched(one, matched.get(one.push, {})), extra=UNLIKE_OTHERS)
    if left_out:
        _log.info(
            "nobody runs what was pushed with %d more events, from %d to %d",
            *(len(left_out), min(left_out), max(left_out)),
        )


def _matched(image: DesiredImage, verdicts: Mapping[str, str]) -> str:
    """Return what a push means for those that run its name, in a sentence: how many there are for each verdict."""
    if not verdicts:
        return f"nobody runs {image.image}"
    counted = ", ".join(f"{count} {verdict}" for verdict, count in sorted(Counter(verdicts.values()).items()))
    return f"{targets(len(verdicts))} of {image.image} to be {image.digest}: {counted}"
