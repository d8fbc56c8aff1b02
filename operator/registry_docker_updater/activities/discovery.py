"""Runs of ``discover.yml``, each host's report read as it comes."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.fleet.reports import HostReport, SeenHost
from registry_docker_updater.core.runs.reading import (
    EngineAccess,
    HostFailure,
    Scanned,
    UnreadableResult,
    read,
)
from registry_docker_updater.core.runs.results import ModuleResult
from registry_docker_updater.edges.runs.directories import is_going_on
from registry_docker_updater.edges.runs.port import Playbook, PlaybookRunner
from registry_docker_updater.errors import UpdaterError, WasStopped

_KEPT = 5
_LONGEST = timedelta(minutes=5)


@dataclass(frozen=True)
class Discovery:
    """What a run of ``discover.yml`` found: each host's report, how to open its engine, and the run's cost.

    ``cost`` is in seconds of a processor.
    """

    reports: Mapping[str, HostReport]
    access: Mapping[str, Any]
    cost: float


class NobodyAsked(UpdaterError):
    """A scan ended before any host was asked, and cost some seconds of a processor all the same."""

    def __init__(self, cost: float, message: str) -> None:
        """Keep the cost."""
        self.cost = cost
        super().__init__(message)


def discover(  # noqa: PLR0913 - what a scan is made of
    playbooks: PlaybookRunner,
    directory: Path,
    hosts: str | tuple[str, ...],
    clock: Clock,
    *,
    known: Iterable[str] = (),
    longest: timedelta = _LONGEST,
    on_report: Callable[[HostReport], None] = lambda _: None,
) -> Discovery:
    """Run ``discover.yml`` on ``hosts``, a pattern or names, and return what was found.

    ``clock`` says when each answered. The run is kept in ``directory``, the newest five of them. ``on_report`` hears
    each host's report as it comes. Of a run that was cut short, the ``known`` hosts not heard of are said to have
    given no answer. Raises :class:`UpdaterError` when no host was asked at all.
    """
    heard = _Heard(clock, on_report)
    # Names are asked all at the same time, so that none waits for others that hang.
    forks = len(hosts) if isinstance(hosts, tuple) else None
    ended = playbooks.run(Playbook("discover", limit=hosts, forks=forks), directory, longest, heard.hear)
    _forget_old(directory)
    if ended.was_stopped:
        raise WasStopped("the scan was stopped")
    if not heard.reports and not isinstance(hosts, tuple) and ended.status == "successful":
        # Says so when the inventory has none.
        playbooks.hosts(hosts)
    if not heard.reports:
        raise NobodyAsked(
            ended.cost,
            f"the scan ended before any host answered: {ended.refusal or ended.status}; the run is kept in {ended.directory}",
        )
    if ended.cut_short:
        for host in sorted(set(known) - set(heard.reports)):
            heard.keep(host, None, f"no answer before the scan was ended: {ended.cut_short}")
    return Discovery(heard.reports, heard.access, ended.cost)


class _Heard:
    """What hosts have said so far in a run."""

    def __init__(self, clock: Clock, on_report: Callable[[HostReport], None]) -> None:
        self.reports: dict[str, HostReport] = {}
        self.access: dict[str, Any] = {}
        self._clock, self._on_report, self._asked_at = clock, on_report, clock()

    def hear(self, result: ModuleResult) -> None:
        for reading in read(result):
            if isinstance(reading, Scanned):
                self.keep(reading.host, reading.seen, groups=reading.groups, policy=reading.policy)
            elif isinstance(reading, HostFailure | UnreadableResult):
                self.keep(reading.host, None, reading.reason)
            elif isinstance(reading, EngineAccess):
                self.access[reading.host] = reading.how

    def keep(
        self,
        host: str,
        seen: SeenHost | None,
        error: str | None = None,
        *,
        groups: tuple[str, ...] = (),
        policy: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.reports[host] = HostReport(host, seen, error, self._clock(), self._asked_at, groups, policy)
        self._on_report(self.reports[host])


def _forget_old(directory: Path) -> None:
    """Keep the newest runs, and those that go on."""
    runs = sorted(directory.glob("discover-*"), key=lambda run: int(run.name.rpartition("-")[2]))
    for old in runs[:-_KEPT]:
        if not is_going_on(old):
            shutil.rmtree(old, ignore_errors=True)
