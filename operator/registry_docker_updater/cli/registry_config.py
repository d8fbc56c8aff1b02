"""``registry-config``: what a registry must be told, so that it sends its events."""

import argparse
import re
from pathlib import Path

from registry_docker_updater.cli.command import Command
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.events.formats import snippet
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.parts import Parts


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
    if given.apply:
        return _apply(parts, given, to, output)
    output.text(snippet(registry.format, given.name, to))
    return 0


def _apply(parts: Parts, given: argparse.Namespace, to: str, output: Output) -> int:
    """Have each project of a Harbor send its events; say what was changed, and nothing where nothing was."""
    registry = parts.settings.registries[given.name]
    if registry.format != "harbor":
        raise UpdaterError(
            f"--apply is for Harbor; what `registry-config {given.name}` prints is put in by hand"
        )
    if "UPDATER" in to:
        raise UpdaterError("give --url: listen.address does not say how Harbor reaches the operator")
    try:
        password = given.password_file.read_text().strip() if given.password_file else None
    except OSError as error:
        raise UpdaterError(f"cannot read {given.password_file}: {error.strerror}") from None
    harbor = parts.harbor(given.name, given.user, password)
    secret = registry.secrets[-1] if registry.secrets else ""
    address = f"{to.rstrip('/')}/events/{given.name}"
    for project, done in harbor.apply(address, secret, is_trusted=not given.skip_cert_verify):
        if done != "unchanged":
            output.line(f"{project}: {done}")
    return 0


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the registry's name in the settings")
    parser.add_argument(
        "--url", help="how the registry reaches the operator (default: what the settings say of listen)"
    )
    parser.add_argument(
        "--apply", action="store_true", help="Harbor: have every project send its events, by its API"
    )
    parser.add_argument("--user", help="who does that (default: the user of the registry's credentials)")
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="the file with that user's password"
    )
    parser.add_argument(
        "--skip-cert-verify",
        action="store_true",
        help="have Harbor send to an operator whose certificate it does not trust",
    )


def _own_url(parts: Parts) -> str:
    listen = parts.settings.listen
    is_anywhere = listen.address in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not listened on
    host = f"[{listen.address}]" if ":" in listen.address else listen.address
    return f"{'https' if listen.tls else 'http'}://{'UPDATER' if is_anywhere else host}:{listen.port}"


COMMAND = Command(
    "registry-config",
    "print the snippet to put into a registry",
    (_arguments,),
    run,
    about="Prints what is put into a registry so that it sends its events; to a Harbor, it can tell it by itself.",
    examples=(
        "registry-config production --url https://updater.example.com:8080",
        "registry-config production --apply --user admin --password-file password",
    ),
)
