"""The command line: one table of all commands."""

import argparse
import io
import os
import sys
from collections.abc import Sequence

from registry_docker_updater import __version__
from registry_docker_updater.cli import (
    approve,
    audit,
    backup,
    check,
    events,
    fleet,
    freeze,
    notify,
    plan,
    push,
    refuse,
    registry_config,
    restore,
    retry,
    rollout,
    rollouts,
    serve,
    silence,
    status,
    thaw,
    why,
)
from registry_docker_updater.cli.command import (
    SERVER_VARIABLE,
    Command,
    server_option,
    server_options,
    token_options,
)
from registry_docker_updater.cli.here import Here
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.there import is_overheard, there
from registry_docker_updater.clock import Clock, utc_now
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings import loading, local

COMMANDS: tuple[Command, ...] = (
    serve.COMMAND,
    status.COMMAND,
    check.COMMAND,
    fleet.COMMAND,
    plan.COMMAND,
    push.COMMAND,
    events.COMMAND,
    rollouts.COMMAND,
    rollout.COMMAND,
    why.COMMAND,
    retry.COMMAND,
    approve.COMMAND,
    refuse.COMMAND,
    silence.COMMAND,
    freeze.COMMAND,
    thaw.COMMAND,
    notify.COMMAND,
    audit.COMMAND,
    backup.COMMAND,
    restore.COMMAND,
    registry_config.COMMAND,
)


def main(arguments: Sequence[str] | None = None, clock: Clock = utc_now) -> int:
    """Run one command; return 0 when done, 1 when something was found wrong. Wrong usage ends with 2."""
    given = parser().parse_args(arguments)
    if given.server and (given.config or given.local):
        parser().error("--server is somewhere else than the settings of --config or --local are for")
    # What a reader that has gone away was not told is no reason to say that a push ended well.
    code = int(getattr(given, "wait", False))
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal has no letters for is no reason to print nothing.
        sys.stdout.reconfigure(errors="backslashreplace")
    output = Output(sys.stdout, sys.stderr)
    try:
        code = _do(given, output, clock)
        output.flush()
    except BrokenPipeError:
        # It would be written once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except UpdaterError as error:
        head, *others = error.lines
        output.remark(f"registry-docker-updater: {head}", *others)
        return 1
    except KeyboardInterrupt:
        output.remark("registry-docker-updater: interrupted")
        return 130
    return code


def _do(given: argparse.Namespace, output: Output, clock: Clock) -> int:
    command: Command = given.command
    if server := _server(given):
        source = there(server, given.token_file, given.ca_file, os.environ)
        if source.server.token and is_overheard(server):
            output.remark(f"registry-docker-updater: the token goes to {server} in the clear: use https://")
        return command.ask(source, given, output)
    path = local.settings_file(os.environ) if given.local else loading.find(given.config, os.environ)
    parts = Parts(loading.load(path), path, os.environ, clock)
    if command.run:
        return command.run(parts, given, output)
    return command.ask(Here(parts, output), given, output)


def _server(given: argparse.Namespace) -> str | None:
    """Return whom to ask; settings that are named mean this machine, whatever the environment says."""
    if given.server or given.config or given.local:
        return str(given.server) if given.server else None
    return os.environ.get(SERVER_VARIABLE)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="registry-docker-updater",
        description="Updates Docker Swarm services and standalone containers to the image just pushed.",
        epilog="Exit codes: 0 done, 1 found wrong, 2 usage, 130 interrupted.",
    )
    top.add_argument("--version", action="version", version=__version__)
    which = top.add_mutually_exclusive_group()
    which.add_argument(
        "--config",
        metavar="FILE",
        help=f"settings (default: ${loading.PATH_VARIABLE}, {loading.DEFAULT_PATH})",
    )
    which.add_argument(
        "--local",
        action="store_true",
        help="use embedded settings: this machine's engine, state in $XDG_STATE_HOME",
    )
    server_option(which)
    token_options(top)
    add = top.add_subparsers(title="commands", required=True, metavar="COMMAND").add_parser
    for command in COMMANDS:
        one = add(command.name, help=command.help)
        for arguments in command.arguments:
            arguments(one)
        if command.can_ask:
            server_options(one)
        one.set_defaults(command=command)
    return top


if __name__ == "__main__":
    sys.exit(main())
