"""``fleet``: hosts and targets."""

import argparse

from registry_docker_updater.cli.asking_hosts import known_fleet
from registry_docker_updater.cli.command import Command, json_option, scan_option
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.fleet.engines import engine_notes
from registry_docker_updater.core.fleet.live import FOLLOWED
from registry_docker_updater.core.schedules.repairs import unfinished_notes
from registry_docker_updater.parts import Parts
from registry_docker_updater.views import fleet as view
from registry_docker_updater.views.text import short


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Show the hosts and targets as last scanned, or as they are now."""
    known = known_fleet(parts, output, fresh=given.scan)
    shown = view.fleet(known)
    if given.json:
        output.json(shown)
        return 0
    for host in shown["hosts"]:
        if host["error"]:
            output.line(f"unreachable: {host['name']}: {host['error']} (asked {host['asked_at']})")
        for warning in (*host["warnings"], *unfinished_notes(known.hosts[host["name"]])):
            output.line(f"note: {host['name']}: {warning}")
        if host["live"] not in (None, FOLLOWED):
            output.line(f"note: {host['name']}: the live view: {host['live']}")
    for name, note in engine_notes(known):
        output.line(f"note: {name}: {note}")
    rows = [
        {
            **target,
            "image": target["reference"] or target["image"],
            "digest": short(", ".join(target["digests"])),
        }
        for target in shown["targets"]
    ]
    output.table(rows, ("kind", "name", "place", "image", "digest", "state"))
    return 0


COMMAND = Command("fleet", "show hosts and targets", (json_option, scan_option), run)
