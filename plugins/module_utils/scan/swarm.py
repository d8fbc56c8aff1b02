# SPDX-License-Identifier: Apache-2.0
"""A node's part in a swarm, and the services of that which opted in."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils import labels as ours
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    NoAnswer,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.foreign_labels import notes
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.reading import (
    changed,
    mode_of,
    read_reference,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import SERVICE

# A manager waits 20 s for a leader that is gone (moby, daemon/cluster: swarmRequestTimeout); asked anew, it asks the
# one that was elected meanwhile.
_ELECTION_SECONDS = 5.0


def swarm_of(engine: Engine, info: Dict[str, Any], warnings: List[str]) -> Optional[Dict[str, Any]]:
    """Return the node's part in a swarm; a worker knows its node id and the managers' addresses, not the swarm's id."""
    state = info.get("Swarm") or {}
    if state.get("LocalNodeState") in (None, "", "inactive"):
        return None
    if state.get("LocalNodeState") != "active":
        warnings.append(
            f"this node of a swarm is {state.get('LocalNodeState')}: {state.get('Error') or 'no reason given'}"
        )
    node_id = state.get("NodeID") or None
    manager = bool(state.get("ControlAvailable"))
    leader = False
    if manager and node_id:
        try:
            leader = _leads(engine, state)
        except EngineError as error:
            warnings.append(
                f"the swarm does not answer ({error.message}); has it lost its quorum of managers?"
            )
            manager = False
    return {
        "id": (state.get("Cluster") or {}).get("ID") or None,
        "node_id": node_id,
        "manager": manager,
        # A manager that is locked or without a quorum is none for now: it cannot tell of its swarm.
        "may_be_manager": bool(state.get("ControlAvailable")) or state.get("LocalNodeState") != "active",
        "leader": leader,
    }


def info_of(engine: Engine, patience: Iterable[bool]) -> Dict[str, Any]:
    """Return what the engine tells of itself, as soon as its swarm has a leader or ``patience`` is at its end."""
    for _ in patience:
        with suppress(NoAnswer, EngineError):
            info: Dict[str, Any] = engine.get("/info", timeout=_ELECTION_SECONDS)
            state = info.get("Swarm") or {}
            if state.get("ControlAvailable") and state.get("NodeID"):
                _leads(engine, state, _ELECTION_SECONDS)
            return info
    found: Dict[str, Any] = engine.get("/info")
    return found


def _leads(engine: Engine, state: Mapping[str, Any], timeout: Optional[float] = None) -> bool:
    """Tell whether a manager leads its swarm; raises :class:`EngineError` when that has no leader.

    An engine whose own question to a leader came to nothing leaves out the swarm's id (moby, daemon/cluster: Info).
    """
    if not (state.get("Cluster") or {}).get("ID"):
        raise EngineError(503, state.get("Error") or "it did not tell the swarm's id", "GET /info")
    node = engine.get(f"/nodes/{state['NodeID']}", timeout=timeout)
    return bool((node.get("ManagerStatus") or {}).get("Leader"))


def services(engine: Engine, now: int, warnings: List[str]) -> Iterator[Dict[str, Any]]:
    """Yield the services that opted in; what is wrong with them is added to ``warnings``."""
    for service in engine.get("/services", {"filters": {"label": [ours.OPT_IN]}}):
        spec = service.get("Spec") or {}
        labels = spec.get("Labels") or {}
        name = spec.get("Name")
        if not name:
            warnings.append(f"service {service.get('ID')} is shown without its name, and is left alone")
            continue
        warnings += [f"service {name}: {problem}" for problem in ours.problems(labels)]
        if not ours.opted_in(labels):
            continue
        warnings += [f"service {name} has {note}" for note in notes(labels)]
        image = ((spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}).get("Image")
        if not image:
            warnings.append(f"service {name} runs no container image and is left alone")
            continue
        reference, problem = read_reference(image)
        if problem:
            warnings.append(f"service {name}: {problem}")
        yield {
            "kind": SERVICE,
            "id": service["ID"],
            "name": name,
            "image": image,
            "reference": str(reference.without_digest()) if reference and reference.tag else None,
            "digests": [reference.digest] if reference and reference.digest else [],
            "mode": mode_of(spec),
            "options": ours.rolling_options(labels),
            "notify": ours.receivers(labels),
            "labels": ours.under_prefix(labels),
            "state": (service.get("UpdateStatus") or {}).get("State"),
            **changed(service.get("UpdatedAt"), now),
        }
