# SPDX-License-Identifier: Apache-2.0
"""Answers over HTTP that end: a socket's timeout is for each read, and a server may send a byte now and then for ever."""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any


class BoundedResponse(http.client.HTTPResponse):
    """An answer that is whole, with its headers, ``seconds`` after the wait for it began, or fails as timed out.

    For ``response_class`` of a connection of http.client, or of what is built on that.
    """

    seconds = 30.0

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        """As http.client does it."""
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Bounded(self.fp.detach(), sock, self.seconds))


class _Bounded(io.RawIOBase):
    def __init__(self, raw: Any, sock: socket.socket, seconds: float) -> None:
        self._raw, self._socket, self._seconds = raw, sock, seconds
        self._each = seconds if sock.gettimeout() is None else sock.gettimeout() or 0
        self._until = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        left = self._until - time.monotonic()
        if left <= 0:
            raise socket.timeout(f"it has not answered whole within {self._seconds:g} seconds")
        self._socket.settimeout(min(left, self._each))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
