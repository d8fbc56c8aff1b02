"""Counting what was ignored of what registries sent, and why."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from registry_docker_updater.storage import tables
from registry_docker_updater.storage.statements import put_all

# Reasons are partly what a sender wrote: this many of one registry are counted, one by one.
_MOST_REASONS = 200
OTHER_REASONS = "other reasons"


@dataclass(frozen=True)
class Ignored:
    """Why events of one delivery of ``registry``, which came ``at``, are ignored: a reason for each."""

    registry: str
    reasons: Sequence[str]
    at: datetime


def count_ignored(connection: Connection, deliveries: Sequence[Ignored]) -> list[list[str]]:
    """Count what was ignored; return the reasons for which nothing of the registry was before, by delivery."""
    registries = {one.registry for one in deliveries if one.reasons}
    if not registries:
        return [[] for _ in deliveries]
    i = tables.ignored.c
    kept = {
        (row["registry"], row["reason"]): dict(row)
        for row in connection.execute(select(tables.ignored).where(i.registry.in_(registries))).mappings()
    }
    known, of_registry = set(kept), Counter(registry for registry, _ in kept)
    first: list[list[str]] = []
    touched = set()
    for delivery in deliveries:
        first.append([])
        for given in delivery.reasons:
            reason = given
            if (delivery.registry, reason) not in kept and of_registry[delivery.registry] >= _MOST_REASONS:
                reason = OTHER_REASONS
            itself = (delivery.registry, reason)
            if itself not in kept:
                kept[itself] = {
                    "registry": delivery.registry,
                    "reason": reason,
                    "count": 0,
                    "first_at": delivery.at,
                    "last_at": delivery.at,
                }
                of_registry[delivery.registry] += 1
                first[-1].append(reason)
            kept[itself]["count"] += 1
            kept[itself]["last_at"] = delivery.at
            touched.add(itself)
    put_all(
        connection,
        tables.ignored,
        add=[kept[itself] for itself in touched - known],
        replace=[kept[itself] for itself in touched & known],
    )
    return first
