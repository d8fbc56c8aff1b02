"""One engine under several names of the inventory, and several engines that look like one."""

from collections.abc import Iterator

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Kind

_CLONED = (
    "was the machine cloned? To give it an id of its own, stop the engine, remove engine-id in its data directory"
    " and /etc/docker/key.json, and start it"
)


def names_of(fleet: Fleet, host: Host) -> tuple[str, ...]:
    """Return all names of the engine that answered as ``host``, in their order; the first stands for it.

    Cloned machines can share an engine's id, and its name. So containers, too, are to be the same ones. What two answers
    tell of them may differ because something was updated between them: names that were found to be one engine's are so
    until one of them has told the same before and after another told of something else.
    """
    others = fleet.engines.get(host.engine_id or "", frozenset()) - {host.name}
    same = {name for name in others if _is_same(fleet, host, fleet.hosts[name])}
    return tuple(sorted({host.name, *same}))


def engine_notes(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """Yield the name of a host, and what is to be known of its engine because another host's has the same id."""
    for names in fleet.engines.values():
        if len(names) == 1:
            continue
        first, *others = sorted(names)
        for name in others:
            one = next(
                (known for known in sorted(names) if known < name and _share(fleet, known, name)), None
            )
            if one:
                yield (
                    name,
                    f"its engine is that of {one} under another name: its containers are named once, with {one}",
                )
            elif _may_be_one(fleet.hosts[first], fleet.hosts[name]):
                yield name, f"its engine seems to be that of {first} under another name"
            else:
                yield name, f"its engine has the id of that of {first}, and is another one: {_CLONED}"


def _is_same(fleet: Fleet, host: Host, other: Host) -> bool:
    if host.engine_name != other.engine_name:
        return False
    if not _share(fleet, host.name, other.name):
        return bool(host.containers) and host.containers == other.containers
    before = fleet.hosts[host.name]
    agreed_before = before.is_reachable and before.containers == host.containers
    between = other.is_reachable and before.asked_at <= other.asked_at
    return not (agreed_before and between and other.containers != host.containers)


def _may_be_one(one: Host, other: Host) -> bool:
    return one.engine_name == other.engine_name and one.containers == other.containers


def _share(fleet: Fleet, one: str, other: str) -> bool:
    """Tell whether two names were found to be one engine's."""
    targets = (fleet.targets[key] for key in fleet.named.get(other, ()))
    return any(one in target.hosts for target in targets if target.kind is Kind.CONTAINER)
