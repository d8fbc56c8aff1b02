# SPDX-License-Identifier: Apache-2.0
"""The container in which all this runs: which one it is, whether work would end it, and what a helper beside it is like. Pure."""

from __future__ import annotations

import re
from typing import Any, Collection, Dict, Iterable, List, Mapping, Sequence, Set

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.networks import (
    shares_network,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.relations import (
    dependents,
    name_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import Swap
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import OPT_IN

_OWN_FOLDER = re.compile("/containers/([0-9a-f]{64})/")
# What ends at each start is not to be started for ever.
_TRIES = 5
# How it is confined: the same for a helper.
_KEPT = (
    "CapAdd",
    "CapDrop",
    "Dns",
    "DnsOptions",
    "DnsSearch",
    "ExtraHosts",
    "GroupAdd",
    "LogConfig",
    "Privileged",
    "ReadonlyRootfs",
    "Runtime",
    "SecurityOpt",
    "UsernsMode",
)


def own_ids(mountinfo: str) -> Set[str]:
    """Return the id of the container whose ``/proc/self/mountinfo`` this is; of nested ones all, outside of any none.

    An engine mounts files of a container's own folder into it: resolv.conf, hostname and hosts.
    """
    mounts = [line.split() for line in mountinfo.splitlines()]
    # Root within its file system, mount point: proc_pid_mountinfo(5).
    roots = [fields[3] for fields in mounts if len(fields) > 4 and fields[4].startswith("/etc/")]
    return {found.group(1) for found in map(_OWN_FOLDER.search, roots) if found}


def is_touched(
    own: str, names: Collection[str], found: Sequence[Mapping[str, Any]], swaps: Iterable[Swap]
) -> bool:
    """Tell whether updates of the containers called ``names``, or ``swaps`` that were begun, stop the container ``own`` (an id).

    ``found`` are the inspects of all containers.
    """
    if any(is_in_swap(own, swap) for swap in swaps):
        return True
    return any(is_along(own, target, found) for target in found if name_of(target) in names)


def is_in_swap(own: str, swap: Swap) -> bool:
    """Tell whether ``swap`` replaces or restarts the container ``own`` (an id)."""
    members = {identity for member in swap.members for identity in (member.old_id, member.new_id)}
    return own in members.union(swap.restarts)


def is_along(own: str, target: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the container ``own`` (an id) is ``target``, or leans on it so that both are stopped; ``found`` are all."""
    return any(one["Id"] == own for one in (target, *(other for other, _ in dependents(target, found))))


def has_mount(container: Mapping[str, Any], path: str) -> bool:
    """Tell whether what lies at ``path`` in ``container`` outlives it: in a volume, or in a folder of the host."""
    places = [
        str(mount.get("Destination") or "").rstrip("/")
        for mount in container.get("Mounts") or ()
        if mount.get("Type") in ("volume", "bind")
    ]
    return any(path == place or path.startswith(place + "/") for place in places)


def helper_name(own: Mapping[str, Any], token: str) -> str:
    """Return the name of a helper of the container ``own``: one that nobody takes for a target."""
    return f"{name_of(own)}.updater-{token}-helper"


def networks_of_helper(own: Mapping[str, Any], *, has_socket: bool) -> List[str]:
    """Return the networks of a helper, the mode of its network first: those of ``own``, as the way to the engine may lead through any.

    Where that is a socket (``has_socket``), it does not share the network of another container, which may be stopped in the midst of it.
    """
    mode = own["HostConfig"].get("NetworkMode") or "default"
    if shares_network(mode):
        return ["default"] if has_socket else [mode]
    if mode in ("host", "none"):
        return [mode]
    return sorted((own.get("NetworkSettings") or {}).get("Networks") or ()) or ["none"]


def helper_body(own: Mapping[str, Any], command: Sequence[str], network: str) -> Dict[str, Any]:
    """Return the request that creates a helper: a container of the same image, that sees and may do the same, and runs ``command``.

    The engine starts it again when it ends with another code than 0, as it does where it was killed, or the host lost power.
    """
    config, host = own["Config"], own["HostConfig"]
    temporary = dict(host.get("Tmpfs") or {})
    binds: List[str] = []
    for mount in own.get("Mounts") or ():
        if mount.get("Type") == "tmpfs":
            temporary[mount["Destination"]] = ""
        else:
            source = mount.get("Name") or mount["Source"]
            # That it is read-only stands in RW for sure, in Mode only where whoever made it wrote it there.
            modes = [mode for mode in (mount.get("Mode") or "").split(",") if mode not in ("", "ro", "rw")]
            modes.append("rw" if mount.get("RW", True) else "ro")
            binds.append("{}:{}:{}".format(source, mount["Destination"], ",".join(modes)))
    return {
        "Image": own["Image"],
        "Entrypoint": list(command),
        "Cmd": [],
        "Env": config.get("Env") or [],
        "User": config.get("User") or "",
        "WorkingDir": "/",
        # What the image says is no matter: nobody is to update, or to watch, a helper.
        "Labels": {OPT_IN: "false"},
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            **{name: host[name] for name in _KEPT if host.get(name) is not None},
            "NetworkMode": network,
            "Binds": binds,
            "Tmpfs": temporary,
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": _TRIES},
        },
    }
