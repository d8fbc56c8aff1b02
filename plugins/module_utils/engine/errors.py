# SPDX-License-Identifier: Apache-2.0
"""What can go wrong between us and an engine."""

from __future__ import annotations


class EngineError(Exception):
    """The engine answered with an error: ``status`` is the HTTP code, ``message`` what the engine said."""

    def __init__(self, status: int, message: str, request: str) -> None:
        super().__init__(f"{message} (HTTP {status} to {request})")
        self.status = status
        self.message = message
        self.request = request


class NotFound(EngineError):
    """The object does not exist (HTTP 404)."""


class Conflict(EngineError):
    """The object is in a state, or a name is in a use, that forbids the call (HTTP 409)."""


class EngineUnreachable(Exception):
    """No connection to the engine; nothing was asked of it."""


class NoAnswer(Exception):
    """The request was sent and no answer came: it may have been carried out. Look before doing it again."""
