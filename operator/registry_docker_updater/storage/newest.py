"""Keeping which push of each repository and tag is the newest.

What finding and writing them costs does not depend on how many there are.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, func, select

from registry_docker_updater.core.events.newest import Newest
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.statements import batches, by_registry, put_all
from registry_docker_updater.storage.written import wrote

# Names are looked up as all pairs of their repositories and tags.
NAMES_AT_ONCE = 50


def is_of_pairs(table: Table) -> ColumnElement[bool]:
    """Return the condition that a row of ``table`` is of one of the pairs that a statement is given, by :func:`pairs`."""
    return and_(
        table.c.registry == bindparam("of"),
        table.c.repository.in_(bindparam("repositories", expanding=True)),
        table.c.tag.in_(bindparam("tags", expanding=True)),
    )


_e, _n = tables.events.c, tables.newest.c
# Made once: with every delivery, making it took longer than having it executed. Rows of values would be compared with
# every row there is; lists are looked up in the index.
_NEWEST = (
    select(
        *(_n.registry, _n.repository, _n.tag),
        *(_n.push, _e.digest, _n.occurred_at, _n.received_at, _n.registry_digest, _n.found_at),
    )
    .join(tables.events, _e.id == _n.push)
    .where(is_of_pairs(tables.newest))
)
_LAST_CHANGE = select(func.max(_n.change))


def newest_of(connection: Connection, names: Iterable[PushedName]) -> dict[PushedName, Newest]:
    """Return the newest known push of each of ``names``, as far as there is one."""
    asked, found = set(names), {}
    for registry, of_registry in by_registry((one.registry, one) for one in asked):
        for some in batches(of_registry, NAMES_AT_ONCE):
            for row in connection.execute(_NEWEST, pairs(registry, some)):
                found[PushedName(*row[:3])] = Newest(*row[3:])
    return {one: newest for one, newest in found.items() if one in asked}


def pairs(registry: str, names: Iterable[PushedName]) -> dict[str, Any]:
    """Return what a statement is given that looks up all pairs of the repositories and tags of ``names``."""
    listed = list(names)
    repositories, tags = {one.repository for one in listed}, {one.tag for one in listed}
    return {"of": registry, "repositories": list(repositories), "tags": list(tags)}


def keep_newest(
    connection: Connection, newest: Mapping[PushedName, Newest], before: Mapping[PushedName, Newest]
) -> None:
    """Keep the ``newest`` pushes of names; those of them that had one have it in ``before``."""
    changed = {name: one for name, one in newest.items() if before.get(name) != one}
    if not changed:
        return
    last = connection.scalar(_LAST_CHANGE) or 0
    rows = {
        name: _row(name, one, change) for change, (name, one) in enumerate(changed.items(), start=last + 1)
    }
    wrote(connection, tables.newest, *rows.values())
    put_all(
        connection,
        tables.newest,
        add=[row for name, row in rows.items() if name not in before],
        replace=[row for name, row in rows.items() if name in before],
    )


def _row(name: PushedName, newest: Newest, change: int) -> dict[str, Any]:
    return {
        **name._asdict(),
        "change": change,
        "push": newest.push,
        "occurred_at": newest.occurred_at,
        "received_at": newest.received_at,
        "registry_digest": newest.registry_digest,
        "found_at": newest.found_at,
    }
