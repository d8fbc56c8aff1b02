"""``why``: what a target runs, what was pushed, and what comes next."""

import argparse

from registry_docker_updater.cli.command import Command, json_option, scan_option
from registry_docker_updater.cli.meaning import NO_OPERATOR
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.views.outlook import when
from registry_docker_updater.views.text import short
from registry_docker_updater.views.why import WhyRow


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Tell of a target, or of all that have the name given."""
    rows = source.why(given.target, fresh=given.scan)
    if not source.is_working:
        output.remark(NO_OPERATOR)
    if given.json:
        output.json(rows)
        return 0
    for number, row in enumerate(rows):
        if number:
            output.line()
        _tell(row, output)
    return 0


def _tell(row: WhyRow, output: Output) -> None:
    output.line(f"{row['kind']} {row['name']} at {row['place']} ({row['key']})")
    runs = short(", ".join(row["digests"])) or "a digest that its engine does not tell"
    state = f", {row['state']}" if row["state"] else ""
    output.line(f"  runs: {row['reference'] or row['image']}, {runs}, since {row['since']}{state}")
    if row["pushed"]:
        output.line(
            f"  pushed: {short(row['pushed'])} at {row['pushed_at']} (event {row['push']} of {row['registry']})"
        )
    if row["rollout"]:
        output.line(f"  rollout: {row['rollout']}")
    output.line(f"  verdict: {row['says']}")
    output.line(f"  next: {when(row['verdict'], row['next_at'])}{row['then']}")
    for note in row["notes"]:
        output.line(f"  note: {note}")
    for one in row["answers"]:
        asked = f" (asked {one['asked_at']})" if one["asked_at"] else ""
        output.line(f"  host {one['host']}: {one['error'] or 'answers'}{asked}")
        for note in one["notes"]:
            output.line(f"    note: {note}")
    for past in row["past"]:
        said = f": {past['message']}" if past["message"] else ""
        output.line(
            f"  rollout {past['rollout']}: {past['outcome']} at {past['at']}, {short(past['digest'])}{said}"
        )


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="its name, or its key as `fleet --json` has it")


COMMAND = Command(
    "why",
    "tell what a target runs, what was pushed, and what comes next",
    (json_option, scan_option, _target),
    ask=ask,
    about="Tells of a target what it runs, what was pushed under its name, what is decided of that and why, what comes next and when.",
    examples=("why web", "why service:web@swarm-1 --json"),
)
