"""The parser of all commands: what each help tells, and what was meant where something is not known."""

import argparse
import sys
import textwrap
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Any

from registry_docker_updater.cli.command import Command, general_options
from registry_docker_updater.cli.exits import described

PROGRAM = "registry-docker-updater"
_WIDTH = 99


class Parser(argparse.ArgumentParser):
    """A parser that says of a command that is not known which may have been meant."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # Newer versions of Python suggest by themselves, when they are told to.
        if action.choices is not None and value not in action.choices:
            known = [str(one) for one in action.choices]
            meant = _meant([str(value)], known)
            said = meant or f"; known are {', '.join(known)}"
            raise argparse.ArgumentError(action, f"{value!r} is not known{said}")


def parser(commands: Iterable[Command], version: str) -> Parser:
    """Return the parser of all ``commands``; ``version`` is what ``--version`` prints."""
    top = Parser(
        prog=PROGRAM,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Updates Docker Swarm services and standalone containers to the image just pushed.",
        epilog=f"`{PROGRAM} COMMAND --help` tells of a command, with examples.\n\nexit codes:\n{described({})}",
    )
    top.add_argument("--version", action="version", version=version)
    general_options(top, is_first=True)
    # Which command is given may be said after it.
    top.add_argument("--json", action="store_true", help="print JSON, where the command does")
    top.set_defaults(top=top)
    add = top.add_subparsers(title="commands", required=True, metavar="COMMAND").add_parser
    for command in commands:
        one = add(
            command.name,
            help=command.help,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            # Shells show the first line of it.
            description=f"{command.help[:1].upper()}{command.help[1:]}.\n\n{textwrap.fill(command.about, _WIDTH)}",
            epilog=_epilog(command),
        )
        for arguments in command.arguments:
            arguments(one)
        general_options(one)
        one.set_defaults(command=command)
    return top


def read(top: Parser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what was given; what is unknown, or does not go together, ends with the usage of the command that it was given to."""
    _check_before_command(top, sys.argv[1:] if arguments is None else arguments)
    given, unknown = top.parse_known_args(arguments)
    of: argparse.ArgumentParser = given.parser
    if unknown:
        _refuse(of, unknown)
    if given.server and (given.config or given.local):
        of.error("--server is somewhere else than the settings of --config or --local are for")
    if given.config and given.local:
        of.error("--local has settings of its own: leave --config out, or --local")
    if given.json and not getattr(given, "has_json", False):
        of.error("this prints no JSON: leave --json out")
    return given


def _check_before_command(top: Parser, arguments: Sequence[str]) -> None:
    """End with the usage where an option before the command is unknown: else its value would be taken for the command."""
    names = {name for action in top._actions for name in action.choices or ()}  # noqa: SLF001 - likewise
    before = takewhile(lambda one: one not in names, arguments)
    for one in (one for one in before if one.startswith("--")):
        if not any(known.startswith(one.partition("=")[0]) for known in _options(top)):
            _refuse(top, [one])


def _refuse(of: argparse.ArgumentParser, unknown: Sequence[str]) -> None:
    of.error(f"unrecognized arguments: {' '.join(unknown)}{_meant(unknown, _options(of))}")


def _options(of: argparse.ArgumentParser) -> list[str]:
    return [name for action in of._actions for name in action.option_strings]  # noqa: SLF001 - there is no public way


def _epilog(command: Command) -> str:
    examples = "".join(f"  {PROGRAM} {one}\n" for one in command.examples)
    return f"examples:\n{examples}\nexit codes:\n{described(command.exits)}"


def _meant(given: Sequence[str], known: Sequence[str]) -> str:
    """Return what may have been meant, as the end of a sentence; empty where that is nothing known."""
    names = (one.partition("=")[0] for one in given)
    close = [match for name in names for match in get_close_matches(name, known, 1)]
    return f"; did you mean {' '.join(close)}?" if close else ""
