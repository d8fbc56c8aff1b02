"""The stages of a rollout: when each target passed them, from the push to the message."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils import stages

RECEIVED, PLANNED, READY, KEPT, MESSAGE = "received", "planned", "ready", "kept", "told"

# In their order, as people are told of them.
STAGES: Mapping[str, str] = {
    RECEIVED: "received",
    PLANNED: "planned",
    READY: "process ready",
    stages.REACHED: "host reached",
    stages.LOOKED: "looked",
    stages.PULLED: "pulled",
    stages.CREATED: "created",
    stages.SENT: "sent to the swarm",
    stages.STOPPED: "old one stopped",
    stages.STARTED: "new one started",
    stages.PROVEN: "proven",
    KEPT: "kept",
    MESSAGE: "told",
}
_OF_A_RUN = (READY, *stages.STAGES)
_LONGEST_SECONDS = 7 * 86400.0


def read_ages(said: Any) -> Mapping[str, float]:
    """Return what a run said of for how many seconds each stage lay back; what cannot be so is left out."""
    if not isinstance(said, Mapping):
        return {}
    numbers = {stage: said[stage] for stage in _OF_A_RUN if isinstance(said.get(stage), int | float)}
    return {
        stage: float(age)
        for stage, age in numbers.items()
        if math.isfinite(age) and 0 <= age < _LONGEST_SECONDS
    }


def moments(ages: Mapping[str, float], now: datetime) -> Mapping[str, datetime]:
    """Return when each stage was that lay back so many seconds ``now``."""
    return {stage: now - timedelta(seconds=age) for stage, age in ages.items()}


def timeline(
    of_target: Mapping[str, datetime],
    *,
    received: datetime,
    planned: datetime | None,
    kept: datetime,
    sent_at: datetime | None,
) -> Iterator[tuple[str, datetime]]:
    """Yield the stages that a target passed, each with its moment, in their order; nothing where its run told of none.

    None is told to be before the one before it: what the run told was by another clock's ticks.
    """
    if not of_target:
        return
    passed = {RECEIVED: received, PLANNED: planned, **of_target, KEPT: kept, MESSAGE: sent_at}
    latest = received
    for stage in STAGES:
        if moment := passed.get(stage):
            latest = max(latest, moment)
            yield stage, latest
