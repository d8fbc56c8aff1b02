"""What a command is, and the options that several have."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts

_LISTED = 20

Arguments = Callable[[argparse.ArgumentParser], None]
Run = Callable[[Parts, argparse.Namespace, Output], int]
Ask = Callable[[Source, argparse.Namespace, Output], int]


def _only_here(_source: Source, given: argparse.Namespace, _output: Output) -> int:
    name = given.command.name
    raise UpdaterError(
        f"`{name}` works with the operator's own files: run it on its machine, without --server"
    )


@dataclass(frozen=True)
class Command:
    """A command: its name and what it is for, the ``arguments`` that it takes, and what it does.

    ``run`` does it on the operator's machine, ``ask`` with what any source has; one that has no ``run`` asks there, too. Both
    return the exit code: 0 done, 1 found wrong.
    """

    name: str
    help: str
    arguments: tuple[Arguments, ...]
    run: Run | None = None
    ask: Ask = _only_here


def json_option(parser: argparse.ArgumentParser) -> None:
    """Have the command print JSON when asked to."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def even_if_broken_option(parser: argparse.ArgumentParser) -> None:
    """Have the command go on where something is not as it was kept."""
    parser.add_argument(
        "--even-if-broken", action="store_true", help="also where not all is as it was kept; says what is not"
    )


def scan_option(parser: argparse.ArgumentParser) -> None:
    """Have the command ask the hosts when asked to."""
    parser.add_argument(
        "--scan", action="store_true", help="ask the hosts now, instead of showing the last scan"
    )


def limit_option(parser: argparse.ArgumentParser) -> None:
    """Bound what the command lists."""
    parser.add_argument(
        "--limit", type=_count, default=_LISTED, metavar="N", help="the newest N (default: %(default)s)"
    )


def rollout_argument(parser: argparse.ArgumentParser) -> None:
    """Say which rollout the command is about."""
    parser.add_argument("number", type=int, metavar="ID")


def force_and_wait_options(parser: argparse.ArgumentParser) -> None:
    """Let a person insist, and wait for the end."""
    parser.add_argument(
        "--force",
        action="store_true",
        help="update also targets that refused this digest, or that were left alone for another reason",
    )
    parser.add_argument(
        "--wait", action="store_true", help="follow the rollout; exit 1 unless every target ended well"
    )


def moment(text: str) -> datetime:
    """Return the moment that an option says, in UTC where it says no zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-22T12:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("is to be 1 or more")
    return number
