"""Asking a server over HTTP, on urllib3: what the system and one more authority trust, proxies, and patience in seconds.

Nothing is kept from one answer to the next but connections: no cookies, and no passwords of ``~/.netrc``.
"""

import contextlib
import http.client
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from ansible_collections.registry.docker_updater.plugins.module_utils.engine.bounded_http import (
    BoundedResponse,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.proxies import Proxies
from urllib3 import (
    BaseHTTPResponse,
    HTTPConnectionPool,
    HTTPHeaderDict,
    HTTPSConnectionPool,
    PoolManager,
    ProxyManager,
    Retry,
    Timeout,
    make_headers,
)
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

_TIMEOUT = Timeout(connect=5, read=10)
# A connection that was kept, and closed meanwhile, is worth a second try.
_TRIES = Retry(total=None, connect=0, read=1, redirect=0, status=0, other=0)
_REDIRECTS, _MOST_REDIRECTS = {301, 302, 303, 307, 308}, 3
# What is asked for here are manifests, of which registries take 4 MiB at most, and tokens.
_LARGEST_BODY = 8 * 2**20


class NoReply(Exception):
    """A server gave no answer that can be read; the message says why.

    ``is_untrusted`` tells that nobody knows who signed its certificate, ``is_plain`` that it speaks no TLS, ``is_unheard`` that
    it was sent nothing.
    """

    def __init__(self, error: Exception) -> None:
        """Say what was wrong, without the objects that urllib3 puts around and before it."""
        cause: Any = error.reason if isinstance(error, MaxRetryError) and error.reason else error
        inner = next((one for one in cause.args if isinstance(one, Exception)), cause)
        self.is_untrusted = isinstance(inner, ssl.SSLCertVerificationError)
        # The latter since OpenSSL 3.2.
        no_tls = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
        self.is_plain = isinstance(inner, ssl.SSLError) and inner.reason in no_tls
        # Without a proxy, it is the cause itself; a name that is not known is one of the former.
        self.is_unheard = any(
            isinstance(one, NewConnectionError | ConnectTimeoutError) for one in (cause, inner)
        )
        said = re.sub(r"^<?\w*(Connection|Pool)\(.*?\)>?: ", "", str(inner))
        if isinstance(inner, http.client.IncompleteRead):
            said = "it closed the connection in the middle of its answer"
        elif isinstance(cause, ReadTimeoutError):
            said = f"it does not answer in time: {said}"
        # Part of it may be the server's own words.
        said = "".join(sign if sign.isprintable() else " " for sign in said[:300])
        super().__init__(f"the proxy: {said}" if isinstance(cause, ProxyError) else said)


@dataclass(frozen=True)
class Reply:
    """What a server answered."""

    status: int
    headers: HTTPHeaderDict
    body: bytes

    @property
    def leads_to(self) -> str | None:
        """Where it sends us on to, as it says that, or None where it is an answer."""
        return (self.status in _REDIRECTS and self.headers.get("Location")) or None

    @property
    def date(self) -> datetime | None:
        """The server's clock, in whole seconds, where it told it."""
        return _moment(self.headers.get("Date", ""))

    @property
    def retry_after(self) -> timedelta | None:
        """How long the server wants to be left alone, where it said so; a date is measured by its own clock."""
        text = self.headers.get("Retry-After", "")
        if re.fullmatch(r"\d{1,9}", text):
            return timedelta(seconds=int(text))
        until = _moment(text)
        return max(until - (self.date or datetime.now(UTC)), timedelta()) if until else None


class _Connection(HTTPConnection):
    response_class = BoundedResponse


class _TLSConnection(HTTPSConnection):
    response_class = BoundedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class Web:
    """Asks servers, for one thread at a time."""

    def __init__(self, ca: Path | None = None, largest: int = _LARGEST_BODY, *, follows: bool = True) -> None:
        """Trust ``ca`` too, and read ``largest`` bytes of an answer at most; one that ``follows`` none returns redirects.

        Raises :class:`ValueError` when it holds no certificate.
        """
        self._largest, self._follows = largest, follows
        self._context = ssl.create_default_context()
        try:
            if ca:
                self._context.load_verify_locations(ca)
        except OSError as error:
            raise ValueError(f"{ca} holds no certificate in PEM: {error}") from None
        self._direct = _patient(PoolManager(ssl_context=self._context))
        self._proxied: dict[str, PoolManager] = {}

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: str | None = None) -> Reply:
        """Return the answer of whatever status, after redirects; raises :class:`NoReply`.

        What tells who we are follows to no other server: neither ``Authorization``, nor ``body``.
        """
        try:
            return self._follow(method, url, headers, body)
        except (HTTPError, ValueError) as error:
            raise NoReply(error) from None

    def _follow(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> Reply:
        for _ in range(_MOST_REDIRECTS + 1):
            reply = self._ask(method, url, headers, body)
            location = reply.leads_to
            if location is None or not self._follows:
                return reply
            before, url = url, urljoin(url, location)
            if _server(url) != _server(before):
                _see_that_it_may_lead(before, url, body)
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            if reply.status == 303 and method != "HEAD":
                method, body = "GET", None
        raise ValueError(f"it sends us on more than {_MOST_REDIRECTS} times")

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> Reply:
        response = self._pool(url).request(
            method,
            url,
            body=body,
            headers=headers,
            timeout=_TIMEOUT,
            retries=_TRIES,
            redirect=False,
            preload_content=False,
        )
        return Reply(response.status, response.headers, _body(response, self._largest))

    def _pool(self, url: str) -> PoolManager:
        """Return the connections to use for ``url``: through the proxy that the environment names, if any."""
        proxy = Proxies.of_environment(os.environ).url_for(url)
        if not proxy:
            return self._direct
        if proxy not in self._proxied:
            parts = urlsplit(proxy)
            account = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
            self._proxied[proxy] = _patient(
                ProxyManager(
                    proxy,
                    ssl_context=self._context,
                    proxy_ssl_context=self._context,
                    proxy_headers=make_headers(proxy_basic_auth=account),
                )
            )
        return self._proxied[proxy]


def _patient(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
    return manager


def _server(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _see_that_it_may_lead(here: str, there: str, body: str | None) -> None:
    if body is not None:
        raise ValueError(f"it sends us on to {there!r:.200}, another server, which our secret is not for")
    if urlsplit(here).scheme == "https" != urlsplit(there).scheme:
        raise ValueError(f"it sends us on to {there!r:.200}, where it could be overheard")


def _body(response: BaseHTTPResponse, largest: int) -> bytes:
    body = response.read(largest + 1)
    if len(body) > largest:
        response.close()
        raise ValueError(f"it sends more than {largest} bytes")
    response.release_conn()
    return body


def _moment(text: str) -> datetime | None:
    with contextlib.suppress(ValueError, OverflowError):
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return None
