"""What a command is, and the options that several have."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import shtab

from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.clock import Clock
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings import loading
from registry_docker_updater.settings.values import duration

_LISTED = 20
# As far as a database counts (https://sqlite.org/datatype3.html).
_MOST = 2**63 - 1
SERVER_VARIABLE, TOKEN_VARIABLE = "REGISTRY_DOCKER_UPDATER_SERVER", "REGISTRY_DOCKER_UPDATER_TOKEN"

Arguments = Callable[[argparse.ArgumentParser], None]
Run = Callable[[Parts, argparse.Namespace, Output], int]
Ask = Callable[[Source, argparse.Namespace, Output], int]
Bare = Callable[[argparse.Namespace, Output, Clock], int]


def _only_here(_source: Source, given: argparse.Namespace, _output: Output) -> int:
    name = given.command.name
    raise UpdaterError(
        f"`{name}` works with the operator's own files: run it on its machine, without --server or ${SERVER_VARIABLE}"
    )


@dataclass(frozen=True)
class Command:
    """A command: its name, what it is for, the ``arguments`` that it takes, what it does, and what its help tells besides.

    ``run`` does it on the operator's machine, ``ask`` with what any source has; one that has no ``run`` asks there, too.
    ``bare`` does it whether or not the settings can be read; what ``is_everywhere`` the same needs no operator at all. Each
    returns the exit code.

    ``about`` says in sentences what it does, ``examples`` are lines as they are typed after the program's name, and ``exits``
    says of exit codes what they mean here, where that is more than usual.
    """

    name: str
    help: str
    arguments: tuple[Arguments, ...]
    run: Run | None = None
    ask: Ask = _only_here
    bare: Bare | None = None
    is_everywhere: bool = field(default=False, kw_only=True)
    about: str = field(kw_only=True)
    examples: tuple[str, ...] = field(kw_only=True)
    exits: Mapping[Exit, str] = field(default_factory=dict, kw_only=True)


def general_options(parser: argparse.ArgumentParser, *, is_first: bool = False) -> None:
    """Take what is said of every command, before it and after: only what is given after it counts for more than before."""
    default = None if is_first else argparse.SUPPRESS
    group = parser.add_argument_group("where", "Before or after the command.")
    config = group.add_argument(
        "--config",
        metavar="FILE",
        default=default,
        help=f"settings (default: ${loading.PATH_VARIABLE}, {loading.DEFAULT_PATH})",
    )
    group.add_argument(
        "--local",
        action="store_true",
        default=default,
        help="use embedded settings: this machine's engine, state in $XDG_STATE_HOME",
    )
    group.add_argument(
        "--server",
        metavar="URL",
        default=default,
        help=f"ask the operator at this address, such as https://updater.example.com (default: ${SERVER_VARIABLE})",
    )
    token = group.add_argument(
        "--token-file",
        type=Path,
        default=default,
        metavar="FILE",
        help=f"for --server: what holds the token (default: that in ${TOKEN_VARIABLE})",
    )
    ca = group.add_argument(
        "--ca-file",
        type=Path,
        default=default,
        metavar="FILE",
        help="for --server: who signed its certificate, PEM, beside those whom the system trusts",
    )
    for action in (config, token, ca):
        names_file(action)
    parser.set_defaults(parser=parser)


def names_file(action: argparse.Action) -> None:
    """Have shells complete names of files for what ``action`` takes."""
    action.complete = shtab.FILE  # type: ignore[attr-defined] # as shtab wants it


def json_option(parser: argparse.ArgumentParser) -> None:
    """Have the command print JSON when asked to, before it or after."""
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    parser.set_defaults(has_json=True)


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


def for_or_until_options(parser: argparse.ArgumentParser) -> None:
    """Say how long something is to last."""
    ends = parser.add_mutually_exclusive_group()
    ends.add_argument(
        "--for", dest="duration", type=_duration, metavar="TIME", help="for so long, such as 2h or 3d"
    )
    ends.add_argument("--until", type=moment, metavar="TIME", help="until then (UTC where no zone is said)")


def _duration(text: str) -> timedelta:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r:.100} is no whole number") from None
    if not 1 <= number <= _MOST:
        raise argparse.ArgumentTypeError(f"is to be 1 to {_MOST}")
    return number
