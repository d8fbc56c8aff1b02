"""``rollouts``: what was rolled out."""

import argparse

from registry_docker_updater.cli.command import Command, json_option, limit_option
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.views.rollouts import LEFT_AS_IT_IS
from registry_docker_updater.views.text import counts, names, short

_COLUMNS = (
    "id",
    "created_at",
    "image",
    "digest",
    "actor",
    "state",
    "runs",
    "outcomes",
    "due_at",
    "waits",
    "note",
)


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """List the newest rollouts."""
    rows = source.rollouts(given.limit)
    if given.json:
        output.json(rows)
        return 0
    shown = [
        {
            **row,
            "digest": short(row["digest"]),
            "state": row["ending"] if row["ending"] == LEFT_AS_IT_IS else row["state"],
            "outcomes": counts(row["outcomes"]),
            "waits": names(row["waits"]),
        }
        for row in rows
    ]
    output.table(shown, _COLUMNS)
    return 0


COMMAND = Command(
    "rollouts",
    "list rollouts",
    (json_option, limit_option),
    ask=ask,
    about="Lists the newest rollouts with their outcomes, next tries, and what they wait for.",
    examples=("rollouts --limit 5",),
)
