"""Asking a server over HTTP, on urllib3: what the system and one more authority trust, proxies, and patience in seconds.

Nothing is kept from one answer to the next but connections: no cookies, and no passwords of ``~/.netrc``.
"""

import contextlib
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import BaseHTTPResponse, HTTPHeaderDict, PoolManager, ProxyManager, Retry, Timeout
from urllib3.exceptions import HTTPError, MaxRetryError

_TIMEOUT = Timeout(connect=5, read=10)
# A connection that was kept, and closed meanwhile, is worth a second try. Where a redirect leads to another server,
# urllib3 leaves Authorization out.
_TRIES = Retry(total=None, connect=0, read=1, redirect=3, status=0, other=0)
# What is asked for here are manifests, of which registries take 4 MiB at most, and tokens.
_LARGEST_BODY = 8 * 2**20


class NoReply(Exception):
    """A server gave no answer that can be read; the message says why.

    ``is_untrusted`` tells that nobody knows who signed its certificate, ``is_plain`` that it speaks no TLS.
    """

    def __init__(self, error: Exception) -> None:
        """Say what was wrong, without the objects that urllib3 puts around and before it."""
        cause: Any = error.reason if isinstance(error, MaxRetryError) and error.reason else error
        inner = next((one for one in cause.args if isinstance(one, Exception)), cause)
        self.is_untrusted = isinstance(inner, ssl.SSLCertVerificationError)
        # The latter since OpenSSL 3.2.
        no_tls = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
        self.is_plain = isinstance(inner, ssl.SSLError) and inner.reason in no_tls
        super().__init__(re.sub(r"^<?HTTPS?Connection(Pool)?\(.*?\)>?: ", "", str(inner)))


@dataclass(frozen=True)
class Reply:
    """What a server answered."""

    status: int
    headers: HTTPHeaderDict
    body: bytes

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


class Web:
    """Asks servers, for one thread at a time."""

    def __init__(self, ca: Path | None = None) -> None:
        """Trust ``ca`` too; raises :class:`ValueError` when it holds no certificate."""
        self._context = ssl.create_default_context()
        try:
            if ca:
                self._context.load_verify_locations(ca)
        except OSError as error:
            raise ValueError(f"{ca} holds no certificate in PEM: {error}") from None
        self._direct = PoolManager(ssl_context=self._context)
        self._proxied: dict[str, PoolManager] = {}

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: str | None = None) -> Reply:
        """Return the answer of whatever status; raises :class:`NoReply`."""
        try:
            response = self._pool(url).request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=_TIMEOUT,
                retries=_TRIES,
                preload_content=False,
            )
            return Reply(response.status, response.headers, _body(response))
        except (HTTPError, ValueError) as error:
            raise NoReply(error) from None

    def _pool(self, url: str) -> PoolManager:
        """Return the connections to use for ``url``: through the proxy that the environment names, if any."""
        parts = urlsplit(url)
        proxy = getproxies().get(parts.scheme)
        if not proxy or proxy_bypass(parts.netloc):
            return self._direct
        if proxy not in self._proxied:
            self._proxied[proxy] = ProxyManager(proxy, ssl_context=self._context)
        return self._proxied[proxy]


def _body(response: BaseHTTPResponse) -> bytes:
    body = response.read(_LARGEST_BODY + 1)
    if len(body) > _LARGEST_BODY:
        response.close()
        raise ValueError(f"it sends more than {_LARGEST_BODY} bytes")
    response.release_conn()
    return body


def _moment(text: str) -> datetime | None:
    with contextlib.suppress(ValueError, OverflowError):
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return None
