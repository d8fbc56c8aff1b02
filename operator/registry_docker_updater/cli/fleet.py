"""``fleet``: hosts and targets."""

import argparse

from registry_docker_updater.cli.command import Command, json_option, scan_option
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.views.text import short


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Show the hosts and targets as last scanned, or as they are now."""
    shown = source.fleet(fresh=given.scan)
    if given.json:
        output.json(shown)
        return 0
    for host in shown["hosts"]:
        if host["error"]:
            output.line(f"unreachable: {host['name']}: {host['error']} (asked {host['asked_at']})")
        for note in host["notes"]:
            output.line(f"note: {host['name']}: {note}")
    rows = [
        {
            **target,
            "image": target["reference"] or target["image"],
            "digest": short(", ".join(target["digests"])),
            "verdict": target["verdict"].replace("_", " "),
            "why": target["says"] if target["is_behind"] else None,
        }
        for target in shown["targets"]
    ]
    output.table(rows, ("kind", "name", "place", "image", "digest", "state", "verdict", "why"))
    return 0


COMMAND = Command(
    "fleet",
    "show hosts and targets",
    (json_option, scan_option),
    ask=ask,
    about="Shows hosts and targets as they were scanned last, and why a target is not on what was pushed.",
    examples=("fleet", "fleet --scan --json"),
)
