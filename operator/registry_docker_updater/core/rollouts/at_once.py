"""What of a rollout may be updated without a look at all of its hosts first: where nothing is to be agreed on with others."""

from collections.abc import Iterable, Mapping

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Kind, Target


def at_once(targets: Iterable[Target], fleet: Fleet) -> Mapping[str, tuple[str, ...]]:
    """Return the keys of ``targets`` by the host through which each may be updated at once; nothing where any may not.

    None may be where one comes in steps; an engine with two names is looked at under both first, and a swarm of which no manager
    answered through all.
    """
    targets = tuple(targets)
    if not all(_says_nothing(target, fleet) for target in targets):
        return {}
    through: dict[str, list[str]] = {}
    for target in targets:
        host = _host(target, fleet)
        if host is None:
            return {}
        through.setdefault(host, []).append(target.key)
    return {host: tuple(sorted(keys)) for host, keys in sorted(through.items())}


def _says_nothing(target: Target, fleet: Fleet) -> bool:
    hosts = (fleet.hosts.get(name) for name in target.hosts)
    return target.at_once and all(host.at_once for host in hosts if host)


def _host(target: Target, fleet: Fleet) -> str | None:
    if target.kind is Kind.CONTAINER:
        return target.hosts[0] if len(target.hosts) == 1 else None
    hosts = (fleet.hosts.get(name) for name in target.hosts)
    return next((host.name for host in hosts if host and host.is_manager and host.is_reachable), None)
