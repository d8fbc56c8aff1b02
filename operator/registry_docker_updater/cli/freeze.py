"""``freeze``: have nothing updated for a while."""

import argparse
from datetime import datetime

from registry_docker_updater.cli.command import Command, for_or_until_options, json_option
from registry_docker_updater.cli.frozen import tell
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.clock import utc_now
from registry_docker_updater.errors import NotAsked

_LISTED = 100
_EVERYTHING = "everything"


def ask(source: Source, given: argparse.Namespace, output: Output) -> int:
    """Freeze something, or list what is frozen."""
    wants = any(one is not None for one in (given.what, given.duration, given.until, given.reason))
    if given.list:
        if wants:
            raise NotAsked("what", "a freeze begins, or --list lists those that are: not both at once")
        tell(source.freezes(_LISTED), given, output)
        return 0
    if given.what == "":
        # By an empty variable: that is not to freeze everything.
        raise NotAsked(
            "what", "say what is to be frozen: everything, a swarm, a group, a host, or a repository"
        )
    what = given.what or _EVERYTHING
    if given.reason is None:
        raise NotAsked("reason", f"say by --reason TEXT why {what} is to be frozen; --list lists what is")
    tell([source.freeze(what, _until(given), given.reason)], given, output)
    return 0


def _until(given: argparse.Namespace) -> datetime | None:
    until: datetime | None = given.until if given.duration is None else utc_now() + given.duration
    return until


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="?",
        help="everything (default), swarm:NAME (its id, or a manager's name), group:NAME, host:NAME, repository:PATTERN, or"
        " a name that only one of them has",
    )
    parser.add_argument("--reason", metavar="TEXT", help="why, for others")
    parser.add_argument("--list", action="store_true", help="list freezes, the newest first")


COMMAND = Command(
    "freeze",
    "have nothing updated for a while",
    (json_option, for_or_until_options, _arguments),
    ask=ask,
    about="Has nothing updated of everything, a swarm, a group, a host or a repository, until somebody thaws it or the time has come.",
    examples=("freeze host:test-1.example.com --for 2h --reason maintenance", "freeze --list"),
)
