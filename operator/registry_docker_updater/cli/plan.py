"""``plan``: what a push would change."""

import argparse

from registry_docker_updater.cli.asking_hosts import known_fleet
from registry_docker_updater.cli.command import Command, json_option, scan_option
from registry_docker_updater.cli.judging import desired_now, judged, pushed
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.rollouts.verdicts import DUE
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts
from registry_docker_updater.views.fleet import target as target_row
from registry_docker_updater.views.text import short


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Show what a push of an image would change; change nothing."""
    registry, reference = pushed(parts, given.image)
    if not reference.tag:
        raise UpdaterError(
            f"{given.image} needs a tag, as in registry.example.com/test/app:1: no other name is ever pushed"
        )
    known = known_fleet(parts, output, fresh=given.scan)
    found = judged(parts.storage, parts, desired_now(parts, registry, reference), known)
    rows = [
        {**target_row(one), "verdict": str(verdict), "digest": short(", ".join(sorted(one.digests)))}
        for one, verdict in found
    ]
    if given.json:
        output.json(rows)
        return 0
    shown = [
        {**row, "would_be": "updated" if verdict is DUE else f"left alone: {verdict}"}
        for row, (_, verdict) in zip(rows, found, strict=True)
    ]
    output.table(shown, ("kind", "name", "place", "digest", "would_be"))
    return 0


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE[@DIGEST]")


COMMAND = Command(
    "plan", "show what a push would change; change nothing", (json_option, scan_option, _arguments), run
)
