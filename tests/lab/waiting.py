# SPDX-License-Identifier: Apache-2.0
"""Waiting on conditions: each with a deadline and an error that says who was waited for, and for what."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from lab.commands import last_lines
from lab.errors import WaitedTooLong


def until(
    condition: Callable[[], bool],
    *,
    who: str,
    what: str,
    deadline: float,
    log: Path | None = None,
    pause: float = 0.05,
) -> None:
    """Return as soon as `condition()` is true.

    `deadline` and `pause` are in seconds. Raises `WaitedTooLong` after the deadline: "who: what: not
    within n s", with the last lines of `log`. What the condition itself raises passes through.
    """
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            end_of_log = f"\n{log.name}:\n{last_lines(log)}" if log else ""
            raise WaitedTooLong(f"{who}: {what}: not within {deadline:g} s{end_of_log}")
        time.sleep(pause)


def port_says(address: str, port: int, greeting: bytes, *, timeout: float = 1) -> bool:
    """Tell if somebody at the TCP port speaks first, and starts with `greeting`."""
    try:
        with socket.create_connection((address, port), timeout=timeout) as connection:
            return connection.recv(len(greeting)) == greeting
    except OSError:
        return False
