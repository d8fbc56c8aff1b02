"""``completion``: what a shell is to know of the commands and their options."""

import argparse

import shtab

from registry_docker_updater.cli.command import Command
from registry_docker_updater.cli.output import Output
from registry_docker_updater.clock import Clock

_SHELLS = ("bash", "zsh", "fish")


def run(given: argparse.Namespace, output: Output, _clock: Clock) -> int:
    """Print the completion for a shell; no settings are read."""
    output.text(shtab.complete(given.top, given.shell) + "\n")
    return 0


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=_SHELLS, help=", ".join(_SHELLS))


COMMAND = Command(
    "completion",
    "print what has a shell complete commands and options",
    (_arguments,),
    bare=run,
    is_everywhere=True,
    about="Prints what a shell reads so that it completes commands, options and names of files.",
    examples=(
        "completion bash > /etc/bash_completion.d/registry-docker-updater",
        "completion zsh > /usr/local/share/zsh/site-functions/_registry-docker-updater",
        "completion fish > /etc/fish/completions/registry-docker-updater.fish",
    ),
)
