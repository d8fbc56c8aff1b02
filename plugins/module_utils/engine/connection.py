# SPDX-License-Identifier: Apache-2.0
"""The way to an engine: a unix socket, TCP, or TLS."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import time
from typing import Any, Dict, Mapping, Optional
from urllib.parse import urlsplit

from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import EngineUnreachable

DEFAULT_HOST = "unix:///var/run/docker.sock"

# The option ``engine`` of every module of the collection that talks to one. What is in it has the names that community.docker uses.
ENGINE_OPTION: Dict[str, Any] = {
    "type": "dict",
    "apply_defaults": True,
    "options": {
        "docker_host": {"type": "str", "default": DEFAULT_HOST},
        "timeout": {"type": "int", "default": 60},
        "tls": {"type": "bool", "default": False},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "client_cert": {"type": "path"},
        "client_key": {"type": "path"},
        "tls_hostname": {"type": "str"},
    },
}


def connection_to(
    address: str, options: Mapping[str, Any], timeout: Optional[float]
) -> http.client.HTTPConnection:
    """Return a connection, not yet opened, as the options say: unix socket, TCP, or TLS."""
    parts = urlsplit(address)
    if parts.scheme == "unix":
        return _UnixConnection(parts.path, timeout)
    if parts.scheme not in ("tcp", "http", "https") or not parts.hostname:
        raise EngineUnreachable(
            f"docker_host {address!r} is not unix:///path, tcp://host:port or https://host:port"
        )
    if parts.scheme != "https" and not options.get("tls"):
        return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=timeout)
    context = _tls(options)
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port or 2376, timeout=timeout, context=context
    )
    name = options.get("tls_hostname")
    if name:
        _verify_as(connection, context, name)
    return connection


def why_unreachable(address: str, error: OSError) -> str:
    """Say that nothing listens at ``address``, and what to do about it."""
    hint = ""
    if isinstance(error, PermissionError):
        hint = ": the user may not open it; use become, or add the user to the group that owns the socket"
    elif isinstance(error, ssl.SSLCertVerificationError):
        hint = ": ca_path is to be the authority of its certificate, and tls_hostname a name in that, where docker_host is none"
    elif isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
        hint = ": is the Docker engine running there?"
    path = urlsplit(address).path
    if address.startswith("unix://") and not os.path.exists(path):
        hint = ": there is no such socket; is Docker installed and running on this host?"
    return f"cannot reach the Docker engine at {address} ({error}){hint}"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: Optional[float]) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        end = None if self.timeout is None else time.monotonic() + self.timeout
        while not self._connected():
            if end is not None and time.monotonic() > end:
                raise socket.timeout(f"its queue of connections is full for {self.timeout:g} s")
            time.sleep(0.05)

    def _connected(self) -> bool:
        """Connect, unless the queue is full of those that the engine has not accepted yet.

        A socket with a timeout fails at once then, with EAGAIN (connect(2)), where one without would wait.
        """
        try:
            self.sock.connect(self._path)
        except BlockingIOError:
            return False
        return True


def _tls(options: Mapping[str, Any]) -> ssl.SSLContext:
    for option in ("ca_path", "client_cert", "client_key"):
        path = options.get(option)
        if path and not os.access(path, os.R_OK):
            raise EngineUnreachable(f"{option}: cannot read {path} on the host where the module runs")
    try:
        context = ssl.create_default_context(cafile=options.get("ca_path"))
        if options.get("client_cert"):
            # An encrypted key is an error: OpenSSL would ask for its password, and nobody is there to answer.
            context.load_cert_chain(options["client_cert"], options.get("client_key"), password=lambda: "")
    except ssl.SSLError as error:
        raise EngineUnreachable(
            f"cannot use the TLS files of this host ({error}): ca_path and client_cert are to be PEM,"
            " and client_key the unencrypted key of client_cert"
        ) from error
    if not options.get("validate_certs", True):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _verify_as(connection: http.client.HTTPSConnection, context: ssl.SSLContext, name: str) -> None:
    """Check the certificate against ``name`` instead of the address connected to."""

    def connect() -> None:
        http.client.HTTPConnection.connect(connection)
        connection.sock = context.wrap_socket(connection.sock, server_hostname=name)

    connection.connect = connect  # type: ignore[method-assign]
