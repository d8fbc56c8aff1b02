"""``why``: what a target runs, what was pushed, and what comes next."""

import argparse
import difflib

from registry_docker_updater.cli.asking_hosts import known_fleet
from registry_docker_updater.cli.command import Command, json_option, scan_option
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.desired import DesiredImages
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.parts import Parts
from registry_docker_updater.views.current import overview_of
from registry_docker_updater.views.text import short
from registry_docker_updater.views.why import WhyRow, why

# How many rollouts of its past are told, and how many targets are named that could be meant.
_PAST, _NAMED = 5, 10


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Tell of a target, or of all that have the name given."""
    known = known_fleet(parts, output, fresh=given.scan)
    keys = found(known, given.target)
    desired = DesiredImages(parts.registry_hosts)
    overview = overview_of(parts.storage, parts.registry_hosts, desired, known, parts.clock)
    rows = [why(parts.storage, overview, key, _PAST) for key in keys]
    if given.json:
        output.json(rows)
        return 0
    for number, row in enumerate(rows):
        if number:
            output.line()
        _tell(row, output)
    return 0


def found(known: Fleet, asked: str) -> list[str]:
    """Return the keys of the targets that are meant, by key or name; raises :class:`NothingKnown`, and names those alike."""
    if asked in known.targets:
        return [asked]
    by_key = sorted(key for key, one in known.targets.items() if one.name == asked or asked in one.keys)
    if by_key:
        return by_key
    if not known.targets:
        raise NothingKnown("no target is known: no host has told of a service or container that opted in")
    names = {one.name for one in known.targets.values()}
    alike = difflib.get_close_matches(asked, [*names, *known.targets], _NAMED)
    meant = f"; did you mean {', '.join(alike)}?" if alike else "; `fleet` lists them"
    raise NothingKnown(f"no target is called {asked}, by name or key{meant}")


def _tell(row: WhyRow, output: Output) -> None:
    output.line(f"{row['kind']} {row['name']} at {row['place']} ({row['key']})")
    runs = short(", ".join(row["digests"])) or "a digest that its engine does not tell"
    state = f", {row['state']}" if row["state"] else ""
    output.line(f"  runs: {row['reference'] or row['image']}, {runs}, since {row['since']}{state}")
    if row["pushed"]:
        output.line(
            f"  pushed: {short(row['pushed'])} at {row['pushed_at']} (event {row['push']} of {row['registry']})"
        )
    output.line(f"  verdict: {row['says']}")
    at = f", at {row['next_at']}" if row["next_at"] else ""
    output.line(f"  next: {row['then']}{at}")
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
    run,
)
