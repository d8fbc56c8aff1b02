"""``events``: pushes, and what could not be read."""

import argparse

from registry_docker_updater.cli.command import Command, json_option, limit_option
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.text import short
from registry_docker_updater.composition import Parts
from registry_docker_updater.views.events import events


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """List the newest pushes, and what could not be read."""
    rows = events(parts.storage, given.limit)
    if given.json:
        output.json(rows)
        return 0
    for row in rows:
        row["what"] = f"{row['repository']}:{row['tag']}" if row["kind"] == "push" else row["reason"]
    shown = [{**row, "digest": short(row["digest"])} for row in rows]
    output.table(shown, ("id", "received_at", "registry", "kind", "what", "digest", "actor"))
    return 0


COMMAND = Command("events", "list pushes, and what could not be read", (json_option, limit_option), run)
