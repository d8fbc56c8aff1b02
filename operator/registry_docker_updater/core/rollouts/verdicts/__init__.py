"""Why a target is, or is not, updated now: one file for each reason, and the order in which they count.

A reason is a function of a :class:`~registry_docker_updater.core.rollouts.verdicts.case.Case` that returns its verdict, or
None where it has nothing to say. The first that says something decides; where none does, the target is due.
"""

from registry_docker_updater.core.rollouts.verdicts import (
    busy,
    changed,
    current,
    done,
    failed,
    left_alone,
    refused,
    unfinished,
)
from registry_docker_updater.core.rollouts.verdicts.busy import BUSY
from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict
from registry_docker_updater.core.rollouts.verdicts.changed import CHANGED
from registry_docker_updater.core.rollouts.verdicts.current import CURRENT
from registry_docker_updater.core.rollouts.verdicts.done import DONE
from registry_docker_updater.core.rollouts.verdicts.failed import LATER
from registry_docker_updater.core.rollouts.verdicts.left_alone import LEFT_ALONE
from registry_docker_updater.core.rollouts.verdicts.refused import REFUSED
from registry_docker_updater.core.rollouts.verdicts.unfinished import UNFINISHED

__all__ = [
    "BUSY",
    "CHANGED",
    "CURRENT",
    "DONE",
    "DUE",
    "LATER",
    "LEFT_ALONE",
    "REFUSED",
    "UNFINISHED",
    "Case",
    "Verdict",
    "verdict_on",
]

DUE = Verdict("due", "due", "it is updated as soon as a worker is free", is_pending=True)

_REASONS = (
    current.judge,
    busy.judge,
    unfinished.judge,
    refused.judge,
    changed.judge,
    done.judge,
    left_alone.judge,
    failed.judge,
)


def verdict_on(case: Case) -> Verdict:
    """Return whether the target is to be brought to the pushed digest now, and why not if not."""
    return next((verdict for judge in _REASONS if (verdict := judge(case))), DUE)
