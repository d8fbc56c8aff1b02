"""How long things are kept, and what of the kept runs is to go."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple


@dataclass(frozen=True)
class KeepPolicy:
    """How long kept runs, and events with all that followed from them, are kept (None for ever), and how many bytes of runs."""

    runs: timedelta | None
    size: int
    events: timedelta | None


class AgedRun(NamedTuple):
    """A kept run: where it is below the folder of all runs, when it ended, and how many bytes it takes."""

    where: str
    ended_at: datetime
    size: int


def runs_to_remove(
    runs: Iterable[AgedRun], needed: Collection[int], policy: KeepPolicy, now: datetime
) -> tuple[str, ...]:
    """Return where the runs are that are to go, the oldest first: those that are too old, and those for which there is no room.

    What belongs to the rollouts with the numbers ``needed`` stays, whatever room it takes; and the newest run that is of none, so
    that its name is not given again.
    """
    oldest_first = sorted(runs, key=lambda one: (one.ended_at, one.where))
    size = sum(one.size for one in oldest_first)
    removed = []
    last = {one.where.partition("/")[0]: one for one in oldest_first}
    for one in oldest_first:
        is_last = _rollout_of(one) is None and last[one.where.partition("/")[0]] is one
        is_old = policy.runs is not None and one.ended_at < now - policy.runs
        if (is_old or size > policy.size) and not is_last and _rollout_of(one) not in needed:
            removed.append(one.where)
            size -= one.size
    return tuple(removed)


def spans(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return ``numbers``, which rise, as the first and last of each of their unbroken sequences."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _rollout_of(run: AgedRun) -> int | None:
    folder = run.where.partition("/")[0]
    return int(folder) if folder.isdecimal() else None
