"""Secrets that are weak: short ones, and files that others can read."""

import ipaddress
import stat
from collections.abc import Iterator

from registry_docker_updater.settings.model import Settings
from registry_docker_updater.settings.secret import Secret

# Shorter ones can be found by trying: 16 characters of hexadecimal are 64 bits.
_SHORTEST = 16


def weak_secrets(settings: Settings) -> Iterator[str]:
    """Yield what is weak about the secrets with which events are sent and the API is read, each with its path."""
    for path, secret in _secrets(settings):
        if len(secret.read()) < _SHORTEST:
            yield f"{path} is shorter than {_SHORTEST} characters: `openssl rand -hex 32` makes a better one"
        if secret.file and secret.file.stat().st_mode & stat.S_IROTH:
            yield f"{path}: everybody on this machine can read {secret.file}; chmod o-r"
    for name, registry in settings.registries.items():
        if registry.insecure:
            yield f"registries.{name}.insecure: whoever reaches the port can have images deployed"
    readable = settings.listen.api or settings.listen
    if settings.listen.access is None and not is_loopback(readable.address):
        yield "listen.access is not set: whoever reaches the port can read what runs, and what was pushed"


def is_loopback(address: str) -> bool:
    """Tell whether only this machine can reach ``address``."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _secrets(settings: Settings) -> Iterator[tuple[str, Secret]]:
    for name, registry in settings.registries.items():
        if registry.secret:
            yield f"registries.{name}.secret", registry.secret
        if registry.next_secret:
            yield f"registries.{name}.next_secret", registry.next_secret
    access = settings.listen.access
    for right, tokens in (("read", access.read), ("operate", access.operate)) if access else ():
        for number, token in enumerate(tokens):
            yield f"listen.access.{right}.{number}", token
