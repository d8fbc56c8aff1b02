"""Swarms as people see them: which managers tell of each, and how its services stand."""

from typing_extensions import TypedDict

from registry_docker_updater.core.fleet.targets import Kind
from registry_docker_updater.core.rollouts.outlook import Overview


class SwarmRow(TypedDict):
    """A swarm, by its ``id``, with its managers.

    ``silent`` are those that do not answer, ``behind`` counts the services that do not run what was pushed.
    """

    id: str
    managers: list[str]
    silent: list[str]
    services: int
    behind: int


def swarms(overview: Overview) -> list[SwarmRow]:
    """Return all swarms of the fleet, by the names of their managers."""
    fleet = overview.fleet
    rows: list[SwarmRow] = []
    for number, managers in fleet.swarms.items():
        keys = {key for name in managers for key in fleet.named.get(name, ())}
        services = {key for key in keys if fleet.targets[key].kind is Kind.SERVICE}
        known = [(name, fleet.hosts.get(name)) for name in sorted(managers)]
        rows.append(
            {
                "id": number,
                "managers": [name for name, _ in known],
                "silent": [name for name, host in known if host is None or not host.is_reachable],
                "services": len(services),
                "behind": sum(key in overview.behind for key in services),
            }
        )
    return sorted(rows, key=lambda row: (row["managers"], row["id"]))
