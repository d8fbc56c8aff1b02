"""``silence``: want to hear nothing of a trouble that is known, for a while."""

import argparse
from datetime import datetime

from registry_docker_updater.cli.command import Command, for_or_until_options, json_option
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.clock import utc_now
from registry_docker_updater.errors import NotAsked
from registry_docker_updater.views.silences import SilenceRow

_LISTED = 100


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Silence something, end a silence, or list those that are."""
    _belongs_together(given)
    if given.end is not None:
        rows = [source.end_silence(given.end)]
    elif given.list or given.what is None:
        rows = source.silences(_LISTED)
    else:
        rows = [source.silence(given.what, _until(given), given.reason or "")]
    if given.json:
        output.json(rows)
    else:
        columns = ("id", "subject", "of", "until", "actor", "reason", "state")
        output.table([{**row, "state": _state(row)} for row in rows], columns)
    return 0


def _belongs_together(given: argparse.Namespace) -> None:
    """Refuse what nobody means: whoever gives a reason and, by an empty variable, no name would think it silenced."""
    wants = any(one is not None for one in (given.duration, given.until, given.reason))
    if wants and not given.what:
        raise NotAsked("what", "say what is to be silenced: a host, a target, a registry, or an image's name")
    if (given.what or wants) and (given.list or given.end is not None):
        raise NotAsked("what", "a silence begins with WHAT, or is ended with --end ID: not both at once")


def _until(given: argparse.Namespace) -> datetime:
    until: datetime | None = given.until if given.duration is None else utc_now() + given.duration
    if until:
        return until
    raise NotAsked("until", "a silence ends: say --for 2h, or --until 2026-11-30T08:00Z")


def _state(row: SilenceRow) -> str:
    if row["ended_at"]:
        return f"ended by {row['ended_by']}"
    return "counts" if row["counts"] else "over"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="?",
        help="a host, a target by key or name, a registry, or an image's name; host:NAME, target:KEY, registry:NAME or"
        " image:NAME where several are called so",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why, for others")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--list", action="store_true", help="list silences, as without WHAT")
    which.add_argument("--end", type=int, metavar="ID", help="end a silence now")


COMMAND = Command(
    "silence",
    "want to hear nothing of a trouble that is known",
    (json_option, for_or_until_options, _arguments),
    ask=ask,
    about="Has nobody hear of a trouble that is known, of a host, a target, a registry or an image's name; lists silences, or ends one.",
    examples=("silence host:test-1.example.com --for 3d --reason 'new disk is ordered'", "silence --end 4"),
)
