"""Why a target is, or is not, updated now: one file for each reason, and the order in which they count.

A reason is a function of a :class:`~registry_docker_updater.core.rollouts.verdicts.case.Case` that returns its verdict, or
None where it has nothing to say. The first that says something decides; where none does, the target is due.
"""

from collections.abc import Mapping

from registry_docker_updater.core.rollouts.verdicts import (
    age,
    approval,
    busy,
    changed,
    current,
    done,
    failed,
    frozen,
    left_alone,
    opted_out,
    refused,
    soak,
    unfinished,
    unreadable,
    watched,
    window,
)
from registry_docker_updater.core.rollouts.verdicts.age import TOO_YOUNG
from registry_docker_updater.core.rollouts.verdicts.approval import APPROVAL, DECLINED, LAPSED
from registry_docker_updater.core.rollouts.verdicts.busy import BUSY
from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict
from registry_docker_updater.core.rollouts.verdicts.changed import CHANGED
from registry_docker_updater.core.rollouts.verdicts.current import CURRENT
from registry_docker_updater.core.rollouts.verdicts.done import DONE
from registry_docker_updater.core.rollouts.verdicts.failed import HELD, LATER
from registry_docker_updater.core.rollouts.verdicts.frozen import FROZEN
from registry_docker_updater.core.rollouts.verdicts.left_alone import LEFT_ALONE
from registry_docker_updater.core.rollouts.verdicts.opted_out import OPTED_OUT
from registry_docker_updater.core.rollouts.verdicts.refused import REFUSED
from registry_docker_updater.core.rollouts.verdicts.soak import SOAKING
from registry_docker_updater.core.rollouts.verdicts.unfinished import UNFINISHED
from registry_docker_updater.core.rollouts.verdicts.unreadable import UNREADABLE
from registry_docker_updater.core.rollouts.verdicts.watched import WATCHED
from registry_docker_updater.core.rollouts.verdicts.window import WINDOW

__all__ = [
    "APPROVAL",
    "BUSY",
    "BY_NAME",
    "CHANGED",
    "CURRENT",
    "DECLINED",
    "DONE",
    "DUE",
    "FROZEN",
    "HELD",
    "LAPSED",
    "LATER",
    "LEFT_ALONE",
    "OPTED_OUT",
    "REFUSED",
    "SOAKING",
    "TOO_YOUNG",
    "UNFINISHED",
    "UNREADABLE",
    "WATCHED",
    "WINDOW",
    "Case",
    "Verdict",
    "broken_by_force",
    "rule_on",
    "verdict_on",
]

DUE = Verdict("due", "due", "it is updated as soon as a worker is free", is_pending=True)

# What owners and people say; who would be asked to approve is so before anything else makes the target wait.
_RULES = (
    opted_out.judge,
    unreadable.judge,
    watched.judge,
    approval.judge,
    frozen.judge,
    soak.judge,
    age.judge,
    window.judge,
)
_REASONS = (
    current.judge,
    busy.judge,
    unfinished.judge,
    refused.judge,
    changed.judge,
    done.judge,
    left_alone.judge,
    *_RULES,
    failed.judge,
)

# All that can be said, by its name.
BY_NAME: Mapping[str, Verdict] = {
    one.name: one
    for one in (
        *(CURRENT, DUE, BUSY, UNFINISHED, REFUSED, CHANGED, DONE, LEFT_ALONE, LATER, HELD),
        *(OPTED_OUT, UNREADABLE, WATCHED, APPROVAL, DECLINED, LAPSED, FROZEN, SOAKING, TOO_YOUNG, WINDOW),
    )
}


def verdict_on(case: Case) -> Verdict:
    """Return whether the target is to be brought to the pushed digest now, and why not if not."""
    return next((verdict for judge in _REASONS if (verdict := judge(case))), DUE)


def broken_by_force(case: Case) -> tuple[Verdict, ...]:
    """Return what speaks against updating the target now, that a person breaks who insists on it and has not yet."""
    found = (judge(case) for judge in _RULES)
    return tuple(verdict for verdict in found if verdict and verdict.is_overridable)


def rule_on(case: Case) -> Verdict | None:
    """Return which rule or decision speaks against updating the target now, whatever else does; None where none does."""
    return next((verdict for judge in _RULES if (verdict := judge(case))), None)
