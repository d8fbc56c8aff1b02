"""The command line."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from functools import partial

from registry_docker_updater import __version__
from registry_docker_updater.cli import by_hand, commands
from registry_docker_updater.cli.output import complain
from registry_docker_updater.composition import Parts
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.settings import local
from registry_docker_updater.settings import model as settings

_LISTED = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when done, 1 when something was found wrong. Wrong usage ends with 2."""
    given = parser().parse_args(arguments)
    # What a reader that has gone away was not told is no reason to say that a push ended well.
    code = int(getattr(given, "wait", False))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal has no letters for is no reason to print nothing.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        path = local.settings_file(os.environ) if given.local else settings.find(given.config, os.environ)
        parts = Parts(settings.load(path), path.absolute().parent, os.environ)
        code = int(given.run(parts, given))
        sys.stdout.flush()
    except BrokenPipeError:
        # It would be written once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UpdaterError as error:
        head, *others = error.lines
        complain(f"registry-docker-updater: {head}", *others)
        return 1
    except KeyboardInterrupt:
        complain("registry-docker-updater: interrupted")
        return 130
    return code


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="registry-docker-updater",
        description="Updates Docker Swarm services and standalone containers to the image just pushed.",
        epilog="Exit codes: 0 done, 1 found wrong, 2 usage.",
    )
    top.add_argument("--version", action="version", version=__version__)
    which = top.add_mutually_exclusive_group()
    which.add_argument(
        "--config",
        metavar="FILE",
        help=f"settings (default: ${settings.PATH_VARIABLE}, {settings.DEFAULT_PATH})",
    )
    which.add_argument(
        "--local",
        action="store_true",
        help="use embedded settings: this machine's engine, state in $XDG_STATE_HOME",
    )
    add = top.add_subparsers(title="commands", required=True, metavar="COMMAND").add_parser

    one = add("serve", help="run the operator")
    one.set_defaults(run=lambda parts, _: commands.serve(parts))

    one = _listing(add("check", help="check settings, inventory and reachability of all hosts"))
    one.set_defaults(run=lambda parts, given: commands.check(parts, given.json))

    one = _listing(add("fleet", help="show hosts and targets"))
    _fresh(one)
    one.set_defaults(run=lambda parts, given: commands.fleet(parts, given.json, given.scan))

    one = _listing(add("plan", help="show what a push would change; change nothing"))
    _fresh(one)
    one.add_argument("image", metavar="IMAGE[@DIGEST]")
    one.set_defaults(
        run=lambda parts, given: by_hand.plan(
            parts, given.json, partial(commands.known_fleet, parts, fresh=given.scan), given.image
        )
    )

    one = _asked(_listing(add("push", help="record a push by hand")))
    one.add_argument("image", metavar="IMAGE@DIGEST")
    one.set_defaults(run=lambda parts, given: by_hand.push(parts, given.image, **_wishes(given)))

    one = _bounded(_listing(add("events", help="list pushes, and what could not be read")))
    one.set_defaults(run=lambda parts, given: commands.events(parts, given.json, given.limit))

    one = _bounded(_listing(add("rollouts", help="list rollouts")))
    one.set_defaults(run=lambda parts, given: commands.rollouts(parts, given.json, given.limit))

    one = _listing(add("rollout", help="show one rollout, with every target"))
    one.add_argument("number", type=int, metavar="ID")
    one.set_defaults(run=lambda parts, given: commands.rollout(parts, given.json, given.number))

    one = _asked(_listing(add("retry", help="run a rollout again, now")))
    one.add_argument("number", type=int, metavar="ID")
    one.set_defaults(run=lambda parts, given: by_hand.retry(parts, given.number, **_wishes(given)))

    one = add("registry-config", help="print the snippet to put into a registry")
    one.add_argument("name", metavar="NAME", help="the registry's name in the settings")
    one.add_argument(
        "--url", help="how the registry reaches the operator (default: what the settings say of listen)"
    )
    one.set_defaults(run=lambda parts, given: commands.registry_config(parts, given.name, given.url))
    return top


def _listing(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--json", action="store_true", help="print JSON")
    return command


def _asked(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument(
        "--force",
        action="store_true",
        help="update also targets that refused this digest, or that were left alone for another reason",
    )
    command.add_argument(
        "--wait", action="store_true", help="follow the rollout; exit 1 unless every target ended well"
    )
    return command


def _wishes(given: argparse.Namespace) -> dict[str, bool]:
    return {"as_json": given.json, "force": given.force, "wait": given.wait}


def _fresh(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--scan", action="store_true", help="ask the hosts now, instead of showing the last scan"
    )


def _bounded(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument(
        "--limit", type=_count, default=_LISTED, metavar="N", help="the newest N (default: %(default)s)"
    )
    return command


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("is to be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
