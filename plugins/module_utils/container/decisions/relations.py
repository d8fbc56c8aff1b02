# SPDX-License-Identifier: Apache-2.0
"""Which containers lean on which, and which are never touched. Pure: inspects in, ids and sentences out."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import is_aside

Container = Mapping[str, Any]

RECREATE, RESTART = "recreate", "restart"

_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_DEPENDS_ON = "com.docker.compose.depends_on"


def labels_of(container: Container) -> Mapping[str, str]:
    """Return the labels of ``container``, empty where it has none."""
    return container["Config"].get("Labels") or {}


def name_of(container: Container) -> str:
    """Return the name without the slash that engines show before it."""
    return str(container["Name"]).lstrip("/")


def why_untouchable(container: Container) -> str:
    """Say why ``container`` must never be replaced; empty where it may be."""
    labels, name = labels_of(container), name_of(container)
    reasons = (
        ("com.docker.swarm.task.id" in labels, "it is a task of a swarm service: update the service"),
        (
            (labels.get("com.docker.compose.oneoff") or "").lower() == "true",
            "it is a one-off run of Compose",
        ),
        ("com.docker.compose.hook" in labels, "it is a hook of Compose"),
        (any(key.startswith("io.kubernetes.") for key in labels), "it belongs to Kubernetes"),
        (name.startswith("buildx_buildkit_"), "it is a builder of buildx"),
        (is_aside(name), "an update that is under way, or was interrupted, keeps it"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def dependents(target: Container, others: Sequence[Container]) -> List[Tuple[Container, str]]:
    """Return who must follow when ``target`` is replaced, in the order in which they come up, and how.

    RECREATE: they hold the id of a container that will be gone (network, pid or ipc namespace, links), and so do
    those that lean on them in turn. RESTART: Compose was told to restart them (``depends_on`` with ``restart``).
    """
    replaced = [target]
    found: List[Tuple[Container, str]] = []
    waiting = [other for other in others if other["Id"] != target["Id"]]
    for provider in replaced:  # grows while it is read: whoever leans on a recreated one is recreated too
        for other in list(waiting):
            if _holds(other, provider):
                waiting.remove(other)
                replaced.append(other)
                found.append((other, RECREATE))
    ordered = {container["Id"]: number for number, container in enumerate(in_order(replaced))}
    found.sort(key=lambda pair: ordered[pair[0]["Id"]])
    restarted = {other["Id"] for other in waiting if _restarts_with(other, target)}
    if restarted:
        found.extend((other, RESTART) for other in in_order(waiting) if other["Id"] in restarted)
    return found


def side_by_side(targets: Sequence[Container], others: Sequence[Container]) -> List[List[Container]]:
    """Return ``targets`` in groups that have nothing to do with one another, each in the order in which they come up.

    Two belong together when replacing one of them touches what the other is, touches, or leans on; ``others`` are all
    containers of the engine.
    """
    touched, needed = {}, {}
    for target in targets:
        along = [target, *(other for other, _ in dependents(target, others))]
        touched[target["Id"]] = {one["Id"] for one in along}
        needed[target["Id"]] = {other["Id"] for other in others if any(_leans(one, other) for one in along)}
    groups: List[List[Container]] = []
    for target in targets:
        touches, needs = touched[target["Id"]], needed[target["Id"]]
        related = [
            group
            for group in groups
            if any(
                touches & (touched[one["Id"]] | needed[one["Id"]]) or needs & touched[one["Id"]]
                for one in group
            )
        ]
        groups = [group for group in groups if group not in related]
        groups.append([target, *(one for group in related for one in group)])
    return [in_order(group) for group in groups]


def in_order(containers: Sequence[Container]) -> List[Container]:
    """Return ``containers`` with those that others lean on first; by name where nothing else says."""
    rest = sorted(containers, key=name_of)
    ordered: List[Container] = []
    while rest:
        free = [one for one in rest if not any(_leans(one, other) for other in rest if other is not one)]
        step = free or rest[:1]  # a circle: break it anywhere
        ordered.extend(step)
        rest = [one for one in rest if all(one is not done for done in step)]
    return ordered


def providers_named(container: Container) -> Set[str]:
    """Return what VolumesFrom of ``container`` names."""
    return {entry.partition(":")[0] for entry in container["HostConfig"].get("VolumesFrom") or ()}


def _holds(one: Container, other: Container) -> bool:
    """Whether ``one`` keeps a reference to ``other`` that dies with it."""
    host = one["HostConfig"]
    if any(host.get(mode) == "container:" + other["Id"] for mode in ("NetworkMode", "PidMode", "IpcMode")):
        return True
    return name_of(other) in {link.partition(":")[0].lstrip("/") for link in host.get("Links") or ()}


def _leans(one: Container, other: Container) -> bool:
    """Whether ``one`` should come up after ``other``."""
    if _holds(one, other):
        return True
    named = providers_named(one)
    for endpoint in (one["NetworkSettings"].get("Networks") or {}).values():
        named |= {link.partition(":")[0] for link in (endpoint or {}).get("Links") or ()}
    if named & {name_of(other), other["Id"], other["Id"][:12]}:
        return True
    return _depends(one, other, lambda _: True)


def _restarts_with(one: Container, target: Container) -> bool:
    return _depends(one, target, lambda options: options[-1:] == ["true"])


def _depends(one: Container, other: Container, matches: Callable[[List[str]], bool]) -> bool:
    """Read Compose's label: ``service:condition:restart``, several joined by commas."""
    labels, others = labels_of(one), labels_of(other)
    service: Optional[str] = others.get(_SERVICE)
    if not service or not labels.get(_PROJECT) or labels.get(_PROJECT) != others.get(_PROJECT):
        return False
    for entry in (labels.get(_DEPENDS_ON) or "").split(","):
        name, *options = entry.split(":")
        if name == service and matches(options):
            return True
    return False


def index(containers: Iterable[Container]) -> Dict[str, Container]:
    """Return ``containers`` by everything that may name them: id, short id, name."""
    found: Dict[str, Container] = {}
    for container in containers:
        for key in (container["Id"], container["Id"][:12], name_of(container)):
            found[key] = container
    return found
