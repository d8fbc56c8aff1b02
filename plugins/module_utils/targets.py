# SPDX-License-Identifier: Apache-2.0
"""What a target is called: its kind, its key, its place, and the image it runs. Pure.

A target is a mapping as the module ``targets_info`` lists them (``kind``, ``id``, ``name``, ``image``, ``digests``), or a
result of the modules that update one, which has the first three as well.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, Iterable, List, Mapping, TypeVar

SERVICE, CONTAINER = "service", "container"
KINDS = (SERVICE, CONTAINER)

# The state of a target whose update was begun and has not ended: what it will run is open.
UNFINISHED = "unfinished"

Target = Mapping[str, Any]
OneTarget = TypeVar("OneTarget", bound=Target)


def service_key(service_id: str) -> str:
    """Return the key of a swarm service: ids of services are unique among all swarms."""
    return f"{SERVICE}/{service_id}"


def container_key(host: str, name: str) -> str:
    """Return the key of a container: its host and name, for its id changes with every update."""
    return f"{CONTAINER}/{host}/{name}"


def key_of(target: Target, host: str) -> str:
    """Return the key of ``target``, which ``host`` told of: its identity across scans and recreations."""
    if target["kind"] == SERVICE:
        return service_key(target["id"])
    return container_key(host, target["name"])


def place_of(kind: str, host: str) -> str:
    """Say for people where a target of this kind is that ``host`` told of."""
    return f"swarm of {host}" if kind == SERVICE else f"host {host}"


def of_kind(targets: Iterable[OneTarget], kind: str) -> List[OneTarget]:
    """Return those of ``targets`` that are of one kind."""
    return [target for target in targets if target["kind"] == kind]


def without_skipped(targets: Iterable[OneTarget], host: str, skip: Collection[str]) -> List[OneTarget]:
    """Return those of the ``targets`` of ``host`` whose key is not in ``skip``."""
    return [target for target in targets if key_of(target, host) not in skip]


def image_before(target: Target) -> Dict[str, Any]:
    """Return image and digest of a target that a scan found, as outcomes tell what ran before."""
    return {"image": target["image"], "digest": min(target["digests"], default=None)}
