"""``rollout``: one rollout, with every target, or what one of its runs printed."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from registry_docker_updater.cli.command import Command, json_option, rollout_argument
from registry_docker_updater.cli.here import Here
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.cli.stages import picture
from registry_docker_updater.edges.runs.kept_runs import names_of_runs, output_of, read_events, read_manifest
from registry_docker_updater.errors import NothingKnown, UpdaterError
from registry_docker_updater.parts import Parts
from registry_docker_updater.views.messages import said_of
from registry_docker_updater.views.text import names, short
from registry_docker_updater.views.waits import RolloutNowRow

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
    "waits",
    "waiting_since",
    "kept_in",
)


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Show one rollout with every target, and where its runs are kept; or one of these."""
    row, folder = Here(parts, output).rollout(given.number), parts.runs / str(given.number)
    kept = names_of_runs(folder)
    if given.run:
        _show_run(_found(row, kept, given.run, folder), output, as_json=given.json)
    else:
        _show(row, {"kept_in": str(folder), "kept_runs": list(kept)}, output, as_json=given.json)
    return 0


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Show one rollout with every target; what its runs printed is on the operator's machine."""
    if given.run:
        raise UpdaterError(
            f"what runs printed is kept on the operator's machine: ask there, without --server, for"
            f" `rollout {given.number} --run {given.run}`"
        )
    _show(source.rollout(given.number), {}, output, as_json=given.json)
    return 0


def _show(row: RolloutNowRow, kept: Mapping[str, Any], output: Output, *, as_json: bool) -> None:
    fields: Mapping[str, Any] = {**row, **kept}
    if as_json:
        output.json(fields)
        return
    shown = {**fields, "waits": names(row["waits"]) or None}
    for name in _SHOWN:
        if shown.get(name) is not None:
            output.line(f"{name.replace('_', ' ')}: {shown[name]}")
    if kept:
        output.line(f"runs kept: {_listed(kept['kept_runs'])}")
    for message in row["messages"]:
        if message["run"] == row["runs"] or message["state"] != "overtaken":
            output.line(f"message {message['id']} to {message['receiver']}: {said_of(message)}")
    output.line()
    ended = [{**one, "before": short(one["before"]), "after": short(one["after"])} for one in row["targets"]]
    output.table(ended, ("kind", "name", "place", "outcome", "before", "after", "message"), below="log")
    if row["waiting"]:
        output.line()
        output.line("what waits:")
        waiting = [
            {**one, "why": one["says"], "next": one["then"], "at": one["next_at"]} for one in row["waiting"]
        ]
        output.table(waiting, ("kind", "name", "place", "why", "next", "at"))
    drawn = list(picture(row["targets"]))
    if drawn:
        output.line()
    for line in drawn:
        output.line(line)


def _found(row: RolloutNowRow, kept: tuple[str, ...], asked: str, folder: Path) -> Path:
    """Return the directory of a run; raises :class:`NothingKnown` where there is none."""
    name = f"update-{int(asked)}" if asked.isdecimal() else asked
    if name in kept:
        return folder / name
    number = name.removeprefix("update-")
    was_run = number.isdecimal() and 1 <= int(number) <= row["runs"]
    what = f"run {asked} is not kept any more" if was_run else f"rollout {row['id']} has no run {asked}"
    raise NothingKnown(f"{what}; runs kept: {_listed(kept)}")


def _show_run(directory: Path, output: Output, *, as_json: bool) -> None:
    if as_json:
        events = [json.loads(line) for line in read_events(directory).splitlines()]
        output.json({"manifest": read_manifest(directory), "events": events})
    else:
        output.lines(output_of(directory))


def _listed(kept: Sequence[str]) -> str:
    return ", ".join(kept) or "none"


def _run_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run",
        metavar="N",
        help="print the output of its run N, or of another that is kept, such as notify-1",
    )


COMMAND = Command(
    "rollout",
    "show one rollout, with every target",
    (json_option, rollout_argument, _run_option),
    run,
    ask,
    about="Shows one rollout: what became of every target, what waits and why, and where its runs are kept; or what a run printed.",
    examples=("rollout 17", "rollout 17 --run 1"),
)
