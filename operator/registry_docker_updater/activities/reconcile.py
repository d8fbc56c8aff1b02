"""The loop: looks at what was pushed, what runs and what was tried, and starts what the planner says.

It remembers nothing that is not in the store, so killing it loses nothing. Scans, rollouts and messages run in
threads beside it; each wakes it when done.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from registry_docker_updater.activities.repair import TOGETHER as REPAIRS_TOGETHER
from registry_docker_updater.activities.repair import Repairer
from registry_docker_updater.activities.scan import Scanner
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.notifications.schedule import (
    Notification,
    SendResult,
    after_sending,
    is_news,
)
from registry_docker_updater.core.rollouts.history import (
    DesiredImage,
    History,
    RetryPolicy,
    RunEnd,
    after_run,
)
from registry_docker_updater.core.rollouts.outcomes import HostResult, TargetOutcome, conclude, outcome_of
from registry_docker_updater.core.rollouts.planner import Start, open_targets, plan
from registry_docker_updater.core.schedules.scans import TOGETHER, Pace
from registry_docker_updater.edges.runs.playbooks import FinishedRun, Playbook, PlaybookRunner
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.storage.rollouts import StartedRun, Store
from registry_docker_updater.views.listings import Listings

_log = logging.getLogger(__name__)
# Another process may record a push; how long it may take until that is noticed.
_LOOK_SECONDS = 1.0
# How long to leave a database alone that did not answer.
_PAUSE_SECONDS = 5.0
# By more than this a clock is set; by less, it is made to go right.
_SET = timedelta(seconds=1)


@dataclass(frozen=True)
class Policy:
    """How the loop works: the names of each registry, which hosts to scan and at which pace, and how rollouts run."""

    registry_hosts: Mapping[str, Sequence[str]]
    hosts: str
    pace: Pace
    workers: int
    timeout: timedelta
    retry: RetryPolicy


class Reconciler:
    """Brings the fleet to what was pushed, until it is stopped."""

    def __init__(  # noqa: PLR0913 - what a loop is made of
        self,
        store: Store,
        listings: Listings,
        playbooks: PlaybookRunner,
        runs: Path,
        policy: Policy,
        *,
        clock: Clock,
        steady: Clock | None = None,
    ) -> None:
        """Keep runs in the folder ``runs``.

        ``clock`` says what time it is; waiting is measured by ``steady``, which nobody sets, by default the same.
        """
        self._store, self._listings, self._playbooks, self._runs = store, listings, playbooks, runs
        self._policy = policy
        self._clock, self._steady = clock, steady or clock
        self._ahead, self._minded_at, self._mind_at = self._difference(), self._steady(), self._steady()
        self._awake = threading.Condition()
        self._has_news = True
        self._stopping = False
        self._busy: set[int] = set()
        self._pushes: tuple[int, tuple[DesiredImage, ...]] | None = None
        self._is_telling = False
        # Beside rollouts: slices of scans, repairs, the listing of the inventory, and messages.
        self._workers = ThreadPoolExecutor(
            policy.workers + TOGETHER + REPAIRS_TOGETHER + 2, thread_name_prefix="run"
        )
        self._scanner = Scanner(
            store,
            playbooks,
            runs / "scans",
            policy.hosts,
            policy.pace,
            clock=clock,
            steady=self._steady,
            wake=self.wake,
        )
        self._repairer = Repairer(
            store,
            playbooks,
            runs / "repairs",
            self._scanner,
            policy.timeout,
            clock=clock,
            steady=self._steady,
        )
        self.is_ready = False

    @property
    def fleet(self) -> Fleet:
        """The fleet as it is known now."""
        return self._scanner.fleet

    def wake(self) -> None:
        """Have the loop look again at once."""
        with self._awake:
            self._has_news = True
            self._awake.notify_all()

    def stop(self) -> None:
        """End the loop, and every run that goes on: what they left undone is done after the next start."""
        with self._awake:
            self._stopping = True
            self._awake.notify_all()
        self._playbooks.stop()
        self._scanner.stop()

    def run(self) -> None:
        """Work until :meth:`stop`."""
        for rollout in self._store.interrupt_runs(self._clock()):
            _log.warning("rollout %d was interrupted and goes on", rollout)
        self.is_ready = True
        while not self._stopping:
            try:
                seen = self._store.change_counter()
                self._sleep(self._look(self._clock()), seen)
            except UpdaterError as error:
                _log.error("%s", error)
                with self._awake:
                    self._awake.wait_for(lambda: self._stopping, _PAUSE_SECONDS)
        self.is_ready = False
        self._workers.shutdown(wait=True)

    def _sleep(self, longest: timedelta, seen: int) -> None:
        """Wait for news from inside, an event that another process recorded after ``seen``, or the ``longest`` time."""
        due_at = self._steady() + longest
        while True:
            with self._awake:
                left = (due_at - self._steady()).total_seconds()
                if not self._has_news and not self._stopping and left > 0:
                    self._awake.wait(min(left, _LOOK_SECONDS))
                if self._has_news or self._stopping or self._steady() >= due_at:
                    self._has_news = False
                    return
            if self._store.change_counter() != seen or abs(self._difference() - self._ahead) > _SET:
                return

    def _difference(self) -> timedelta:
        """Return how much later it is by the clock than by the steady one."""
        return self._clock() - self._steady()

    def _mind_clock(self, now: datetime) -> None:
        """Put right what is kept when the clock was set; and now and then, for who had read it just before."""
        steady, set_by = self._steady(), self._difference() - self._ahead
        was_set = abs(set_by) > _SET
        if was_set or steady >= self._mind_at:
            by = set_by if was_set else timedelta()
            since = now - (steady - self._minded_at)
            if self._scanner.put_times_right(by, now, since, self._policy.retry.longest):
                self._pushes = None
                _log.warning(
                    "the clock was set, and says %s now; what was kept before goes by it", f"{now:%F %T} UTC"
                )
            self._mind_at = steady + (timedelta() if was_set else self._policy.pace.interval)
        self._ahead, self._minded_at = self._ahead + set_by, steady

    def _look(self, now: datetime) -> timedelta:
        """Start what is due; return how long it is until something will be, if nothing happens before."""
        self._mind_clock(now)
        desired, fleet = self._desired(), self._scanner.fleet
        planned = plan(desired, fleet, self._history(open_targets(desired, fleet), now), now)
        if planned.supersede:
            self._store.supersede(planned.supersede, now)
        if planned.fulfilled:
            self._store.fulfil(planned.fulfilled, now)
        if planned.settle:
            self._store.settle(planned.settle, now)
        for start in planned.start:
            if len(self._busy) >= self._policy.workers:
                break
            begun = self._store.begin_run(start, now)
            self._busy.add(begun.rollout)
            self._submit(partial(self._roll_out, start, begun))
        due = [notification for notification in self._store.notifications() if notification.due_at]
        if due and not self._is_telling and due[0].due_at and due[0].due_at <= now:
            self._is_telling = True
            self._submit(partial(self._tell, due[0]))
        steady = self._steady()
        self._scanner.need(planned.ask, steady)
        scan_due = self._scanner.look(steady, self._submit, planned.rescan_since)
        later = [planned.wake_at, *(notification.due_at for notification in due)]
        waits = [scan_due - steady, *(moment - now for moment in later if moment)]
        waits.append(self._repairer.look(fleet, now, self._submit))
        # What is due and waits for a thread is looked at again when a thread has ended.
        return min((wait for wait in waits if wait > timedelta()), default=self._policy.pace.interval)

    def _desired(self) -> tuple[DesiredImage, ...]:
        """Return the newest pushes, read again only when there may be a newer one."""
        counter = self._store.change_counter()
        if self._pushes is None or self._pushes[0] != counter:
            self._pushes = (counter, self._store.desired(self._policy.registry_hosts))
        return self._pushes[1]

    def _history(self, keys: Sequence[str], now: datetime) -> History:
        """Return the history of some targets, in which no rollout runs that no thread works on: its end was lost."""
        busy = set(self._busy)
        history = self._store.history(self._policy.registry_hosts, keys)
        if not history.running - busy:
            return history
        for lost in self._store.interrupt_runs(now + self._policy.retry.first, busy):
            _log.warning("rollout %d was lost and goes on", lost)
        return self._store.history(self._policy.registry_hosts, keys)

    def _submit(self, work: Callable[[], None]) -> None:
        def carry_out() -> None:
            try:
                work()
            except UpdaterError as error:
                _log.error("%s", error)
            except Exception:  # a thread that ends silently would leave its work undone for ever
                _log.exception("a bug of the operator; what was begun is done again later")
            finally:
                self.wake()

        self._workers.submit(carry_out)

    def _roll_out(self, start: Start, begun: StartedRun) -> None:
        desired, rollout = start.desired, begun.rollout
        _log.info(
            "rollout %d: %s to %s on %s", rollout, desired.image, desired.digest, ", ".join(start.hosts)
        )
        expected = {key: target for target in start.targets for key in target.keys}
        told: dict[str, TargetOutcome] = {}

        def keep(result: HostResult) -> None:
            one = outcome_of(result, expected)
            if one:
                told[one.key] = one
                try:
                    self._store.keep_outcome(rollout, begun.run, desired, one, self._clock())
                except (
                    UpdaterError
                ) as error:  # it is kept at the end of the run, which is not to break for it
                    _log.warning("rollout %d: %s", rollout, error)
                _log.info("rollout %d: %s %s at %s: %s", rollout, one.kind, one.name, one.place, _said(one))

        try:
            before = {one.key: one for one in self._store.outcomes(rollout)}
            folder = self._runs / str(rollout)
            ended = self._playbooks.run(_update(start), folder, self._policy.timeout, keep)
            if not ended.was_stopped:
                # What the run left unfinished on a host may have been finished there before the run ended elsewhere.
                kept = self._store.outcomes(rollout, begun.run)
                told |= {one.key: one for one in kept if one.outcome.is_final}
                outcomes = conclude(start.targets, told, ended.results, ended.cut_short or ended.refusal)
                self._conclude(start, begun, outcomes, before)
        finally:
            self._busy.discard(rollout)

    def _conclude(
        self,
        start: Start,
        begun: StartedRun,
        outcomes: tuple[TargetOutcome, ...],
        before: Mapping[str, TargetOutcome],
    ) -> None:
        now = self._clock()
        # Targets that failed before wait on, though this run was not for them.
        all_of_it = {**before, **{one.key: one for one in outcomes}}
        state, due_at, is_stopped = after_run(
            all_of_it.values(), start.desired, begun.attempt, now, self._policy.retry
        )
        told_by = {one.message for one in outcomes if one.left_alone or not one.outcome.is_final}
        note = "; ".join(sorted(filter(None, told_by))) or None
        news = is_news({key: one.outcome for key, one in before.items()}, outcomes)
        end = RunEnd(begun.rollout, begun.run, start.desired, outcomes, state, due_at, note, news, is_stopped)
        self._store.end_run(end, now)
        # Not before: a run whose end could not be kept is to be run again, though the fleet is as it should be.
        self._scanner.take_in(outcomes, now)
        # What failed may have left something to be finished.
        failed = {one.key for one in outcomes if not one.outcome.is_final}
        hosts = {host for one in start.targets if one.key in failed for host in one.hosts}
        self._scanner.need(hosts, self._steady())
        again = f", again at {due_at:%H:%M:%S}" if due_at else ""
        _log.info("rollout %d: %s%s%s", begun.rollout, state, again, f": {note}" if note else "")

    def _tell(self, notification: Notification) -> None:
        try:
            rollout = self._store.message(notification)
            if rollout is None:
                return
            variables: dict[str, object] = {"notification_rollout": rollout}
            if notification.channels:
                variables["notification_channels"] = list(notification.channels)
            folder = self._runs / str(notification.rollout)
            ended = self._playbooks.run(Playbook("notify", variables), folder, self._policy.timeout)
            if ended.was_stopped:
                return
            attempt = send_result(ended)
            after = after_sending(notification, attempt, self._clock(), self._policy.retry)
            self._store.keep_notification(notification, after)
            if attempt.nobody:
                _log.info("rollout %d: nobody is told: %s", notification.rollout, attempt.nobody)
            elif after.error:
                _log.warning("rollout %d: not everybody was told: %s", notification.rollout, after.error)
        except Exception as error:
            after = after_sending(
                notification, SendResult(error=str(error)), self._clock(), self._policy.retry
            )
            self._store.keep_notification(notification, after)
            raise
        finally:
            self._is_telling = False


def send_result(ended: FinishedRun) -> SendResult:
    """Return what came of a run of ``notify.yml``."""
    results = ended.statistics.get("notification_results")
    if not isinstance(results, dict):
        return SendResult(
            error=ended.refusal
            or f"notify.yml ended as {ended.status} and said of nobody whether it was told"
        )
    nobody = None if results else str(ended.statistics.get("notification_nobody") or "no channel was used")
    return SendResult(
        {name: str(result) for name, result in results.items() if result != "ok"}, nobody=nobody
    )


def _update(start: Start) -> Playbook:
    variables: dict[str, object] = {
        "docker_update_image": start.desired.image,
        "docker_update_digest": start.desired.digest,
        "docker_update_aliases": list(start.desired.hosts[1:]),
        "docker_update_skip": list(start.skip),
        "docker_update_known_digests": {key: list(digests) for key, digests in start.known.items()},
        "docker_update_pushed_at": start.desired.received_at.timestamp(),
        # The operator has that done apart, so that no rollout waits for it.
        "docker_update_repair": False,
        # It knows what became of each target that it expects.
        "docker_update_needs_a_target": False,
    }
    if start.told:
        variables["standalone_container_try_again"] = True
    return Playbook("update", variables, start.hosts)


def _said(one: TargetOutcome) -> str:
    return f"{one.outcome} ({one.message})" if one.message else str(one.outcome)
