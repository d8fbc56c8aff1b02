# SPDX-License-Identifier: Apache-2.0
"""When what is left of a rollout is left alone: because of what became of the steps before, or from a step on. Pure."""

from __future__ import annotations

from typing import Collection, List, Sequence, Set, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.steps import (
    Step,
    Unit,
    first_few,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.strategy import Share


def why_blocked(
    steps: Sequence[Step], number: int, ended_well: Collection[str]
) -> Tuple[str, Tuple[Tuple[int, Unit], ...]]:
    """Say whether the step at index ``number`` may begin, now that all steps before it have ended.

    ``ended_well`` are the hosts on which everything ended well. A unit failed when one of its hosts is not among them.
    Returns why it may not, or nothing; and the units to blame with the indexes of their steps.
    """
    ended = frozenset(ended_well)
    begun: List[Unit] = []
    allows: Set[Share] = set()
    failed: List[Tuple[int, Unit]] = []
    for index, step in enumerate(steps[: number + 1]):
        # Steps after one that was left alone were left alone, too, for the same reason.
        if step.blocked:
            return step.blocked, ()
        if len(failed) > min((share.of(len(begun)) for share in allows), default=0):
            numbers = [str(one + 1) for one in sorted({one for one, _ in failed})]
            which = f"step {numbers[0]}" if len(numbers) == 1 else f"steps {first_few(numbers)}"
            return f"{which} of {len(steps)} failed", tuple(failed)
        if begun and begun[-1].order != step.order:
            begun, allows, failed = [], set(), []
        begun += step.units
        allows.update(share for unit in step.units for share in unit.max_failures)
        failed += [(index, unit) for unit in step.units if not ended.issuperset(unit.hosts)]
    return "", ()


def first_after(steps: Sequence[Step], hosts: Collection[str]) -> int:
    """Return the index of the step after the first that has one of ``hosts``, the number of steps where none has."""
    known = frozenset(hosts)
    return next(
        (index + 1 for index, step in enumerate(steps) if not known.isdisjoint(step.hosts)), len(steps)
    )
