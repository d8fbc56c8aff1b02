"""Having hosts finish what interrupted updates left there: runs of ``repair.yml``, apart from every rollout."""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from registry_docker_updater.activities.context import Context
from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import RUN_KEPT
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.runs.conclusion import outcome_of
from registry_docker_updater.core.runs.reading import Repaired, ReportedOutcome, UnreadableResult, read
from registry_docker_updater.core.runs.results import ModuleResult
from registry_docker_updater.core.schedules.repairs import RepairAttempts, due_repairs
from registry_docker_updater.edges.runs.port import Playbook
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.log_context import about
from registry_docker_updater.storage.actions import keep_repair

_log = logging.getLogger(__name__)
# How many runs there are at the same time: one that waits for a container to become healthy delays no other host.
TOGETHER = 3


class Repairer:
    """Has hosts repair as soon as a scan tells that there is something to. Safe for use by several threads."""

    def __init__(
        self, context: Context, timeout: timedelta, *, need: Callable[[Iterable[str]], None]
    ) -> None:
        """Have runs take ``timeout`` at the most; ``need`` has hosts asked how it ended."""
        self._context, self._timeout, self._need = context, timeout, need
        self._directory = context.runs / "repairs"
        self._lock = threading.Lock()
        self._attempts: dict[str, RepairAttempts] = {}
        self._going: list[set[str]] = []

    def reconcile(self, fleet: Fleet, now: datetime) -> timedelta:
        """Start what is due; return after which time something will be, if nothing happens before."""
        steady = self._context.steady()
        with self._lock:
            for well in set(self._attempts) - fleet.unfinished:
                del self._attempts[well]
            due = due_repairs(fleet, self._attempts, set[str]().union(*self._going), now, steady)
            if due.hosts and len(self._going) < TOGETHER:
                going = set(due.hosts)
                self._going.append(going)
                self._context.submit(partial(self._repair, going))
        self._need(due.ask)
        return due.wait

    def _repair(self, going: set[str]) -> None:
        names = tuple(sorted(going))
        _log.warning("an update was interrupted on %s: what it left is put right", ", ".join(names))
        try:
            playbook = Playbook("repair", limit=names, forks=len(names))
            ended = self._context.playbooks.run(
                playbook, self._directory, self._timeout, partial(self._hear, going)
            )
            left = {"hosts": names, **ended.left}
            self._context.storage.trail.append(Step(RUN_KEPT, left), self._context.clock())
            reason = ended.cut_short or ended.refusal
            if reason or ended.status == "failed":
                reason = reason or f"the run is kept in {ended.directory}"
                _log.warning("not everything was finished on %s: %s", ", ".join(names), reason)
        finally:
            self._release(going, names)
            with self._lock:
                self._going = [one for one in self._going if one is not going]

    def _release(self, going: set[str], hosts: Iterable[str]) -> None:
        """Note that the repair of ``hosts`` has ended, as far as they are ``going``, and have them asked how."""
        with self._lock:
            ended = going.intersection(hosts)
            going -= ended
            for host in ended:
                before = self._attempts.get(host)
                self._attempts[host] = RepairAttempts(
                    (before.count if before else 0) + 1, self._context.steady()
                )
        self._need(ended)

    def _hear(self, going: set[str], result: ModuleResult) -> None:
        for reading in read(result):
            if isinstance(reading, Repaired):
                for outcome in reading.outcomes:
                    self._keep(outcome)
                # One that takes its time keeps no other from being repaired again.
                self._release(going, [reading.host])
            elif isinstance(reading, UnreadableResult):
                with about(host=reading.host):
                    _log.warning("host %s: %s", reading.host, reading.reason)

    def _keep(self, reported: ReportedOutcome) -> None:
        """Keep what became of a target: the run that began it could not tell."""
        one, digest, now = outcome_of(reported, {}), reported.digest or "", self._context.clock()
        self._context.metrics.target_ended(one.outcome, (), None)
        with about(target=one.key):
            _log.info("finished: %s at %s: %s: %s", one.name, one.place, one.outcome, one.message)
        try:
            keep_repair(self._context.storage, digest, one, now)
        except UpdaterError as error:  # the next scan tells what runs; the run goes on
            _log.warning("%s", error)
