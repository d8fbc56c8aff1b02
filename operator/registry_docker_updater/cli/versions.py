"""``versions``: of all that matters, for a report of a bug."""

import argparse

from registry_docker_updater.cli.command import Command, json_option
from registry_docker_updater.cli.installed import versions
from registry_docker_updater.cli.output import Output
from registry_docker_updater.clock import Clock


def run(given: argparse.Namespace, output: Output, _clock: Clock) -> int:
    """Print the versions; no settings are read."""
    found = dict(versions())
    if given.json:
        output.json(found)
        return 0
    for name, version in found.items():
        output.line(f"{name}: {version}")
    return 0


COMMAND = Command(
    "versions",
    "tell the versions of all that matters",
    (json_option,),
    bare=run,
    is_everywhere=True,
    about="Tells the versions of the operator and of what it works with, and where its collection lies. Reads no settings.",
    examples=("versions", "versions --json"),
)
