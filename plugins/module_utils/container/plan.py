# SPDX-License-Identifier: Apache-2.0
"""From a wish to a swap: look at the container, its image and its neighbours, and refuse what cannot go well.

Everything here only reads, except the pull.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import (
    Containers,
    Inspect,
    reference_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions import relations
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.health import (
    health_check_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.recreate import (
    Given,
    Recreation,
    recreate,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    PAUSED,
    RUNNING,
    STOPPED,
    Member,
    Swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.needs import missing_needs

# Without one of these, what a container had would be taken for nothing.
_PARTS = ("Config", "HostConfig", "Mounts", "NetworkSettings", "State")


class Refused(Exception):
    """The container is not touched; ``outcome`` is ``failed`` or ``skipped``, the message says why."""

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


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


def wanted_state(container: Mapping[str, Any]) -> str:
    """Return whether the container is RUNNING, PAUSED or STOPPED as far as its user is concerned."""
    state = container["State"]
    status = state.get("Status")
    if state.get("Paused") or status == "paused":
        return PAUSED
    # One that crashes again and again is wanted up by whoever gave it that restart policy.
    is_up = state.get("Running") or state.get("Restarting") or status in ("running", "restarting")
    return RUNNING if is_up else STOPPED


def check_target(target: Inspect, host: Host, address: str) -> None:
    """Raise :class:`Refused` for a container that must not, or cannot, be replaced."""
    why = relations.why_untouchable(target)
    if why:
        raise Refused("skipped", f"{relations.name_of(target)} is not touched: {why}")
    _check_whole(target)
    status = target["State"]["Status"]
    if status in ("dead", "removing"):
        raise Refused(
            "failed", f"the engine shows {relations.name_of(target)} as {status}: remove what is left of it"
        )
    if _carries_us(target, address):
        raise Refused(
            "failed",
            f"{relations.name_of(target)} carries the connection to the engine at {address} or this very process:"
            " stopping it would leave nobody to start it again; reach the engine through its socket on the host",
        )
    for name in (target["NetworkSettings"].get("Networks") or {}) if _has_networks(target) else ():
        if all(name not in (network["Name"], network["Id"]) for network in host.networks):
            raise Refused(
                "failed", f"network {name} of {relations.name_of(target)} no longer exists: create it again"
            )


def _check_whole(container: Mapping[str, Any]) -> None:
    for part in _PARTS:
        if container.get(part) is None:
            raise Refused(
                "failed",
                f"the engine shows {relations.name_of(container)} without its {part}, so nobody can tell what to keep: look at"
                " its log, and try again",
            )


def check_needs(containers: Containers, target: Mapping[str, Any], host: Host) -> None:
    """Raise :class:`Refused` where something is gone without which no container like ``target`` starts again.

    Of a lost volume or folder the engine would silently make an empty one.
    """
    missing = next(missing_needs(containers, target, host.info, host.containers), None)
    if missing:
        raise Refused("failed", missing)


@dataclass(frozen=True)
class Planned:
    """A swap, and what it changes in words."""

    swap: Swap
    before: Dict[str, Any]
    after: Dict[str, Any]
    recreated: Tuple[str, ...]
    restarted: Tuple[str, ...]


def plan_swap(  # noqa: PLR0913 - what a plan is made from
    containers: Containers,
    host: Host,
    target: Inspect,
    old_image: Inspect,
    new_image: Inspect,
    wanted: Mapping[str, Any],
) -> Planned:
    """Return how to give ``target`` the new image; raises :class:`Refused`."""
    main, recreation = _member(containers, host, target, old_image, new_image)
    members = [main]
    warnings: List[str] = list(recreation.warnings)
    warnings += [f"{one}: if it leans on {main.name}, it is not recreated with it" for one in host.unreadable]
    restarts: List[Mapping[str, Any]] = []
    recreated: List[str] = []
    for other, how in relations.dependents(target, host.containers):
        name = relations.name_of(other)
        why = relations.why_untouchable(other)
        if why:
            warnings.append(f"{name} shares a namespace with {main.name} and is not recreated: {why}")
        elif how == relations.RESTART:
            if wanted_state(other) == RUNNING:
                check_needs(containers, other, host)
                restarts.append(other)
        else:
            members.append(_dependent(containers, host, other, main))
            recreated.append(name)
    if len(members) > 1 and any(member.vanishes for member in members):
        raise Refused(
            "failed",
            f"{main.name} cannot be replaced together with {', '.join(recreated)}: one of them was started with --rm"
            " and could not be brought back as it was",
        )
    swap = Swap(
        token=secrets.token_hex(4),
        members=tuple(members),
        restarts=tuple(one["Id"] for one in restarts),
        wanted=dict(wanted),
        warnings=(*warnings, *containers.slow),
    )
    return Planned(
        swap,
        recreation.before,
        recreation.after,
        tuple(recreated),
        tuple(relations.name_of(one) for one in restarts),
    )


def _dependent(containers: Containers, host: Host, other: Mapping[str, Any], main: Member) -> Member:
    name = relations.name_of(other)
    image = containers.image(other["Image"])
    if image is None:
        raise Refused(
            "failed",
            f"{name} must be recreated together with {main.name}, and its image {other['Image']} is gone: pull it again",
        )
    if image.get("Config") is None:
        raise Refused(
            "failed",
            f"{name} must be recreated together with {main.name}, and the engine shows its image {other['Image']} without a"
            " configuration: pull it again",
        )
    _check_whole(other)
    check_needs(containers, other, host)
    return _member(containers, host, other, image, image)[0]


def _member(
    containers: Containers, host: Host, container: Mapping[str, Any], old_image: Inspect, new_image: Inspect
) -> Tuple[Member, Recreation]:
    given = Given(
        container=container,
        old_image=old_image,
        new_image=new_image,
        api=containers.api,
        mac=containers.configured_mac(container),
        asked=containers.asked_of_networks(container, host.info.get("DockerRootDir") or ""),
        swarm_scoped=host.swarm_scoped,
        providers=relations.index(host.containers),
        host_name=host.info.get("Name") or "",
        platform=platform_of(old_image, host),
    )
    forth = recreate(given)
    back = recreate(Given(**{**given.__dict__, "new_image": old_image}))
    state = container["State"]
    member = Member(
        name=relations.name_of(container),
        old_id=container["Id"],
        was=wanted_state(container),
        policy=container["HostConfig"].get("RestartPolicy") or {},
        vanishes=bool(container["HostConfig"].get("AutoRemove")),
        create=_request(forth, new_image, container),
        restore=_request(back, old_image, container),
        files=tuple(containers.copied_files(container))
        if "com.docker.compose.project" in relations.labels_of(container)
        else (),
        # Whoever was not well before says nothing about an image that is not its own.
        gated=old_image["Id"] != new_image["Id"]
        or not (
            state.get("Restarting")
            or (health_check_of(container) and (state.get("Health") or {}).get("Status") != "healthy")
        ),
    )
    return member, forth


def _request(made: Recreation, image: Inspect, container: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        "body": made.body,
        "platform": made.platform,
        "connect": made.connect,
        "disconnect": list(made.disconnect),
        "image": image["Id"],
        "reference": container["Config"]["Image"],
    }


def platform_of(image: Mapping[str, Any], host: Host) -> str:
    """Return ``os/architecture[/variant]`` of an image that is not made for the host, else nothing."""
    architecture = image.get("Architecture") or ""
    if not architecture or not host.architecture or architecture == host.architecture:
        return ""
    return "/".join(
        part for part in (image.get("Os") or "linux", architecture, image.get("Variant") or "") if part
    )


def tag_target(containers: Containers, name: str) -> Optional[str]:
    """Return the id of the image that ``name`` (as a container has it) means on the engine now, if any."""
    reference = reference_of(name)
    image = containers.image(str(reference)) if reference else None
    return image["Id"] if image else None


def _has_networks(target: Inspect) -> bool:
    mode = target["HostConfig"].get("NetworkMode") or ""
    return mode not in ("host", "none") and not mode.startswith("container:")


def _carries_us(target: Inspect, address: str) -> bool:
    """Whether stopping ``target`` cuts this process off from the engine, or ends it."""
    parts = urlsplit(address)
    if parts.scheme != "unix" and parts.port:
        for bindings in (target["HostConfig"].get("PortBindings") or {}).values():
            if any(binding.get("HostPort") == str(parts.port) for binding in bindings or ()):
                return True
    try:
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            mounts = [line.split() for line in file]
    except OSError:
        return False
    # The engine mounts files of a container's own folder (resolv.conf, hostname) into it: root, mount point.
    return any(
        f"/containers/{target['Id']}/" in mount[3] and mount[4].startswith("/etc/") for mount in mounts
    )
