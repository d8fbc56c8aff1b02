# SPDX-License-Identifier: Apache-2.0
"""What an engine says of itself and of everything on it: what a plan is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
)


@dataclass(frozen=True)
class Host:
    """What the engine says of itself and of everything on it, read once."""

    info: Mapping[str, Any]
    architecture: str
    containers: Sequence[Inspect]
    networks: Sequence[Mapping[str, Any]]
    swarm_scoped: Tuple[str, ...] = field(default=())
    unreadable: Tuple[str, ...] = field(default=())

    @classmethod
    def read(cls, containers: Containers) -> "Host":
        """Ask the engine."""
        networks = containers.engine.get("/networks")
        found, unreadable = containers.all()
        return cls(
            containers.engine.get("/info"),
            containers.engine.get("/version").get("Arch", ""),
            found,
            networks,
            tuple(network["Name"] for network in networks if network.get("Scope") == "swarm"),
            tuple(unreadable),
        )
