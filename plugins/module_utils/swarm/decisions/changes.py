# SPDX-License-Identifier: Apache-2.0
"""What is sent for a service as it is now, to bring it to an image and back from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions import (
    spec as swarm_spec,
)

Service = Dict[str, Any]
Auth = Optional[Mapping[str, str]]
Platforms = Sequence[Mapping[str, Any]]


class Superseded(Exception):
    """Somebody else changed or removed the service, and that is respected."""


@dataclass(frozen=True)
class Change:
    """What to send for a service: a spec, how, and with which credentials."""

    spec: Mapping[str, Any]
    query: Mapping[str, str]
    auth: Auth = None


@dataclass(frozen=True)
class Move:
    """An update of a service, from the image ``before`` to ``wanted``, with the platforms of each.

    Those of ``wanted`` may be none: then placement stays as it is. ``auth`` are the credentials for pulling either.
    """

    before: str
    wanted: str
    platforms_before: Platforms
    platforms: Platforms
    auth: Auth = None


def forward(service: Service, move: Move) -> Optional[Change]:
    """Return what brings the service to the image, None where it has it. Raises :class:`Superseded` for any third image."""
    spec = service["Spec"]
    image = swarm_spec.image_of(spec)
    if image == move.wanted:
        return None
    if image != move.before:
        raise Superseded(f"somebody changed the image to {image} in the meantime")
    new = swarm_spec.with_image(spec, move.wanted, move.platforms or swarm_spec.platforms_of(spec))
    return Change(new, {"registryAuthFrom": "spec"}, move.auth)


def backward(service: Service, move: Move) -> Optional[Change]:
    """Return what brings the service back: swarm's own rollback, unless that would take back more than the image.

    None where it is back. Raises :class:`Superseded` for any third image.
    """
    spec = service["Spec"]
    image = swarm_spec.image_of(spec)
    if image == move.before:
        return None
    if image != move.wanted:
        raise Superseded(f"somebody changed the image to {image} in the meantime")
    previous = service.get("PreviousSpec") or {}
    if swarm_spec.image_of(previous) == move.before and swarm_spec.differ_only_in_image(spec, previous):
        # The body is not read then, and the credentials are those stored with the spec before.
        return Change(spec, {"rollback": "previous", "registryAuthFrom": "previous-spec"})
    old = swarm_spec.with_image(spec, move.before, move.platforms_before)
    return Change(old, {"registryAuthFrom": "spec"}, move.auth)
