"""How the operator itself may open an engine, as the inventory's ``docker_live`` says."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_KEYS = ("docker_host", "ca_path", "client_cert", "client_key", "validate_certs", "ssh_args")
_SCHEMES = ("unix", "tcp", "https", "ssh")
# Where an engine listens unless it was told otherwise.
_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True)
class Opening:
    """How to open an engine: its address, certificates for TLS, and further arguments for ssh."""

    address: str
    ca: str | None = None
    certificate: tuple[str, str] | None = None
    is_verified: bool = True
    ssh_args: tuple[str, ...] = ()

    @property
    def scheme(self) -> str:
        """``unix``, ``tcp``, ``https`` or ``ssh``."""
        return urlsplit(self.address).scheme

    @property
    def is_tls(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme == "https" or bool(self.ca or self.certificate)

    @property
    def ssh_target(self) -> tuple[str, ...]:
        """The arguments of ssh that name the host, at the end of its options."""
        parts = urlsplit(self.address)
        port = ("-p", str(parts.port)) if parts.port else ()
        user = ("-l", parts.username) if parts.username else ()
        return (*port, *user, "--", parts.hostname or "")

    @property
    def ssh_socket(self) -> str:
        """Where the engine listens on the host that ssh leads to."""
        return urlsplit(self.address).path or _SOCKET


def opening(said: Any) -> Opening:
    """Return what the inventory's ``docker_live`` says: an address, or a mapping of it and what it needs.

    Raises :class:`ValueError` with what is wrong.
    """
    given = {"docker_host": said} if isinstance(said, str) else said
    if not isinstance(given, Mapping):
        raise ValueError(
            "is neither an address such as unix:///var/run/docker.sock nor a mapping with docker_host"
        )
    unknown = sorted(str(key) for key in set(given) - set(_KEYS))
    if unknown:
        raise ValueError(f"has no {', '.join(unknown)}; there are {', '.join(_KEYS)}")
    address = str(given.get("docker_host") or "")
    try:
        parts = urlsplit(address)
        has_place = bool(parts.path if parts.scheme == "unix" else parts.hostname)
        _ = parts.port
    except ValueError:
        has_place = False
    if not has_place or parts.scheme not in _SCHEMES:
        raise ValueError(
            f"{address!r} is no address: write {', '.join(f'{scheme}://…' for scheme in _SCHEMES)}"
        )
    certificate, key = given.get("client_cert"), given.get("client_key")
    if bool(certificate) != bool(key):
        raise ValueError("needs both of client_cert and client_key")
    return Opening(
        address,
        given.get("ca_path"),
        (str(certificate), str(key)) if certificate else None,
        bool(given.get("validate_certs", True)),
        tuple(shlex.split(str(given.get("ssh_args") or ""))),
    )
