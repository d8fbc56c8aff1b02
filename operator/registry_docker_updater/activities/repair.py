"""Having hosts finish what interrupted updates left there: runs of ``repair.yml``, apart from every rollout."""

import logging
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from registry_docker_updater.activities.scan import Scanner, Submit
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.outcomes import HostResult, repairs_of
from registry_docker_updater.core.schedules.repairs import RepairAttempts, due_repairs
from registry_docker_updater.edges.runs.playbooks import Playbook, PlaybookRunner
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.storage.rollouts import Store

_log = logging.getLogger(__name__)
# How many runs there are at the same time: one that waits for a container to become healthy delays no other host.
TOGETHER = 3


class Repairer:
    """Has hosts repair as soon as a scan tells that there is something to. Safe for use by several threads."""

    def __init__(  # noqa: PLR0913 - what a repairer is made of
        self,
        store: Store,
        playbooks: PlaybookRunner,
        directory: Path,
        scanner: Scanner,
        timeout: timedelta,
        *,
        clock: Clock,
        steady: Clock,
    ) -> None:
        """Keep runs, each ``timeout`` long at the most, in ``directory``; have ``scanner`` ask how it ended."""
        self._store, self._playbooks, self._directory = store, playbooks, directory
        self._scanner, self._timeout = scanner, timeout
        self._clock, self._steady = clock, steady
        self._lock = threading.Lock()
        self._attempts: dict[str, RepairAttempts] = {}
        self._going: list[set[str]] = []

    def look(self, fleet: Fleet, now: datetime, submit: Submit) -> timedelta:
        """Start what is due; return after which time something will be, if nothing happens before."""
        steady = self._steady()
        with self._lock:
            for well in set(self._attempts) - fleet.unfinished:
                del self._attempts[well]
            due = due_repairs(fleet, self._attempts, set[str]().union(*self._going), now, steady)
            if due.hosts and len(self._going) < TOGETHER:
                going = set(due.hosts)
                self._going.append(going)
                submit(partial(self._repair, going))
        self._scanner.need(due.ask, steady)
        return due.wait

    def _repair(self, going: set[str]) -> None:
        names = tuple(sorted(going))
        _log.warning("an update was interrupted on %s: what it left is put right", ", ".join(names))
        try:
            playbook = Playbook("repair", limit=names, forks=len(names))
            ended = self._playbooks.run(playbook, self._directory, self._timeout, partial(self._keep, going))
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
                self._attempts[host] = RepairAttempts((before.count if before else 0) + 1, self._steady())
        self._scanner.need(ended, self._steady())

    def _keep(self, going: set[str], result: HostResult) -> None:
        """Keep what became of each target: the run that began it could not tell."""
        for digest, one in repairs_of(result):
            _log.info(
                "finished: %s %s at %s: %s: %s", one.kind, one.name, one.place, one.outcome, one.message
            )
            try:
                self._store.keep_repair(digest, one, self._clock())
            except UpdaterError as error:  # the next scan tells what runs; the run goes on
                _log.warning("%s", error)
        if "repairs" in result.result:
            # One that takes its time keeps no other from being repaired again.
            self._release(going, [result.host])
