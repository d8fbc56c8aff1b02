"""The command line: one table of all commands."""

import argparse
import os
import sys
from collections.abc import Sequence

from registry_docker_updater.cli import (
    approve,
    audit,
    backup,
    check,
    completion,
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
    settings,
    silence,
    status,
    support,
    thaw,
    versions,
    why,
)
from registry_docker_updater.cli.command import SERVER_VARIABLE, Command
from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.here import Here
from registry_docker_updater.cli.installed import one_line
from registry_docker_updater.cli.output import CannotPrint, Output, standard_output
from registry_docker_updater.cli.parser import PROGRAM, Parser, read
from registry_docker_updater.cli.parser import parser as parser_of
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
    settings.COMMAND,
    versions.COMMAND,
    support.COMMAND,
    completion.COMMAND,
)


def main(arguments: Sequence[str] | None = None, clock: Clock = utc_now) -> int:
    """Run one command; return its exit code, of :class:`Exit`. Wrong usage, and help, end the process with theirs."""
    output = standard_output()
    code = int(Exit.DONE)
    try:
        try:
            given = read(parser(), arguments)
        finally:
            # Who asks for help may have closed it, too.
            output.flush()
        # What a reader that has gone away was not told is no reason to say that a push ended well.
        code = int(Exit.WRONG if getattr(given, "wait", False) else Exit.DONE)
        code = _do(given, output, clock)
        output.flush()
    except BrokenPipeError:
        _leave()
    except CannotPrint as error:
        _leave()
        output.remark(f"{PROGRAM}: {error}")
        return Exit.WRONG
    except UpdaterError as error:
        head, *others = error.lines
        output.remark(f"{PROGRAM}: {head}", *others)
        return Exit.WRONG
    except KeyboardInterrupt:
        output.remark(f"{PROGRAM}: interrupted")
        return Exit.INTERRUPTED
    return code


def _leave() -> None:
    """Have what could not be printed go nowhere: else it would be written once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _do(given: argparse.Namespace, output: Output, clock: Clock) -> int:
    command: Command = given.command
    server = _server(given)
    if command.bare and (command.is_everywhere or not server):
        return command.bare(given, output, clock)
    if server:
        source = there(server, given.token_file, given.ca_file, os.environ)
        if source.server.token and is_overheard(server):
            output.remark(f"{PROGRAM}: the token goes to {server} in the clear: use https://")
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


def parser() -> Parser:
    """Return the parser of all commands."""
    return parser_of(COMMANDS, one_line())
