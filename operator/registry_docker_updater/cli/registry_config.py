"""``registry-config``: what a registry must be told, so that it sends its events."""

import argparse
import re

from registry_docker_updater.cli.command import Command
from registry_docker_updater.cli.output import Output
from registry_docker_updater.composition import Parts
from registry_docker_updater.core.events.formats import snippet
from registry_docker_updater.errors import UpdaterError


def run(parts: Parts, given: argparse.Namespace, output: Output) -> int:
    """Print the snippet that makes a registry send its events to ``--url``, or to where the settings say we listen."""
    to = given.url or _own_url(parts)
    if not re.match(r"https?://[^/]", to):
        raise UpdaterError(
            f"--url {given.url} is no address of the operator, such as https://updater.example.com:8080"
        )
    registry = parts.settings.registries.get(given.name)
    if registry is None:
        known = ", ".join(parts.settings.registries)
        raise UpdaterError(f"there is no registry {given.name!r} in the settings; there are {known}")
    output.text(snippet(registry.format, given.name, to))
    return 0


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the registry's name in the settings")
    parser.add_argument(
        "--url", help="how the registry reaches the operator (default: what the settings say of listen)"
    )


def _own_url(parts: Parts) -> str:
    listen = parts.settings.listen
    is_anywhere = listen.address in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not listened on
    host = f"[{listen.address}]" if ":" in listen.address else listen.address
    return f"{'https' if listen.tls else 'http'}://{'UPDATER' if is_anywhere else host}:{listen.port}"


COMMAND = Command("registry-config", "print the snippet to put into a registry", (_arguments,), run)
