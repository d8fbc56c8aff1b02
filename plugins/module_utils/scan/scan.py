# SPDX-License-Identifier: Apache-2.0
"""What one engine runs that opted in: asks the engine, and changes nothing."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils import labels as ours
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import is_aside
from ansible_collections.registry.docker_updater.plugins.module_utils.container.unfinished import (
    Unfinished,
    find_unfinished,
    owner_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    NoAnswer,
    NotFound,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import (
    CONTAINER,
    SERVICE,
    UNFINISHED,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.times import SECOND, nanoseconds

_SWARM_TASK = "com.docker.swarm.task.id"
# A manager waits 20 s for a leader that is gone (moby, daemon/cluster: swarmRequestTimeout); asked anew, it asks the
# one that was elected meanwhile.
_ELECTION_SECONDS = 5.0
_COMPOSE_ONE_OFF = "com.docker.compose.oneoff"
_LEFT = "start it again under its own name, or remove it"

Target = Dict[str, Any]


def scan(engine: Engine, patience: Iterable[bool] = (), state_directory: str = "") -> Dict[str, Any]:
    """Return what the engine is and every target on it, as the module ``targets_info`` documents it.

    Containers that an update keeps aside for a while are none; those of an update that is unfinished, as the journals in
    ``state_directory`` tell, are told of as one that is on its way. ``patience`` is drawn from before each look at a swarm
    that may be electing a leader, and pauses between them: that takes some 10 to 20 seconds after one was lost (moby,
    daemon/cluster: ticks of a second, an election after ten of them without a word).
    """
    info = _info(engine, patience)
    now = nanoseconds(info.get("SystemTime")) or time.time_ns()
    warnings: List[str] = []
    swarm = _swarm(engine, info, warnings)
    unfinished, unreadable = (
        find_unfinished(state_directory, info.get("ID") or "", time.time()) if state_directory else ([], [])
    )
    warnings += unreadable
    found = list(_containers(engine, now, warnings, unfinished))
    if swarm and swarm["manager"]:
        try:
            found += _services(engine, now, warnings)
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
        "unfinished": [one.as_json() for one in unfinished],
        "warnings": warnings,
    }


def narrowed(targets: Sequence[Target], pushed: Reference, aliases: Sequence[str]) -> List[Target]:
    """Return those of ``targets`` that run the name ``pushed``, under its own host or one of ``aliases``."""
    return [
        target
        for target in targets
        if target["reference"] and Reference.parse(target["reference"]).names_same_tag_as(pushed, aliases)
    ]


def _swarm(engine: Engine, info: Dict[str, Any], warnings: List[str]) -> Optional[Dict[str, Any]]:
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


def _info(engine: Engine, patience: Iterable[bool]) -> Dict[str, Any]:
    """Return what the engine tells of itself, as soon as its swarm has a leader or ``patience`` is at its end."""
    for _ in patience:
        with suppress(NoAnswer, EngineError):
            info: Dict[str, Any] = engine.request("GET", "/info", timeout=_ELECTION_SECONDS)
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
    node = engine.request("GET", f"/nodes/{state['NodeID']}", timeout=timeout)
    return bool((node.get("ManagerStatus") or {}).get("Leader"))


def _services(engine: Engine, now: int, warnings: List[str]) -> Iterator[Target]:
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
        image = ((spec.get("TaskTemplate") or {}).get("ContainerSpec") or {}).get("Image")
        if not image:
            warnings.append(f"service {name} runs no container image and is left alone")
            continue
        reference, problem = _reference(image)
        if problem:
            warnings.append(f"service {name}: {problem}")
        yield {
            "kind": SERVICE,
            "id": service["ID"],
            "name": name,
            "image": image,
            "reference": str(reference.without_digest()) if reference and reference.tag else None,
            "digests": [reference.digest] if reference and reference.digest else [],
            "mode": _mode(spec),
            "options": ours.rolling_options(labels),
            "state": (service.get("UpdateStatus") or {}).get("State"),
            **_changed(service.get("UpdatedAt"), now),
        }


def _mode(spec: Dict[str, Any]) -> str:
    """Return the mode as people write it, ``global-job`` for the API's ``GlobalJob``."""
    name = next(iter(spec.get("Mode") or {"Replicated": {}}))
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _containers(  # noqa: C901 - one sieve after the other
    engine: Engine, now: int, warnings: List[str], unfinished: Sequence[Unfinished]
) -> Iterator[Target]:
    digests_of: Dict[str, List[str]] = {}
    on_their_way: Dict[str, Target] = {}
    for listed in engine.get("/containers/json", {"all": True, "filters": {"label": [ours.OPT_IN]}}):
        labels = listed.get("Labels") or {}
        if _SWARM_TASK in labels or (labels.get(_COMPOSE_ONE_OFF) or "").lower() == "true":
            continue
        try:
            container = engine.get(f"/containers/{listed['Id']}/json")
            image_id = container.get("Image") or ""
            if image_id not in digests_of:
                digests_of[image_id] = _repo_digests(engine, image_id) if image_id else []
        except NotFound:
            continue
        except EngineError as error:
            name = ((listed.get("Names") or [""])[0] or listed["Id"]).lstrip("/")
            warnings.append(f"container {name} cannot be read ({error.message}), and is left alone")
            continue
        name = (container.get("Name") or listed["Id"]).lstrip("/")
        if not (container.get("Config") or {}).get("Image"):
            warnings.append(f"container {name} is shown without its image's name, and is left alone")
            continue
        owner = owner_of(unfinished, container["Id"], name)
        if is_aside(name) and not owner:
            warnings.append(f"container {name} was left by an update of which no journal tells: {_LEFT}")
            continue
        warnings += [f"container {name}: {problem}" for problem in ours.problems(labels)]
        if not ours.opted_in(labels):
            continue
        image = container["Config"]["Image"]
        reference, problem = _reference(image)
        if reference and reference.digest:
            reference, problem = (
                None,
                f"{image} is pinned to a digest by whoever created it, so no push concerns it",
            )
        if problem:
            warnings.append(f"container {name}: {problem}")
        target: Target = {
            "kind": CONTAINER,
            "id": container["Id"],
            "name": owner or name,
            "image": image,
            "image_id": image_id,
            "reference": str(reference) if reference else None,
            "digests": _digests_in(digests_of[image_id], reference) if reference else [],
            "mode": None,
            "options": ours.rolling_options(labels),
            "state": (container.get("State") or {}).get("Status"),
            **_changed(container.get("Created"), now),
        }
        if not owner:
            yield target
        elif owner not in on_their_way or target["state"] == "running":
            on_their_way[owner] = {**target, "state": UNFINISHED, "digests": []}
    yield from on_their_way.values()


def _repo_digests(engine: Engine, image_id: str) -> List[str]:
    try:
        return list(engine.get(f"/images/{image_id}/json").get("RepoDigests") or [])
    except NotFound:
        return []


def _digests_in(repo_digests: Sequence[str], reference: Reference) -> List[str]:
    """One image can be known under several digests of a repository: an index's and its manifest's."""
    # Engines also write "<none>@<none>".
    known = (found for found, _ in map(_reference, repo_digests) if found)
    return sorted(
        found.digest
        for found in known
        if found.digest and (found.host, found.repository) == (reference.host, reference.repository)
    )


def _reference(image: str) -> Tuple[Optional[Reference], Optional[str]]:
    try:
        reference = Reference.parse(image)
    except InvalidReference as error:
        return None, f"{error}, so no push concerns it"
    if reference.tag is None:
        return reference, f"{image} names no tag, so no push concerns it"
    return reference, None


def _changed(moment: Optional[str], now: int) -> Dict[str, Any]:
    """Return the moment and its age by the engine's clock: a reader with another clock can place it in time."""
    when = nanoseconds(moment)
    return {"changed_at": moment, "age": None if when is None else max(0.0, (now - when) / SECOND)}
