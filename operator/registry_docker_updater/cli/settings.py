"""``settings``: what is wrong with the settings, or what is in force; and what an editor is to know of their file."""

import argparse
import os
from collections.abc import Iterator, Mapping
from typing import Any

from registry_docker_updater.cli.command import Command, json_option
from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.output import Output
from registry_docker_updater.clock import Clock
from registry_docker_updater.settings import loading, local
from registry_docker_updater.settings.schema import in_force, schema


def run(given: argparse.Namespace, output: Output, _clock: Clock) -> int:
    """Print the schema, or all settings that are in force, defaults too; raises what is wrong with them, all at once."""
    if given.schema:
        output.json(schema())
        return 0
    path = local.settings_file(os.environ) if given.local else loading.find(given.config, os.environ)
    found = in_force(loading.load(path))
    if given.json:
        output.json(found)
        return 0
    for name, value in _lines(found):
        output.line(f"{name}: {value}")
    return 0


def _lines(found: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in found.items():
        if isinstance(value, dict) and value:
            yield from _lines(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", _text(value)


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None or value in ({}, []) else value


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--schema",
        action="store_true",
        help="print the JSON schema of the file, for editors; reads no settings",
    )


COMMAND = Command(
    "settings",
    "tell what is wrong with the settings, or what is in force",
    (json_option, _arguments),
    bare=run,
    about=(
        "Tells all that is wrong with the settings, each thing with its line; or all that are in force, with what is usual"
        " where the file says nothing. Secrets are only named, by their file or variable."
    ),
    examples=("settings", "--config config.yml settings --json", "settings --schema > settings.schema.json"),
    exits={Exit.WRONG: "the settings are wrong, or cannot be read"},
)
