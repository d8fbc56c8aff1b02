# SPDX-License-Identifier: Apache-2.0
"""All that a recreation is decided from. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.networks import (
    Asked,
)


@dataclass(frozen=True)
class Given:
    """All that a recreation is decided from.

    ``container``, ``old_image`` and ``new_image`` are inspects; ``api`` the version spoken, as numbers;
    ``mac``, ``asked`` and ``swarm_scoped`` are explained at ``plan_networks``; ``providers`` maps what VolumesFrom
    names to an inspect, where there is still such a container; ``platform`` is set where it is not the host's.
    """

    container: Mapping[str, Any]
    old_image: Mapping[str, Any]
    new_image: Mapping[str, Any]
    api: Tuple[int, ...]
    mac: str = ""
    asked: Optional[Mapping[str, Asked]] = None
    swarm_scoped: Tuple[str, ...] = ()
    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    host_name: str = ""
    platform: str = ""
