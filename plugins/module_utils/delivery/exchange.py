# SPDX-License-Identifier: Apache-2.0
"""One POST of JSON to a webhook: through the environment's proxies, over verified TLS, without following redirects."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import urllib.error
import urllib.request
from typing import Any, Dict

from ansible_collections.registry.docker_updater.plugins.module_utils.delivery.deadline import (
    TooLate,
    in_time,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.answers import Reply

_LARGEST = 64 * 1024


class NoReply(Exception):
    """The other side said nothing that counts; the text says why, and has no address in it."""


def post(url: str, body: bytes, headers: Dict[str, str], seconds: float) -> Reply:
    """Send ``body`` and return what was answered, all within so many ``seconds``; raises :class:`NoReply`."""
    try:
        return in_time(lambda: _post(url, body, headers, seconds), seconds)
    except TooLate as error:
        raise NoReply(str(error)) from None
    except urllib.error.URLError as error:
        raise NoReply(_cause(error.reason)) from None
    except (OSError, http.client.HTTPException) as error:
        raise NoReply(_cause(error)) from None
    except ValueError:
        raise NoReply("the webhook URL, or a header, cannot be sent as HTTP") from None


def _post(url: str, body: bytes, headers: Dict[str, str], seconds: float) -> Reply:
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    opener = urllib.request.build_opener(
        _NoRedirects(), urllib.request.HTTPSHandler(context=ssl.create_default_context())
    )
    try:
        with opener.open(request, timeout=seconds) as response:
            return _reply(response)
    except urllib.error.HTTPError as error:
        with error:
            return _reply(error)


def _reply(response: Any) -> Reply:
    text = response.read(_LARGEST).decode("utf-8", "replace")
    return Reply(response.status, text, response.headers.get("Retry-After"))


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _cause(error: Any) -> str:
    """Say what went wrong. Texts of other errors than the system's may quote the address, or what the peer echoed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"it shows a certificate that is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no encrypted connection: {re.sub('[^A-Z0-9_]', '', str(error.reason))}"
    if isinstance(error, socket.timeout):
        return "it has not answered in time"
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror)
    tunnel = re.match(r"Tunnel connection failed: (\d{3})", str(error))
    if tunnel:
        return f"the proxy answered HTTP {tunnel.group(1)}"
    return f"what it answers is no HTTP ({type(error).__name__})"
