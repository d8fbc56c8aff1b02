# SPDX-License-Identifier: Apache-2.0
"""What an engine shows of a container or image, read: whether it is whole, which image it is, how it stands. Pure."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.sight import Seen
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    PAUSED,
    RUNNING,
    STOPPED,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import ONE_SHOT, says_yes
from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.times import nanoseconds

Inspect = Dict[str, Any]


def is_whole(container: Mapping[str, Any]) -> bool:
    """Whether the engine shows of a container what everything here begins with."""
    parts = ("Id", "Name", "Image", "Config", "HostConfig", "State")
    return all(container.get(part) is not None for part in parts)


def as_seen(container: Inspect) -> Seen:
    """Return an inspect in the terms of a swap."""
    state = container["State"]
    return Seen(
        id=container["Id"],
        name=container["Name"].lstrip("/"),
        status=state["Status"],
        started=(nanoseconds(state.get("StartedAt")) or 0) > 0,
        started_at=nanoseconds(state.get("StartedAt")) or 0,
        error=state.get("Error") or "",
        policy=(container["HostConfig"].get("RestartPolicy") or {}).get("Name") or "",
        finished=(state["Status"], state.get("ExitCode")) == ("exited", 0)
        and says_yes((container["Config"].get("Labels") or {}).get(ONE_SHOT, "")),
    )


def reference_of(name: str) -> Optional[Reference]:
    """Return the reference that an image name of a container is, None where it is an image id."""
    try:
        return Reference.parse(name)
    except InvalidReference:
        return None


def digest_of(image: Mapping[str, Any], reference: Reference) -> Optional[str]:
    """Return the digest under which ``image`` came from the repository of ``reference``, None where it did not."""
    for digest in digests_of(image, reference):
        return digest
    return None


def digests_of(image: Mapping[str, Any], reference: Reference) -> Iterator[str]:
    """Yield every digest under which ``image`` came from the repository of ``reference``."""
    for name in image.get("RepoDigests") or ():
        known = reference_of(name)
        if (
            known
            and known.digest
            and known.familiar_repository.lower() == reference.familiar_repository.lower()
        ):
            yield known.digest


def wanted_state(container: Mapping[str, Any]) -> str:
    """Return whether the container is RUNNING, PAUSED or STOPPED as far as its user is concerned."""
    state = container["State"]
    status = state.get("Status")
    if state.get("Paused") or status == "paused":
        return PAUSED
    # One that crashes again and again is wanted up by whoever gave it that restart policy.
    is_up = state.get("Running") or state.get("Restarting") or status in ("running", "restarting")
    return RUNNING if is_up else STOPPED


def platform_of(image: Mapping[str, Any], architecture: str) -> str:
    """Return ``os/architecture[/variant]`` of an image that is not made for a host of ``architecture``, else nothing."""
    made_for = image.get("Architecture") or ""
    if not made_for or not architecture or made_for == architecture:
        return ""
    return "/".join(
        part for part in (image.get("Os") or "linux", made_for, image.get("Variant") or "") if part
    )
