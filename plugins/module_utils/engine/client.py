# SPDX-License-Identifier: Apache-2.0
"""A client of the Docker Engine API from the standard library: a managed host needs Python and nothing else.

Speaks the highest API version that the engine offers, because lower ones silently strip fields, and treats
every object as an opaque dictionary, so that fields of tomorrow survive a round trip.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple
from urllib.parse import quote, urlencode

from ansible_collections.registry.docker_updater.plugins.module_utils.engine.connection import (
    DEFAULT_HOST,
    connection_to,
    why_unreachable,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    Conflict,
    EngineError,
    EngineUnreachable,
    NoAnswer,
    NotFound,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json


class Engine:
    """One engine. ``options`` are the values of :data:`ENGINE_OPTIONS`; ``timeout`` is seconds of silence.

    Every method raises :class:`EngineUnreachable`, :class:`NoAnswer`, or :class:`EngineError`.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self.address: str = options.get("docker_host") or DEFAULT_HOST
        self._timeout: float = options.get("timeout") or 60
        self._api_version: Optional[str] = None

    @property
    def api_version(self) -> str:
        """The highest API version that the engine speaks, such as ``1.41``."""
        if self._api_version is None:
            with _Exchange(self, "GET", "/_ping", None, {}, self._timeout) as response:
                version = response.headers.get("Api-Version", "")
            # The engine's word goes into every path: take it only when it is a version.
            self._api_version = version if re.fullmatch(r"[0-9]+\.[0-9]+", version) else "1.24"
        return self._api_version

    def speaks(self, version: str) -> bool:
        """Tell whether the engine speaks API ``version`` or a later one."""
        return _number(self.api_version) >= _number(version)

    def get(
        self, path: str, query: Optional[Mapping[str, Any]] = None, api_version: Optional[str] = None
    ) -> Any:
        """GET ``path``; return the decoded JSON. ``api_version`` asks in an older version than the highest."""
        return self.request("GET", path, query, api_version=api_version)

    def post(
        self,
        path: str,
        query: Optional[Mapping[str, Any]] = None,
        body: Any = None,
        auth: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """POST ``body`` as JSON; ``auth`` goes into X-Registry-Auth. Return the decoded JSON or None."""
        return self.request("POST", path, query, body, auth, timeout)

    def delete(self, path: str, query: Optional[Mapping[str, Any]] = None) -> Any:
        """DELETE ``path``."""
        return self.request("DELETE", path, query)

    def request(  # noqa: PLR0913 - the parts of an HTTP request
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, Any]] = None,
        body: Any = None,
        auth: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        api_version: Optional[str] = None,
    ) -> Any:
        """Send one request and return the decoded JSON, the text where it is none, or None where it is empty."""
        url = self._url(path, query, api_version)
        with _Exchange(self, method, url, body, _auth_header(auth), timeout or self._timeout) as response:
            payload = response.read()
            if not payload:
                return None
            if "json" in response.headers.get("Content-Type", ""):
                return _decoded(payload, f"{method} {path}")
            return payload.decode("utf-8", "replace")

    def stream(
        self,
        path: str,
        query: Optional[Mapping[str, Any]] = None,
        auth: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Iterator[Dict[str, Any]]:
        """POST and yield the JSON objects of the answer as they come, to the end of the stream."""
        url = self._url(path, query, None)
        with _Exchange(self, "POST", url, None, _auth_header(auth), timeout or self._timeout) as response:
            for line in response:
                if line.strip():
                    yield _decoded(line, f"POST {path}")

    def connect(self, timeout: Optional[float]) -> http.client.HTTPConnection:
        """Return a connection, not yet opened, as the options say: unix socket, TCP, or TLS."""
        return connection_to(self.address, self._options, timeout)

    def pull(
        self, repository: str, digest: str, auth: Optional[Mapping[str, str]] = None, platform: str = ""
    ) -> None:
        """Pull ``repository@digest``; errors come inside a 200 answer and are raised as :class:`EngineError`."""
        query = {"fromImage": repository, "tag": digest}
        if platform:
            query["platform"] = platform
        for message in self.stream("/images/create", query, auth, timeout=max(self._timeout, 300)):
            error = message.get("errorDetail") or (
                {"message": message["error"]} if message.get("error") else None
            )
            if error:
                raise EngineError(500, error.get("message", "pull failed"), f"pull {repository}@{digest}")

    def distribution(self, name: str, auth: Optional[Mapping[str, str]] = None) -> Dict[str, Any]:
        """Ask the registry, through the engine, for the descriptor and platforms of ``name``. Pulls nothing."""
        found: Dict[str, Any] = self.request("GET", f"/distribution/{name}/json", auth=auth)
        return found

    def _url(self, path: str, query: Optional[Mapping[str, Any]], api_version: Optional[str]) -> str:
        given = {
            key: json.dumps(value) if isinstance(value, (dict, list)) else _text(value)
            for key, value in (query or {}).items()
            if value is not None
        }
        url = "/v{}{}".format(api_version or self.api_version, quote(path, safe="/:@"))
        return url + ("?" + urlencode(given) if given else "")


class _Exchange:
    """One request and its response, on a connection of its own, closed at the end."""

    def __init__(  # noqa: PLR0913 - the parts of an HTTP request
        self,
        engine: Engine,
        method: str,
        url: str,
        body: Any,
        headers: Dict[str, str],
        timeout: Optional[float],
    ) -> None:
        self._engine, self._method, self._url, self._body, self._headers = engine, method, url, body, headers
        self._what = "{} {}".format(method, url.partition("?")[0])
        self._timeout = timeout

    def __enter__(self) -> "_Exchange":
        self._connection = self._engine.connect(self._timeout)
        try:
            self._connection.connect()
        except OSError as error:
            self._connection.close()
            raise EngineUnreachable(why_unreachable(self._engine.address, error)) from error
        try:
            self._send()
        except BaseException:
            self._connection.close()
            raise
        return self

    def _send(self) -> None:
        headers = dict(self._headers)
        payload = None
        if self._body is not None:
            payload = json.dumps(self._body).encode()
            headers["Content-Type"] = "application/json"
        with _answering(self._what):
            self._connection.request(self._method, self._url, payload, headers)
            self._response = self._connection.getresponse()
            self.headers = self._response.headers
            if self._response.status < 400:
                return
            text = self._response.read().decode("utf-8", "replace")
        kind = {404: NotFound, 409: Conflict}.get(self._response.status, EngineError)
        raise kind(self._response.status, _message(text), self._what)

    def read(self) -> bytes:
        with _answering(self._what):
            return self._response.read()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            with _answering(self._what):
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


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _number(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _decoded(payload: bytes, what: str) -> Any:
    try:
        return decode_json(payload)
    except ValueError as error:
        raise NoAnswer(f"no answer to {what} that can be read: {error}") from None


def _message(text: str) -> str:
    try:
        return str(decode_json(text)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return text.strip() or "no message"
