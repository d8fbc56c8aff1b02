# SPDX-License-Identifier: Apache-2.0
"""The words for what became of a target, and what follows from each. Pure.

Every list of outcomes is here. What is none of these words is never good.
"""

from __future__ import annotations

from typing import Any

UPDATED = "updated"
UNCHANGED = "unchanged"
ROLLED_BACK = "rolled_back"
ROLLBACK_FAILED = "rollback_failed"
FAILED = "failed"
UNREACHABLE = "unreachable"
SUPERSEDED = "superseded"
SKIPPED = "skipped"
# What a message says of a target of which nothing has come to an end: the update waits, or has begun.
WAITS = "waits"
BEGUN = None

OUTCOMES = (
    UPDATED,
    UNCHANGED,
    ROLLED_BACK,
    ROLLBACK_FAILED,
    FAILED,
    UNREACHABLE,
    SUPERSEDED,
    SKIPPED,
)
# In the order in which people are told.
GOOD = (UPDATED, SUPERSEDED, UNCHANGED, SKIPPED)
QUIET = (UNCHANGED, SKIPPED)
# A run may come back to these with the same push.
TRIED_AGAIN = (FAILED, UNREACHABLE)
# Where a person was faster, the push is not what the target runs, and the task says so by failing.
TASK_SUCCEEDS = (UPDATED, UNCHANGED, SKIPPED)


def is_good(outcome: Any) -> bool:
    """Tell whether nobody needs to look at the target. A rollback is never good, nor is a word that nobody knows."""
    return outcome in GOOD


def is_open(outcome: Any) -> bool:
    """Tell whether nothing has become of the target so far, neither good nor bad."""
    return outcome in (WAITS, BEGUN)


def is_quiet(outcome: Any) -> bool:
    """Tell whether there is no need to tell anybody: nothing was to be done."""
    return outcome in QUIET


def is_final(outcome: Any) -> bool:
    """Tell whether the same push is not tried on the target again."""
    return outcome not in TRIED_AGAIN


def succeeds(outcome: Any) -> bool:
    """Tell whether the task of a module that updates one target ends well with this outcome."""
    return outcome in TASK_SUCCEEDS


def has_log(outcome: Any) -> bool:
    """Tell whether the log of what was started tells why it ended so."""
    return outcome in (ROLLED_BACK, ROLLBACK_FAILED, FAILED)


def rank(outcome: Any) -> int:
    """Return a number by which outcomes are put in order for people: what is not good comes first, then what has not ended."""
    return 2 + GOOD.index(outcome) if outcome in GOOD else 1 if is_open(outcome) else 0
