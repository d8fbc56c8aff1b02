"""``check``: whether settings, inventory, hosts and registries are as they should be."""

import argparse
from collections.abc import Iterator

from registry_docker_updater.activities.poll import registry_problems
from registry_docker_updater.cli.asking_hosts import scan
from registry_docker_updater.cli.command import Command, json_option
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.fleet.engines import engine_notes
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.live import FOLLOWED
from registry_docker_updater.core.schedules.repairs import unfinished_notes
from registry_docker_updater.core.schedules.scans import too_old
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings.weak import weak_secrets


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Tell whether the settings are right, and every host and registry answers."""
    problems = []
    try:
        fleet = scan(parts, output)
    except UpdaterError as error:
        # The registries can be asked all the same.
        fleet, problems = Fleet(), [f"fleet: {error}"]
    unreachable = {host.name: host.error for host in fleet.hosts.values() if host.error}
    problems += [f"host {name}: {error}" for name, error in sorted(unreachable.items())]
    for polled in parts.polled:
        output.remark(f"asking registry {polled.name} …")
        problems += registry_problems(polled, fleet)
    warnings = list(_warnings(parts, fleet))
    if given.json:
        output.json(
            {
                "problems": problems,
                "warnings": warnings,
                "hosts": len(fleet.hosts),
                "targets": len(fleet.targets),
            }
        )
    else:
        for problem in problems:
            output.line(f"wrong: {problem}")
        for warning in warnings:
            output.line(f"note: {warning}")
        answering = len(fleet.hosts) - len(unreachable)
        output.line(f"{answering} of {len(fleet.hosts)} hosts answer, {len(fleet.targets)} targets")
    return 1 if problems else 0


def _warnings(parts: Parts, fleet: Fleet) -> Iterator[str]:
    yield from weak_secrets(parts.settings)
    if parts.exposure:
        yield parts.exposure
    for host in fleet.hosts.values():
        for warning in (*host.warnings, *unfinished_notes(host)):
            yield f"host {host.name}: {warning}"
    for name, note in engine_notes(fleet):
        yield f"host {name}: {note}"
    if not parts.has_operator:
        return
    for host in fleet.hosts.values():
        if host.live not in (None, FOLLOWED):
            yield f"host {host.name}: the live view: {host.live}"
    asked_at = (host.asked_at for host in parts.storage.fleet.load().hosts.values())
    old = too_old(asked_at, parts.settings.fleet.scan_interval, parts.clock())
    if old:
        yield old


COMMAND = Command("check", "check settings, inventory and reachability of all hosts", (json_option,), run)
