"""``silence``: want to hear nothing of a trouble that is known, for a while."""

import argparse
from datetime import datetime, timedelta

from registry_docker_updater.activities.silencing import Wish, end_silence, meant, silence
from registry_docker_updater.cli.command import Command, json_option, moment
from registry_docker_updater.cli.here import person
from registry_docker_updater.cli.output import Output
from registry_docker_updater.errors import NotAsked
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings.values import duration
from registry_docker_updater.views.silences import SilenceRow, silences

_LISTED = 100


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Silence something, end a silence, or list those that are."""
    now = parts.clock()
    if given.end is not None:
        rows = [end_silence(parts.storage, given.end, person(), now)]
    elif given.list or given.what is None:
        rows = silences(parts.storage, now, _LISTED)
    else:
        subject, of = meant(given.what, parts.storage.fleet.load(), parts.registry_hosts)
        wish = Wish(subject, of, _until(given, now), given.reason or "")
        rows = [silence(parts.storage, wish, person(), now)]
    if given.json:
        output.json(rows)
    else:
        columns = ("id", "subject", "of", "until", "actor", "reason", "state")
        output.table([{**row, "state": _state(row)} for row in rows], columns)
    return 0


def _until(given: argparse.Namespace, now: datetime) -> datetime:
    until: datetime | None = now + given.duration if given.duration else given.until
    if until:
        return until
    raise NotAsked("until", "a silence ends: say --for 2h, or --until 2026-11-30T08:00Z")


def _state(row: SilenceRow) -> str:
    if row["ended_at"]:
        return f"ended by {row['ended_by']}"
    return "counts" if row["counts"] else "over"


def _duration(text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="?",
        help="a host, a target by key or name, a registry, or an image's name; host:NAME, target:KEY, registry:NAME or"
        " image:NAME where several are called so",
    )
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument(
        "--for", dest="duration", type=_duration, metavar="TIME", help="for so long, such as 2h or 3d"
    )
    ends.add_argument("--until", type=moment, metavar="TIME", help="until then (UTC where no zone is said)")
    parser.add_argument("--reason", metavar="TEXT", help="why, for others")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--list", action="store_true", help="list silences, as without WHAT")
    which.add_argument("--end", type=int, metavar="ID", help="end a silence now")


COMMAND = Command(
    "silence", "want to hear nothing of a trouble that is known", (json_option, _arguments), run
)
