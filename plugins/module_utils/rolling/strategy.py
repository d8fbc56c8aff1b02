# SPDX-License-Identifier: Apache-2.0
"""How the inventory and labels say in which steps a push rolls across the hosts: the options, and their values. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Tuple

# What can be said, as it is called in labels (with a prefix) and in ``Host.strategy``.
SERIAL = "serial"
MAX_FAILURES = "max-failures"
ORDER = "order"
STRATEGY = (SERIAL, MAX_FAILURES, ORDER)


class BadValue(ValueError):
    """A value that means nothing; the text says what would."""


@dataclass(frozen=True)
class Share:
    """A number of units, or so many in a hundred of them."""

    value: int
    is_percentage: bool = False

    def of(self, units: int, least: int = 0) -> int:
        """Return how many of ``units`` that is, rounded down, but at least ``least`` for a percentage."""
        return max(least, self.value * units // 100) if self.is_percentage else self.value

    def __str__(self) -> str:
        return f"{self.value}%" if self.is_percentage else str(self.value)


def problem(option: str, value: Any) -> str:
    """Say what is wrong with ``value`` as a value of ``option``, or nothing."""
    try:
        _READERS[option](value)
    except BadValue as error:
        return str(error)
    return ""


def problems(strategy: Mapping[str, Any]) -> List[str]:
    """Say what is wrong with what the inventory says for a host, a sentence each."""
    return [
        f"{variable(option)}: {problem(option, strategy[option])}"
        for option in STRATEGY
        if strategy.get(option) is not None and problem(option, strategy[option])
    ]


def says_nothing(strategy: Mapping[str, Any]) -> bool:
    """Tell whether what the inventory, or a target by its labels, says of steps is nothing."""
    return all(value is None for value in strategy.values())


def variable(option: str) -> str:
    """Return the name of the inventory's variable for an option."""
    return "docker_update_" + option.replace("-", "_")


def read_serial(value: Any) -> Tuple[Share, ...]:
    """Read numbers and percentages: one, a list, or a text with commas between them."""
    parts = (
        value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    )
    shares = tuple(_share(part) for part in parts)
    if not shares or None in shares:
        raise BadValue(f"{value!r} is no number, no percentage and no list of these, such as 1,25%,100%")
    return tuple(share for share in shares if share is not None)


def read_max_failures(value: Any) -> Share:
    """Read a number or a percentage."""
    share = _share(value)
    if share is None:
        raise BadValue(f"{value!r} is neither a number nor a percentage, such as 2 or 20%")
    return share


def read_order(value: Any) -> int:
    """Read a whole number."""
    if not re.fullmatch(r"[+-]?\d{1,9}", _text(value)):
        raise BadValue(f"{value!r} is no whole number, so nobody can tell what comes before what")
    return int(_text(value))


def _share(value: Any) -> Optional[Share]:
    match = re.fullmatch(r"(\d{1,9})\s*(%?)", _text(value))
    return Share(int(match.group(1)), bool(match.group(2))) if match else None


def _text(value: Any) -> str:
    return "" if isinstance(value, bool) else str(value).strip()


_READERS = {SERIAL: read_serial, MAX_FAILURES: read_max_failures, ORDER: read_order}
