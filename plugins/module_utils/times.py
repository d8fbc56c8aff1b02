# SPDX-License-Identifier: Apache-2.0
"""The moments that engines and swarms write, as numbers that can be compared. Pure.

Engines write RFC 3339 with up to nine digits after the second, without trailing zeros, and in whatever zone their daemon
runs in: as texts, ``…:00.5Z`` and ``…:00.12Z`` are in the wrong order, and ``+09:00`` and ``Z`` say nothing at all.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Optional

SECOND = 10**9

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)")


def nanoseconds(moment: Any) -> Optional[int]:
    """Return a moment as nanoseconds since 1970, None where it is none.

    What never happened, which engines write as a moment of the year 1, lies before everything else.
    """
    match = _RFC_3339.fullmatch(moment) if isinstance(moment, str) else None
    if not match:
        return None
    day, time, fraction, zone = match.groups()
    text = f"{day}T{time}{zone.upper().replace('Z', '+00:00')}"
    try:
        since = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z") - _EPOCH
    except (ValueError, OverflowError):
        return None
    return (since.days * 86400 + since.seconds) * SECOND + int((fraction or "0")[:9].ljust(9, "0"))


def is_whole_second(moment: int) -> bool:
    """Tell whether ``moment``, in nanoseconds, has no fraction of a second: as times that come out of archives."""
    return moment % SECOND == 0
