"""What of a rollout waits now, target by target, as people and programs see it."""

from heapq import nsmallest

from typing_extensions import TypedDict

from registry_docker_updater.core.rollouts.outlook import UPDATING, Outlook, Overview
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.rollouts import WholeRolloutRow, rollout
from registry_docker_updater.views.values import moment


class TargetWaitsRow(TypedDict):
    """A target that waits for a push, or does not get it by a rule or a person's decision.

    ``verdict`` is a word for programs, ``says`` and ``then`` tell why and what happens next. It is looked at again at ``next_at``, where
    a time is set.
    """

    key: str
    kind: str
    name: str
    place: str
    verdict: str
    says: str
    then: str
    next_at: str | None


class RolloutNowRow(WholeRolloutRow):
    """A rollout with every target's outcome, its messages, and the targets that are ``waiting`` for its push now."""

    waiting: list[TargetWaitsRow]


def rollout_now(storage: Storage, number: int, overview: Overview) -> RolloutNowRow:
    """Return one rollout with what waits by an ``overview`` of the fleet; raises what :func:`rollout` does."""
    row = rollout(storage, number)
    return {**row, "waiting": waiting_targets(overview, row["push"])}


def waiting_targets(overview: Overview, push: int, most: int | None = None) -> list[TargetWaitsRow]:
    """Return the targets that wait for a push: the first ``most`` by when they are looked at again, those without a time last."""
    found = [
        one
        for alike, some in overview.alike.items()
        if alike.push == push and _waits(some[0])
        for one in some
    ]
    return [_row(one) for one in nsmallest(len(found) if most is None else most, found, key=_place)]


def count_waiting(overview: Overview, push: int) -> int:
    """Return how many targets wait for a push."""
    return sum(len(some) for alike, some in overview.alike.items() if alike.push == push and _waits(some[0]))


def _waits(one: Outlook) -> bool:
    verdict = one.verdict
    return verdict.is_by_rule or (verdict.is_pending and verdict is not UPDATING)


def _place(one: Outlook) -> tuple[bool, float, str, str]:
    at = one.next_at
    return at is None, at.timestamp() if at else 0, one.target.place, one.target.name


def _row(one: Outlook) -> TargetWaitsRow:
    return {
        "key": one.target.key,
        "kind": str(one.target.kind),
        "name": one.target.name,
        "place": one.target.place,
        "verdict": one.verdict.name,
        "says": one.verdict.sentence,
        "then": one.verdict.then,
        "next_at": moment(one.next_at),
    }
