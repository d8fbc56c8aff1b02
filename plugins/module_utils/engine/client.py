# SPDX-License-Identifier: Apache-2.0
"""A client of the Docker Engine API from the standard library: a managed host needs Python and nothing else.

Speaks the highest API version that the engine offers, because lower ones silently strip fields, and treats
every object as an opaque dictionary, so that fields of tomorrow survive a round trip.
"""

from __future__ import annotations

import http.client
import json
import re
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple, Type
from urllib.parse import quote, urlencode

from ansible_collections.registry.docker_updater.plugins.module_utils.engine.bounded_http import (
    BoundedResponse,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.connection import (
    DEFAULT_HOST,
    connection_to,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    NoAnswer,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.exchange import Call, Exchange
from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json


class Engine:
    """One engine. ``options`` are those of :data:`ENGINE_OPTION`; ``timeout`` is seconds of silence.

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
            with self._exchange(Call("GET", "/_ping")) as response:
                version = response.headers.get("Api-Version", "")
            # The engine's word goes into every path: take it only when it is a version.
            self._api_version = version if re.fullmatch(r"[0-9]+\.[0-9]+", version) else "1.24"
        return self._api_version

    def speaks(self, version: str) -> bool:
        """Tell whether the engine speaks API ``version`` or a later one."""
        return _number(self.api_version) >= _number(version)

    def get(
        self,
        path: str,
        query: Optional[Mapping[str, Any]] = None,
        *,
        auth: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        api_version: Optional[str] = None,
    ) -> Any:
        """GET ``path``; return the decoded JSON. ``api_version`` asks in an older version than the highest."""
        return self._ask(path, Call("GET", self._url(path, query, api_version), None, auth, timeout))

    def post(
        self,
        path: str,
        query: Optional[Mapping[str, Any]] = None,
        body: Any = None,
        *,
        auth: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """POST ``body`` as JSON; ``auth`` goes into X-Registry-Auth. Return the decoded JSON or None."""
        return self._ask(path, Call("POST", self._url(path, query), body, auth, timeout))

    def delete(self, path: str, query: Optional[Mapping[str, Any]] = None) -> Any:
        """DELETE ``path``."""
        return self._ask(path, Call("DELETE", self._url(path, query)))

    def stream(
        self,
        path: str,
        query: Optional[Mapping[str, Any]] = None,
        *,
        auth: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> Iterator[Dict[str, Any]]:
        """POST and yield the JSON objects of the answer as they come, to the end of the stream."""
        with self._exchange(Call("POST", self._url(path, query), None, auth, timeout)) as response:
            for line in response:
                if line.strip():
                    yield _decoded(line, f"POST {path}")

    def beginning(self, path: str, query: Mapping[str, Any], longest: int, seconds: float) -> bytes:
        """GET ``path``; return ``longest`` bytes at most, and what comes of them within so many ``seconds``."""
        call = Call("GET", self._url(path, query))
        connection = self.connect(seconds)
        connection.response_class = _within(seconds)
        with Exchange(connection, self.address, call) as response:
            return response.read_what_comes(longest)

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
        for message in self.stream("/images/create", query, auth=auth, timeout=max(self._timeout, 300)):
            error = message.get("errorDetail") or (
                {"message": message["error"]} if message.get("error") else None
            )
            if error:
                raise EngineError(500, error.get("message", "pull failed"), f"pull {repository}@{digest}")

    def distribution(self, name: str, auth: Optional[Mapping[str, str]] = None) -> Dict[str, Any]:
        """Ask the registry, through the engine, for the descriptor and platforms of ``name``. Pulls nothing."""
        found: Dict[str, Any] = self.get(f"/distribution/{name}/json", auth=auth)
        return found

    def _ask(self, path: str, call: Call) -> Any:
        """Return the decoded JSON of an answer, the text where it is none, or None where it is empty."""
        with self._exchange(call) as response:
            payload = response.read()
            if not payload:
                return None
            if "json" in response.headers.get("Content-Type", ""):
                return _decoded(payload, f"{call.method} {path}")
            return payload.decode("utf-8", "replace")

    def _exchange(self, call: Call) -> Exchange:
        return Exchange(self.connect(call.timeout or self._timeout), self.address, call)

    def _url(self, path: str, query: Optional[Mapping[str, Any]], api_version: Optional[str] = None) -> str:
        given = {
            key: json.dumps(value) if isinstance(value, (dict, list)) else _text(value)
            for key, value in (query or {}).items()
            if value is not None
        }
        url = "/v{}{}".format(api_version or self.api_version, quote(path, safe="/:@"))
        return url + ("?" + urlencode(given) if given else "")


def _within(limit: float) -> Type[BoundedResponse]:
    class Within(BoundedResponse):
        seconds = limit

    return Within


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _number(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _decoded(payload: bytes, what: str) -> Any:
    try:
        return decode_json(payload)
    except ValueError as error:
        raise NoAnswer(f"no answer to {what} that can be read: {error}") from None
