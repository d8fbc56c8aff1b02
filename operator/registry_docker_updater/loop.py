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

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.fleet import Fleet, merge
from registry_docker_updater.core.messages import for_notification
from registry_docker_updater.core.outcomes import (
    HostResult,
    Outcome,
    TargetOutcome,
    applied,
    conclude,
    outcome_of,
)
from registry_docker_updater.core.planning import History, Retry, RunEnd, Start, after_run, plan
from registry_docker_updater.core.telling import Telling, after_attempt, is_news
from registry_docker_updater.edges.ansible import Ended, Playbook, Playbooks
from registry_docker_updater.edges.listings import Listings
from registry_docker_updater.edges.store import Store
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.scanning import scan

_log = logging.getLogger(__name__)
# Another process may record a push; how long it may take until that is noticed.
_LOOK_SECONDS = 1.0
# How long to leave a database alone that did not answer.
_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Policy:
    """How the loop works: the names of each registry, which hosts to scan and how often, and how rollouts run."""

    registry_hosts: Mapping[str, Sequence[str]]
    hosts: str
    scan_interval: timedelta
    workers: int
    timeout: timedelta
    retry: Retry


class Loop:
    """Brings the fleet to what was pushed, until it is stopped."""

    def __init__(  # noqa: PLR0913 - what a loop is made of
        self,
        store: Store,
        listings: Listings,
        playbooks: Playbooks,
        runs: Path,
        policy: Policy,
        *,
        clock: Clock,
    ) -> None:
        """Keep runs in the folder ``runs``; ``clock`` says what time it is."""
        self._store, self._listings, self._playbooks, self._runs = store, listings, playbooks, runs
        self._policy = policy
        self._clock = clock
        self._fleet: Fleet = store.fleet()
        self._fleet_lock = threading.Lock()
        self._awake = threading.Condition()
        self._has_news = True
        self._stopping = False
        self._busy: set[int] = set()
        self._is_scanning = self._is_telling = False
        self._scan_due = clock()
        self._workers = ThreadPoolExecutor(policy.workers + 2, thread_name_prefix="run")
        self.is_ready = False

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

    def _sleep(self, due_at: datetime, seen: int) -> None:
        """Wait for news from inside, an event that another process recorded after ``seen``, or ``due_at``."""
        while True:
            with self._awake:
                left = (due_at - self._clock()).total_seconds()
                if not self._has_news and not self._stopping and left > 0:
                    self._awake.wait(min(left, _LOOK_SECONDS))
                if self._has_news or self._stopping or self._clock() >= due_at:
                    self._has_news = False
                    return
            if self._store.change_counter() != seen:
                return

    def _look(self, now: datetime) -> datetime:
        """Start what is due; return when something will be, if nothing happens before."""
        if now >= self._scan_due and not self._is_scanning:
            self._is_scanning = True
            self._scan_due = now + self._policy.scan_interval
            self._submit(self._scan)
        planned = plan(self._store.wanted(self._policy.registry_hosts), self._fleet, self._history(now), now)
        if planned.supersede:
            self._store.supersede(planned.supersede, now)
        if planned.settle:
            self._store.settle(planned.settle, now)
        for start in planned.start:
            if len(self._busy) >= self._policy.workers:
                break
            rollout, run = self._store.begin_run(start, now)
            self._busy.add(rollout)
            self._submit(partial(self._roll_out, start, rollout, run))
        due = [telling for telling in self._store.tellings() if telling.due_at]
        if due and not self._is_telling and due[0].due_at and due[0].due_at <= now:
            self._is_telling = True
            self._submit(partial(self._tell, due[0]))
        later = [self._scan_due, planned.wake_at, *(telling.due_at for telling in due)]
        # What is due and waits for a thread is looked at again when a thread has ended.
        return min(
            (moment for moment in later if moment and moment > now), default=now + self._policy.scan_interval
        )

    def _history(self, now: datetime) -> History:
        """Return the history, in which no rollout runs that no thread works on: its end could not be kept."""
        busy = set(self._busy)
        history = self._store.history(self._policy.registry_hosts)
        if not history.running - busy:
            return history
        for lost in self._store.interrupt_runs(now + self._policy.retry.first, busy):
            _log.warning("rollout %d was lost and goes on", lost)
        return self._store.history(self._policy.registry_hosts)

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

    def _scan(self) -> None:
        try:
            scans = scan(
                self._playbooks, self._runs / "scans", self._policy.hosts, self._clock, self._fleet.hosts
            )
            with self._fleet_lock:
                self._fleet = merge(self._fleet, scans, self._clock())
                self._store.keep_fleet(self._fleet)
            for one in scans:
                if one.error:
                    _log.warning("host %s: %s", one.host, one.error)
            _log.info("scanned %d hosts: %d targets", len(scans), len(self._fleet.targets))
        finally:
            self._is_scanning = False

    def _roll_out(self, start: Start, rollout: int, run: int) -> None:
        wanted = start.wanted
        _log.info("rollout %d: %s to %s on %s", rollout, wanted.image, wanted.digest, ", ".join(start.hosts))
        expected = {target.key: target for target in start.targets}
        before = {one.key: one.outcome for one in self._store.outcomes(rollout)}
        told: dict[str, TargetOutcome] = {}

        def keep(result: HostResult) -> None:
            one = outcome_of(result, expected)
            if one:
                told[one.key] = one
                try:
                    self._store.keep_outcome(rollout, run, wanted, one, self._clock())
                except (
                    UpdaterError
                ) as error:  # it is kept at the end of the run, which is not to break for it
                    _log.warning("rollout %d: %s", rollout, error)
                _log.info("rollout %d: %s %s at %s: %s", rollout, one.kind, one.name, one.place, _said(one))

        try:
            folder = self._runs / str(rollout)
            ended = self._playbooks.run(_update(start), folder, self._policy.timeout, keep)
            if not ended.was_stopped:
                self._conclude(start, rollout, run, ended, told, before)
        finally:
            self._busy.discard(rollout)

    def _conclude(  # noqa: PLR0913, PLR0917 - what is known of a run
        self,
        start: Start,
        rollout: int,
        run: int,
        ended: Ended,
        told: Mapping[str, TargetOutcome],
        before: Mapping[str, Outcome],
    ) -> None:
        now = self._clock()
        outcomes = conclude(start.targets, told, ended.results, ended.cut_short)
        # Targets that failed before wait on, though this run was not for them.
        all_of_it = {**before, **{one.key: one.outcome for one in outcomes}}
        state, due_at = after_run(all_of_it.values(), run, now, self._policy.retry)
        note = (
            "; ".join(sorted({one.message for one in outcomes if one.message and not one.outcome.is_final}))
            or None
        )
        news = is_news(before, outcomes)
        self._store.end_run(RunEnd(rollout, run, start.wanted, outcomes, state, due_at, note, news), now)
        # Not before: a run whose end could not be kept is to be run again, though the fleet is as it should be.
        with self._fleet_lock:
            self._fleet = applied(self._fleet, outcomes, now)
        _log.info(
            "rollout %d: %s%s", rollout, state, f", again at {due_at:%H:%M:%S}: {note}" if due_at else ""
        )

    def _tell(self, telling: Telling) -> None:
        try:
            rollout = for_notification(self._listings.rollout(telling.rollout))
            variables: dict[str, object] = {"rollout": rollout}
            if telling.channels:
                variables["notification_channels"] = list(telling.channels)
            folder = self._runs / str(telling.rollout)
            ended = self._playbooks.run(Playbook("notify", variables), folder, self._policy.timeout)
            if ended.was_stopped:
                return
            failed, error = channels_that_failed(ended)
            after = after_attempt(telling, failed, error, self._clock(), self._policy.retry)
            self._store.keep_telling(telling, after)
            if after.error:
                _log.warning("rollout %d: not everybody was told: %s", telling.rollout, after.error)
        except Exception as error:
            after = after_attempt(telling, {}, str(error), self._clock(), self._policy.retry)
            self._store.keep_telling(telling, after)
            raise
        finally:
            self._is_telling = False


def channels_that_failed(ended: Ended) -> tuple[dict[str, str], str | None]:
    """Return the channels that a run of ``notify.yml`` could not tell, with reasons, or why none was tried."""
    results = ended.statistics.get("notification_results")
    if not isinstance(results, dict):
        return {}, None if ended.status == "successful" else f"notify.yml ended as {ended.status}"
    return {name: str(result) for name, result in results.items() if result != "ok"}, None


def _update(start: Start) -> Playbook:
    variables = {
        "image": start.wanted.image,
        "digest": start.wanted.digest,
        "aliases": list(start.wanted.hosts[1:]),
        "skip_targets": list(start.skip),
    }
    return Playbook("update", variables, start.hosts)


def _said(one: TargetOutcome) -> str:
    return f"{one.outcome} ({one.message})" if one.message else str(one.outcome)
