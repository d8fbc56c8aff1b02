"""Runs of ``discover.yml``, each host's answer read as it comes."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.fleet.merging import HostReport
from registry_docker_updater.core.rollouts.outcomes import HostResult
from registry_docker_updater.edges.runs.playbooks import Playbook, PlaybookRunner, is_going_on
from registry_docker_updater.errors import UpdaterError

_KEPT = 5
_LONGEST = timedelta(minutes=5)


@dataclass(frozen=True)
class Scanned:
    """What a run of ``discover.yml`` found: each host's answer, how to open its engine, and the run's cost.

    ``cost`` is in seconds of a processor.
    """

    answers: Mapping[str, HostReport]
    live: Mapping[str, Any]
    cost: float


class NobodyAsked(UpdaterError):
    """A scan ended before any host was asked, and cost some seconds of a processor all the same."""

    def __init__(self, cost: float, message: str) -> None:
        """Keep the cost."""
        self.cost = cost
        super().__init__(message)


def scan(  # noqa: PLR0913 - what a scan is made of
    playbooks: PlaybookRunner,
    directory: Path,
    hosts: str | tuple[str, ...],
    clock: Clock,
    *,
    known: Iterable[str] = (),
    longest: timedelta = _LONGEST,
    on_answer: Callable[[HostReport], None] = lambda _: None,
) -> Scanned:
    """Run ``discover.yml`` on ``hosts``, a pattern or names, and return what was found.

    ``clock`` says when each answered. The run is kept in ``directory``, the newest five of them. ``on_answer`` hears
    each host's answer as it comes. Of a run that was cut short, the ``known`` hosts not heard of are said to have
    given no answer. Raises :class:`UpdaterError` when no host was asked at all.
    """
    answers: dict[str, HostReport] = {}
    live: dict[str, Any] = {}
    asked_at = clock()

    def keep(result: HostResult) -> None:
        if "live" in result.result:
            live[result.host] = result.result["live"]
        found = result.result.get("scan")
        if found:
            answers[result.host] = HostReport(result.host, found, None, clock(), asked_at)
        elif result.event in ("runner_on_unreachable", "runner_on_failed"):
            answers[result.host] = HostReport(result.host, None, result.reason, clock(), asked_at)
        else:
            return
        on_answer(answers[result.host])

    # Names are asked all at the same time, so that none waits for others that hang.
    forks = len(hosts) if isinstance(hosts, tuple) else None
    ended = playbooks.run(Playbook("discover", limit=hosts, forks=forks), directory, longest, keep)
    _forget_old(directory)
    if ended.was_stopped:
        raise UpdaterError("the scan was stopped")
    if not answers and not isinstance(hosts, tuple) and ended.status == "successful":
        # Says so when the inventory has none.
        playbooks.hosts(hosts)
    if not answers:
        raise NobodyAsked(
            ended.cost,
            f"the scan ended before any host answered: {ended.refusal or ended.status}; the run is kept in {ended.directory}",
        )
    if ended.cut_short:
        for host in sorted(set(known) - set(answers)):
            reason = f"no answer before the scan was ended: {ended.cut_short}"
            answers[host] = HostReport(host, None, reason, clock(), asked_at)
            on_answer(answers[host])
    return Scanned(answers, live, ended.cost)


def _forget_old(directory: Path) -> None:
    """Keep the newest runs, and those that go on."""
    runs = sorted(directory.glob("discover-*"), key=lambda run: int(run.name.rpartition("-")[2]))
    for old in runs[:-_KEPT]:
        if not is_going_on(old):
            shutil.rmtree(old, ignore_errors=True)
