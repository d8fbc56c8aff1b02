# SPDX-License-Identifier: Apache-2.0
"""From a request to a swap: which containers are replaced, how each is made again, and who must follow. It only reads."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.checks import (
    Refused,
    check_needs,
    check_whole,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions import relations
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.given import Given
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.health import (
    health_check_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
    platform_of,
    reference_of,
    wanted_state,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.recreate import (
    Recreation,
    recreate,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    RUNNING,
    Member,
    Swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.host import Host
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import FAILED


@dataclass(frozen=True)
class Planned:
    """A swap, and what it changes in words."""

    swap: Swap
    before: Dict[str, Any]
    after: Dict[str, Any]
    recreated: Tuple[str, ...]
    restarted: Tuple[str, ...]


@dataclass(frozen=True)
class Replacement:
    """A container that is to be given another image. The images are inspects; ``wanted`` is what the journal keeps."""

    target: Mapping[str, Any]
    old_image: Inspect
    new_image: Inspect
    wanted: Mapping[str, Any]


def plan_swap(containers: Containers, host: Host, replacement: Replacement) -> Planned:
    """Return how to give a container the new image; raises :class:`Refused`."""
    target = replacement.target
    main, recreation = _member(containers, host, replacement)
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
            FAILED,
            f"{main.name} cannot be replaced together with {', '.join(recreated)}: one of them was started with --rm"
            " and could not be brought back as it was",
        )
    swap = Swap(
        token=secrets.token_hex(4),
        members=tuple(members),
        restarts=tuple(one["Id"] for one in restarts),
        wanted=dict(replacement.wanted),
        warnings=(*warnings, *containers.files.slow),
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
            FAILED,
            f"{name} must be recreated together with {main.name}, and its image {other['Image']} is gone: pull it again",
        )
    if image.get("Config") is None:
        raise Refused(
            FAILED,
            f"{name} must be recreated together with {main.name}, and the engine shows its image {other['Image']} without a"
            " configuration: pull it again",
        )
    check_whole(other)
    check_needs(containers, other, host)
    return _member(containers, host, Replacement(other, image, image, {}))[0]


def _member(containers: Containers, host: Host, replacement: Replacement) -> Tuple[Member, Recreation]:
    container, old_image, new_image = replacement.target, replacement.old_image, replacement.new_image
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
        platform=platform_of(old_image, host.architecture),
    )
    forth = recreate(given)
    back = recreate(replace(given, new_image=old_image))
    state, name = container["State"], container["Config"]["Image"]
    member = Member(
        name=relations.name_of(container),
        old_id=container["Id"],
        was=wanted_state(container),
        policy=container["HostConfig"].get("RestartPolicy") or {},
        vanishes=bool(container["HostConfig"].get("AutoRemove")),
        create=_request(forth, new_image, replacement.wanted.get("image") or name),
        restore=_request(back, old_image, name),
        files=tuple(containers.files.copied(container)),
        # Whoever was not well before says nothing about an image that is not its own.
        gated=old_image["Id"] != new_image["Id"]
        or not (
            state.get("Restarting")
            or (health_check_of(container) and (state.get("Health") or {}).get("Status") != "healthy")
        ),
    )
    return member, forth


def _request(made: Recreation, image: Inspect, name: str) -> Dict[str, Any]:
    return {
        "body": {**made.body, "Image": name},
        "platform": made.platform,
        "connect": made.connect,
        "disconnect": list(made.disconnect),
        "image": image["Id"],
        "reference": name,
    }


def tag_target(containers: Containers, name: str) -> Optional[str]:
    """Return the id of the image that ``name`` (as a container has it) means on the engine now, if any."""
    reference = reference_of(name)
    image = containers.image(str(reference)) if reference else None
    return image["Id"] if image else None
