# SPDX-License-Identifier: Apache-2.0
"""One request to an engine and its answer, with everything that can go wrong between."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Mapping, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.engine.connection import why_unreachable
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    Conflict,
    EngineError,
    EngineUnreachable,
    NoAnswer,
    NotFound,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json


@dataclass(frozen=True)
class Call:
    """A request: ``body`` is sent as JSON, ``auth`` goes into X-Registry-Auth, ``timeout`` is seconds of silence."""

    method: str
    url: str
    body: Any = None
    auth: Optional[Mapping[str, str]] = None
    timeout: Optional[float] = None

    @property
    def what(self) -> str:
        """What is asked, for people."""
        return "{} {}".format(self.method, self.url.partition("?")[0])


class Exchange:
    """One request and its response, on a connection of its own, closed at the end."""

    def __init__(self, connection: http.client.HTTPConnection, address: str, call: Call) -> None:
        self._connection, self._address, self._call = connection, address, call

    def __enter__(self) -> "Exchange":
        try:
            self._connection.connect()
        except OSError as error:
            self._connection.close()
            raise EngineUnreachable(why_unreachable(self._address, error)) from error
        try:
            self._send()
        except BaseException:
            self._connection.close()
            raise
        return self

    def _send(self) -> None:
        headers = _auth_header(self._call.auth)
        payload = None
        if self._call.body is not None:
            payload = json.dumps(self._call.body).encode()
            headers["Content-Type"] = "application/json"
        with _answering(self._call.what):
            self._connection.request(self._call.method, self._call.url, payload, headers)
            self._response = self._connection.getresponse()
            self.headers = self._response.headers
            if self._response.status < 400:
                return
            text = self._response.read().decode("utf-8", "replace")
        kind = {404: NotFound, 409: Conflict}.get(self._response.status, EngineError)
        raise kind(self._response.status, _message(text), self._call.what)

    def read(self) -> bytes:
        """Return all of the answer."""
        with _answering(self._call.what):
            return self._response.read()

    def read_what_comes(self, longest: int) -> bytes:
        """Return ``longest`` bytes of the answer at most; what ends it early, such as the connection's limit, ends it."""
        found = b""
        with suppress(OSError, http.client.HTTPException):
            while len(found) < longest:
                piece = self._response.read1(longest - len(found))
                if not piece:
                    break
                found += piece
        return found

    def __iter__(self) -> Iterator[bytes]:
        while True:
            with _answering(self._call.what):
                line = self._response.readline()
            if not line:
                return
            yield line

    def __exit__(self, *_: object) -> None:
        self._connection.close()


class _answering:  # noqa: N801 - reads as a phrase
    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, (OSError, http.client.HTTPException)):
            # In TLS 1.3 an engine refuses a client's certificate when the first question comes.
            hint = ": does the engine accept client_cert?" if isinstance(error, ssl.SSLError) else ""
            raise NoAnswer(f"no answer to {self._what}: {error or type(error).__name__}{hint}") from error


def _auth_header(auth: Optional[Mapping[str, str]]) -> Dict[str, str]:
    """base64url of the JSON, padding kept: what engines decode (moby, registry auth config)."""
    if not auth:
        return {}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(dict(auth)).encode()).decode("ascii")}


def _message(text: str) -> str:
    try:
        return str(decode_json(text)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return text.strip() or "no message"
