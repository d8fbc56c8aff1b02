"""The fleet as people and programs see it."""

from dataclasses import asdict

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.views.values import Row, moment


def fleet(known: Fleet) -> Row:
    """Return the fleet: its hosts, and its targets in the order of their places and names."""
    ordered = sorted(known.targets.values(), key=lambda one: (one.place, one.kind, one.name))
    return {
        "hosts": [_host(one) for one in known.hosts.values()],
        "targets": [target(one) for one in ordered],
    }


def target(one: Target) -> Row:
    """Return one target."""
    return {
        "key": one.key,
        "kind": str(one.kind),
        "id": one.id,
        "name": one.name,
        "place": one.place,
        "hosts": list(one.hosts),
        "image": one.image,
        "reference": str(one.reference) if one.reference else None,
        "digests": sorted(one.digests),
        "since": moment(one.since),
        "state": one.state,
    }


def _host(one: Host) -> Row:
    return {
        "name": one.name,
        "asked_at": moment(one.asked_at),
        "error": one.error,
        "engine": one.engine,
        "swarm": one.swarm,
        "is_manager": one.is_manager,
        "warnings": list(one.warnings),
        "live": one.live,
        "back_since": moment(one.back_since),
        "unfinished": [asdict(update) for update in one.unfinished],
        "engine_id": one.engine_id,
        "engine_name": one.engine_name,
        "containers": list(one.containers),
        "is_reachable": one.is_reachable,
    }
