# SPDX-License-Identifier: Apache-2.0
"""What is refused before anything is touched: what must not be replaced, and what could not come back."""

from __future__ import annotations

from typing import Any, Mapping, Sequence
from urllib.parse import urlsplit

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions import relations
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.handover import why_not_here
from ansible_collections.registry.docker_updater.plugins.module_utils.container.host import Host
from ansible_collections.registry.docker_updater.plugins.module_utils.container.needs import missing_needs
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import FAILED, SKIPPED

# Without one of these, what a container had would be taken for nothing.
_PARTS = ("Config", "HostConfig", "Mounts", "NetworkSettings", "State")


class Refused(Exception):
    """The container is not touched; the message says why, and ``log`` what an image that was found bad before left."""

    def __init__(self, outcome: str, message: str, log: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.outcome, self.log = outcome, log


def check_target(target: Inspect, host: Host, address: str, journal_directory: str) -> None:
    """Raise :class:`Refused` for a container that must not, or cannot, be replaced."""
    why = relations.why_untouchable(target)
    if why:
        raise Refused(SKIPPED, f"{relations.name_of(target)} is not touched: {why}")
    check_whole(target)
    status = target["State"]["Status"]
    if status in ("dead", "removing"):
        raise Refused(
            FAILED, f"the engine shows {relations.name_of(target)} as {status}: remove what is left of it"
        )
    if _carries_connection(target, address):
        raise Refused(
            FAILED,
            f"{relations.name_of(target)} carries the connection to the engine at {address}: stopping it would leave nobody to"
            " start it again; reach the engine through its socket on the host",
        )
    # What can be handed over is not asked for here, but by a helper.
    why = why_not_here(target, host.containers, journal_directory)
    if why:
        raise Refused(FAILED, f"{relations.name_of(target)} is not touched: {why}")
    for name in (target["NetworkSettings"].get("Networks") or {}) if _has_networks(target) else ():
        if all(name not in (network["Name"], network["Id"]) for network in host.networks):
            raise Refused(
                FAILED, f"network {name} of {relations.name_of(target)} no longer exists: create it again"
            )


def check_whole(container: Mapping[str, Any]) -> None:
    """Raise :class:`Refused` for a container of which the engine shows parts only."""
    for part in _PARTS:
        if container.get(part) is None:
            raise Refused(
                FAILED,
                f"the engine shows {relations.name_of(container)} without its {part}, so nobody can tell what to keep: look at"
                " its log, and try again",
            )


def check_needs(containers: Containers, target: Mapping[str, Any], host: Host) -> None:
    """Raise :class:`Refused` where something is gone without which no container like ``target`` starts again.

    Of a lost volume or folder the engine would silently make an empty one.
    """
    missing = next(missing_needs(containers, target, host.info, host.containers), None)
    if missing:
        raise Refused(FAILED, missing)


def _has_networks(target: Inspect) -> bool:
    mode = target["HostConfig"].get("NetworkMode") or ""
    return mode not in ("host", "none") and not mode.startswith("container:")


def _carries_connection(target: Inspect, address: str) -> bool:
    """Whether stopping ``target`` cuts this process off from the engine."""
    parts = urlsplit(address)
    if parts.scheme == "unix" or not parts.port:
        return False
    return any(
        binding.get("HostPort") == str(parts.port)
        for bindings in (target["HostConfig"].get("PortBindings") or {}).values()
        for binding in bindings or ()
    )
