"""How people write how long something takes."""

import re
from datetime import timedelta

from registry_docker_updater.core.policy.rules import BadRule

_DURATION = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*(ms|s|m|h|d)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_SECONDS = 365 * 86400


def read_duration(text: str) -> timedelta:
    """Return how long ``text`` says, such as 15m, a year at most; raises :class:`BadRule`."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise BadRule(f"{text!r:.100} is not a duration such as 10s, 15m or 1h")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > _LONGEST_SECONDS:
        raise BadRule(f"{text!r:.100} is longer than a year")
    return timedelta(seconds=seconds)
