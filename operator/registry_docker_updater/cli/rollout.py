"""``rollout``: one rollout, with every target."""

import argparse
from collections.abc import Mapping
from typing import Any

from registry_docker_updater.cli.command import Command, json_option, rollout_argument
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.stages import picture
from registry_docker_updater.cli.text import short
from registry_docker_updater.parts import Parts
from registry_docker_updater.views.rollouts import rollout

_SHOWN = (
    "image",
    "digest",
    "actor",
    "pushed_at",
    "state",
    "runs",
    "started_at",
    "ended_at",
    "due_at",
    "note",
    "kept_in",
)


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Show one rollout with every target."""
    row = rollout(parts.storage, given.number)
    fields: Mapping[str, Any] = {**row, "kept_in": str(parts.runs / str(given.number))}
    if given.json:
        output.json(fields)
        return 0
    for name in _SHOWN:
        if fields[name] is not None:
            output.line(f"{name.replace('_', ' ')}: {fields[name]}")
    if row["message"]:
        message = row["message"]
        output.line(f"message: {message['state']}{': ' + message['error'] if message['error'] else ''}")
    output.line()
    shown = [{**one, "before": short(one["before"]), "after": short(one["after"])} for one in row["targets"]]
    output.table(shown, ("kind", "name", "place", "outcome", "before", "after", "message"))
    drawn = list(picture(row["targets"]))
    if drawn:
        output.line()
    for line in drawn:
        output.line(line)
    return 0


COMMAND = Command("rollout", "show one rollout, with every target", (json_option, rollout_argument), run)
