"""``status``: whether everything is well, and what goes on."""

import argparse

from registry_docker_updater.cli.command import Command, json_option
from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.views.now import NowRow, TroubleRow
from registry_docker_updater.views.outlook import when


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Tell how everything is; return 1 where it is not well."""
    row = source.status()
    if given.json:
        output.json(row)
    else:
        _tell(row, output)
    return 0 if row["is_well"] else 1


def _tell(row: NowRow, output: Output) -> None:
    for freeze in row["freezes"]:
        output.alarm(f"frozen: {freeze['says']}")
    output.line(row["sentence"])
    for one in row["troubles"]:
        _tell_trouble(one, output)
    for running in row["running"]:
        output.line(f"runs: rollout {running['rollout']}, {running['image']}, since {running['began_at']}")
    _tell_waiting(row, output)
    for one in row["silenced"]:
        output.line(f"silenced: {one['sentence']}")
        for silence in one["silences"]:
            output.line(f"  by {silence['actor']} until {silence['until']}: {silence['reason']}")
    for note in (f"registry {one['name']}: {note}" for one in row["registries"] for note in one["notes"]):
        output.line(f"note: {note}")
    oldest = row["oldest_look"]
    if oldest:
        output.line(f"the oldest look at a host is of {oldest['asked_at']}, at {oldest['name']}")


def _tell_waiting(row: NowRow, output: Output) -> None:
    for wait in row["waiting"]:
        output.line(f"waits: {wait['image']} on {wait['count']} target(s): {wait['says']}")
        output.line(f"  next: {when(wait['verdict'], wait['until'])}{wait['then']}")
    more = row["waiting_count"] - len(row["waiting"])
    if more:
        output.line(f"and {more} more that wait; `status --json` and `fleet` tell of them")


def _tell_trouble(one: TroubleRow, output: Output) -> None:
    output.line(f"{one['kind'].replace('_', ' ')}: {one['sentence']}")
    since = f" (since {one['since']})" if one["since"] else ""
    at = f"at {one['at']}: " if one["at"] else ""
    output.line(f"  next: {at}{one['then']}{since}")


COMMAND = Command(
    "status",
    "tell whether everything is well, and what goes on",
    (json_option,),
    ask=ask,
    about="Tells in a sentence whether everything is well, and then what is not, what runs, and what waits until when.",
    examples=("status",),
    exits={Exit.WRONG: "not everything is well"},
)
