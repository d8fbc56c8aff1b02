# SPDX-License-Identifier: Apache-2.0
"""What one engine runs that opted in: asks the engine, and changes nothing."""

from __future__ import annotations

import time
from typing import Any, Dict, Iterable, Iterator, List

from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import JournalUnusable
from ansible_collections.registry.docker_updater.plugins.module_utils.container.unfinished import (
    find_unfinished,
    handed_over,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import EngineError
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.containers import ContainerScan
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.swarm import (
    info_of,
    services,
    swarm_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.times import nanoseconds


def scan(engine: Engine, patience: Iterable[bool] = (), state_directory: str = "") -> Dict[str, Any]:
    """Return what the engine is and every target on it, as the module ``targets_info`` documents it.

    Containers that an update keeps aside for a while are none; those of an update that is unfinished, as the journals in
    ``state_directory`` tell, are told of as one that is on its way. ``patience`` is drawn from before each look at a swarm
    that may be electing a leader, and pauses between them: that takes some 10 to 20 seconds after one was lost (moby,
    daemon/cluster: ticks of a second, an election after ten of them without a word).
    """
    info = info_of(engine, patience)
    now = nanoseconds(info.get("SystemTime")) or time.time_ns()
    warnings: List[str] = []
    swarm = swarm_of(engine, info, warnings)
    unfinished, unreadable = (
        find_unfinished(state_directory, info.get("ID") or "", time.time()) if state_directory else ([], [])
    )
    warnings += unreadable
    listed = [one.as_json() for one in unfinished]
    listed += _handed_over(state_directory, info.get("ID") or "", listed, warnings)
    containers = ContainerScan(engine, now, unfinished)
    found = list(containers.targets())
    warnings += containers.warnings
    if swarm and swarm["manager"]:
        try:
            found += services(engine, now, warnings)
        except EngineError as error:
            warnings.append(
                f"the swarm does not answer ({error.message}); has it lost its quorum of managers?"
            )
            swarm["manager"] = False
    return {
        "engine": {
            "id": info.get("ID"),
            "name": info.get("Name"),
            "version": info.get("ServerVersion"),
            "api_version": engine.api_version,
            "os": info.get("OSType"),
            "architecture": info.get("Architecture"),
        },
        "swarm": swarm,
        "targets": found,
        "unfinished": listed,
        "warnings": warnings,
    }


def _handed_over(
    state_directory: str, engine: str, listed: List[Dict[str, Any]], warnings: List[str]
) -> List[Dict[str, Any]]:
    """Return the updates that helpers have in hand, but for those of which the journal has ``listed``."""
    try:
        found = handed_over(state_directory, engine, time.time()) if state_directory else []
    except (JournalUnusable, OSError) as error:
        warnings.append(f"cannot tell which updates helpers have in hand here: {error}")
        return []
    names = {one["name"] for one in listed}
    return [one for one in found if one["name"] not in names]


def for_seconds(seconds: float) -> Iterator[bool]:
    """Return patience for so many seconds, to be drawn from about once in each."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield True
        time.sleep(1)
