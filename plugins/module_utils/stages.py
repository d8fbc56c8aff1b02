# SPDX-License-Identifier: Apache-2.0
"""When an update passed each of its stages, told as ages: the host's clock need not be the reader's. Pure."""

from __future__ import annotations

from typing import Dict, Mapping

# In their order. A service is "sent" to its swarm; a container is created, and the old one stopped.
REACHED, LOOKED, PULLED, CREATED, SENT = "reached", "looked", "pulled", "created", "sent"
STOPPED, STARTED, PROVEN = "stopped", "started", "proven"
STAGES = (REACHED, LOOKED, PULLED, CREATED, SENT, STOPPED, STARTED, PROVEN)


def ages(moments: Mapping[str, float], now: float) -> Dict[str, float]:
    """Return for how many seconds each of ``moments`` lies back at ``now``, all by the machine's monotonic clock."""
    return {stage: round(now - moments[stage], 3) for stage in STAGES if stage in moments}
