"""Asking the fleet what it runs: one run of ``discover.yml``, read as it goes."""

import shutil
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.fleet import Scan
from registry_docker_updater.core.outcomes import HostResult
from registry_docker_updater.edges.ansible import Playbook, Playbooks
from registry_docker_updater.errors import UpdaterError

_KEPT = 5
_LONGEST = timedelta(minutes=5)


def scan(  # noqa: PLR0913, PLR0917 - what a scan is made of
    playbooks: Playbooks,
    directory: Path,
    hosts: str,
    clock: Clock,
    known: Iterable[str] = (),
    on_host: Callable[[str, str | None], None] = lambda *_: None,
) -> list[Scan]:
    """Run ``discover.yml`` on ``hosts``, a pattern, and return what each host answered.

    ``clock`` says when each answered. The run is kept in ``directory``, the newest five of them. ``on_host`` hears
    of each host as it answers, with the error where it did not. Of a run that was cut short, the ``known`` hosts
    not heard of are said to have given no answer. Raises :class:`UpdaterError` when no host was asked at all.
    """
    scans: dict[str, Scan] = {}

    def keep(result: HostResult) -> None:
        found = result.result.get("scan")
        if found:
            scans[result.host] = Scan(result.host, found, at=clock())
        elif result.event in ("runner_on_unreachable", "runner_on_failed"):
            scans[result.host] = Scan(result.host, None, result.reason, clock())
        else:
            return
        on_host(result.host, scans[result.host].error)

    ended = playbooks.run(Playbook("discover", limit=hosts), directory, _LONGEST, keep)
    for old in sorted(directory.iterdir(), key=lambda run: int(run.name.rpartition("-")[2]))[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    if ended.was_stopped:
        raise UpdaterError("the scan was stopped")
    if not scans and ended.status != "successful":
        raise UpdaterError(
            f"the scan ended as {ended.status} before any host was asked; its output is in {ended.directory}"
        )
    if ended.cut_short:
        for host in set(known) - set(scans):
            scans[host] = Scan(host, None, f"no answer before the scan was ended: {ended.cut_short}")
    return list(scans.values())
