"""``events``: pushes, what could not be read, and what was ignored."""

import argparse
import json

from registry_docker_updater.cli.command import Command, json_option, limit_option
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.views.events import EventRow
from registry_docker_updater.views.text import short


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """List the newest pushes and what could not be read; or show one, or what was ignored."""
    if given.number is not None:
        _show(source.event(given.number), output, as_json=given.json)
        return 0
    if given.ignored:
        counts = source.ignored()
        if given.json:
            output.json(counts)
        else:
            output.table(counts, ("registry", "reason", "count", "first_at", "last_at"))
        return 0
    rows = source.events(given.limit)
    if given.json:
        output.json(rows)
    else:
        shown = [{**row, "what": _what(row), "digest": short(row["digest"])} for row in rows]
        output.table(shown, ("id", "received_at", "registry", "kind", "what", "digest", "actor"))
    return 0


def _what(row: EventRow) -> str:
    name = f"{row['repository']}:{row['tag']}" if row["repository"] else None
    reason = "the registry is to be asked" if row["waits"] else row["reason"]
    return f"{name} ({reason})" if name and reason else name or reason or ""


def _show(row: EventRow, output: Output, *, as_json: bool) -> None:
    if as_json:
        output.json(row)
        return
    for name, value in row.items():
        if value is not None and name != "content":
            output.line(f"{name.replace('_', ' ')}: {value}")
    if row["content"] is not None:
        for line in json.dumps(row["content"], indent=2, ensure_ascii=False).split("\n"):
            output.line(line)


def _which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", type=int, nargs="?", metavar="ID", help="show this one whole")
    parser.add_argument(
        "--ignored", action="store_true", help="how many events were ignored, by registry and reason"
    )


COMMAND = Command(
    "events",
    "list pushes, and what could not be read",
    (json_option, limit_option, _which),
    ask=ask,
    about="Lists the newest pushes and what nobody could read, shows one event, or counts those that were ignored.",
    examples=("events --limit 5", "events 42", "events --ignored"),
)
