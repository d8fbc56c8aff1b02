"""What is logged of peers that are refused: one short line each, and not more lines than a person reads.

Whoever can reach the port can be refused as often as they like; they must not be able to fill the disk, or to hide
among their lines what a registry of ours was refused for.
"""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)
# How long a line is, and how many there are in a minute from one address and from all.
_LONGEST = 200
_EACH, _ALL = 10, 50
_MINUTE = 60.0


class Refusals:
    """Logs what peers were refused for. Safe for use by several threads."""

    def __init__(self, steady: Callable[[], float]) -> None:
        """``steady`` tells the time in seconds, from whenever, and is never set."""
        self._steady = steady
        self._lock = threading.Lock()
        self._since, self._left_out = steady(), 0
        self._logged: dict[str, int] = {}

    def log(self, address: str, line: str) -> None:
        """Log ``line`` about the peer with ``address``, cut to 200 characters, all of them printable."""
        self.sum_up()
        with self._lock:
            count = self._logged.get(address, 0)
            if count >= _EACH or sum(self._logged.values()) >= _ALL:
                self._left_out += 1
                return
            self._logged[address] = count + 1
        _log.warning("%s", shown(line, _LONGEST))

    def sum_up(self) -> None:
        """Say how many lines were left out, when a minute is over."""
        with self._lock:
            now = self._steady()
            if now - self._since < _MINUTE:
                return
            left_out, self._since, self._left_out = self._left_out, now, 0
            self._logged.clear()
        if left_out:
            _log.warning("%d more requests were refused in a minute, and not logged one by one", left_out)


def place(path: str) -> str:
    """Return as much of a request's path as may stand in the log: at its end there can be a secret."""
    parts = path.split("/")
    most = 3 if parts[1:2] in (["events"], ["api"]) else 2
    return shown("/".join(parts if len(parts) <= most else [*parts[:most], "…"]), 60)


def shown(text: str, longest: int) -> str:
    """Return ``text`` as it can stand in a line of the log: at most ``longest`` characters, all of them printable."""
    line = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text[:longest]
    )
    return line if len(line) <= longest and len(text) <= longest else f"{line[: longest - 1]}…"
