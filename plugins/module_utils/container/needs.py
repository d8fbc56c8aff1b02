# SPDX-License-Identifier: Apache-2.0
"""What a start takes from the host and that may be gone since the container started last.

A container that needs such a thing goes on without it until it stops; then neither its successor starts nor itself. So
it is looked for before anything stops. Only what is surely gone is told: whatever may start is left to the engine.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from typing import Any, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.relations import (
    index,
    name_of,
)

_APPARMOR = "/sys/kernel/security/apparmor/profiles"
# The engine loads this one itself.
_ENGINES_PROFILES = ("unconfined", "docker-default")
_ANY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not listened on


def missing_needs(
    containers: Containers, container: Mapping[str, Any], info: Mapping[str, Any], all_of: Sequence[Any]
) -> Iterator[str]:
    """Yield a sentence for each thing that ``container`` needs to start and that is gone.

    ``info`` is what the engine says of itself, ``all_of`` are the inspects of every container on it.
    """
    name = name_of(container)
    engine = _process_of(containers.engine.address)
    sees_files = _is_shared(engine, "root")
    for mount in container.get("Mounts") or ():
        where = "at {} of {}".format(mount["Destination"], name)
        if mount["Type"] == "volume" and mount.get("Name"):
            is_mounted = _is_used_by_others(mount["Name"], container, all_of)
            yield from _missing_of_volume(
                containers, mount["Name"], where, is_looked_for=sees_files and not is_mounted
            )
        if mount["Type"] == "bind" and sees_files and _is_gone(mount["Source"]):
            yield f"{mount['Source']} {where} no longer exists on the host: restore it first"
    # One that is stopped is not to be started.
    if not (container["State"].get("Running") or container["State"].get("Restarting")):
        return
    yield from _missing_providers(container, all_of)
    if sees_files:
        yield from _missing_devices(container)
        yield from _missing_profile(container)
        yield from _missing_runtime(container)
    is_rootless = any("rootless" in option for option in info.get("SecurityOptions") or ())
    if _is_shared(engine, "ns/net") and not is_rootless:
        yield from _missing_addresses(container)


def _missing_of_volume(
    containers: Containers, name: str, where: str, *, is_looked_for: bool
) -> Iterator[str]:
    listed = containers.engine.get("/volumes", {"filters": {"name": [name]}}).get("Volumes") or ()
    volume = next((one for one in listed if one["Name"] == name), None)
    if volume is None:
        yield f"volume {name} {where} no longer exists: restore it first"
        return
    device = str((volume.get("Options") or {}).get("device") or "")
    # A path of this host; //host/share and :/path are others'.
    is_path = device.startswith("/") and not device.startswith("//")
    if volume.get("Driver") == "local" and is_path and is_looked_for and _is_gone(device):
        yield f"{device}, which volume {name} {where} mounts, no longer exists on the host: restore it first"


def _missing_providers(container: Mapping[str, Any], all_of: Sequence[Any]) -> Iterator[str]:
    """Of a namespace or a link, an engine wants the other container to run when this one starts."""
    host, known = container["HostConfig"], index(all_of)
    needed = [(host.get(mode) or "").partition(":") for mode in ("NetworkMode", "PidMode", "IpcMode")]
    peers = [peer for kind, _, peer in needed if kind == "container"]
    peers += [link.partition(":")[0].lstrip("/") for link in host.get("Links") or ()]
    for peer in dict.fromkeys(peers):
        provider = known.get(peer)
        if provider is None:
            yield f"container {peer}, which {name_of(container)} cannot start without, is gone: create both again"
        elif not provider["State"].get("Running"):
            yield f"container {name_of(provider)}, which {name_of(container)} cannot start without, does not run: start it first"


def _missing_devices(container: Mapping[str, Any]) -> Iterator[str]:
    host, name = container["HostConfig"], name_of(container)
    for device in host.get("Devices") or ():
        path = device.get("PathOnHost") or ""
        # With --privileged it is one of all devices, and not asked for (moby, daemon/oci_linux.go: WithDevices).
        is_asked_for = not (host.get("Privileged") and path == device.get("PathInContainer"))
        if path and is_asked_for and not _is_device(path):
            yield f"device {path} of {name} is no longer there: plug it in, or create {name} without it"
    for limit, devices in host.items():
        if limit.startswith("Blkio") and isinstance(devices, list):
            for path in (one.get("Path") or "" for one in devices):
                if path and _is_gone(path):
                    yield f"device {path}, for which {name} has a limit ({limit}), is no longer there"


def _missing_profile(container: Mapping[str, Any]) -> Iterator[str]:
    for option in container["HostConfig"].get("SecurityOpt") or ():
        kind, _, profile = option.replace("apparmor:", "apparmor=", 1).partition("=")
        if kind != "apparmor" or profile in _ENGINES_PROFILES:
            continue
        try:
            with open(_APPARMOR, encoding="utf-8") as file:
                loaded = {line.rpartition(" (")[0] for line in file}
        except OSError:
            return
        if loaded and profile not in loaded:
            yield f"AppArmor profile {profile} of {name_of(container)} is not loaded any more: load it first"


def _missing_runtime(container: Mapping[str, Any]) -> Iterator[str]:
    """Tell whether the program that started the container, its parent, has been removed since.

    A runtime that the engine lists nowhere is accepted by name when a container is created, and missed at its start.
    """
    try:
        with open("/proc/{}/stat".format(container["State"].get("Pid") or 0), encoding="utf-8") as file:
            parent = file.read().rpartition(")")[2].split()[1]
        program, is_gone, _ = os.readlink(f"/proc/{parent}/exe").partition(" (deleted)")
    except (OSError, IndexError):
        return
    # One that was upgraded is another file of the same name.
    if is_gone and _is_gone(program):
        yield f"{program}, which started {name_of(container)}, was removed from the host: install its runtime again"


def _missing_addresses(container: Mapping[str, Any]) -> Iterator[str]:
    bindings = (container["HostConfig"].get("PortBindings") or {}).values()
    addresses = {binding.get("HostIp") or "" for listed in bindings for binding in listed or ()}
    for address in sorted(addresses.difference(_ANY_ADDRESS)):
        if _is_nobodys(address):
            yield f"{name_of(container)} publishes ports at {address}, which is no address of this host any more"


def _is_nobodys(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.bind((address, 0))
    except OSError as error:
        return error.errno == errno.EADDRNOTAVAIL
    return False


def _is_used_by_others(volume: str, container: Mapping[str, Any], all_of: Sequence[Any]) -> bool:
    """Whether the volume is mounted anyway: an engine mounts it for the first who uses it."""
    return any(
        other["Id"] != container["Id"]
        and other["State"].get("Running")
        and any(mount.get("Name") == volume for mount in other.get("Mounts") or ())
        for other in all_of
    )


def _is_gone(path: str) -> bool:
    """Whether nothing has this name; what may not be looked at may be there."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _is_device(path: str) -> bool:
    """Whether an engine takes ``path`` for a device, or a folder of them; what may not be looked at may be one."""
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISDIR(mode)


def _process_of(address: str) -> int:
    """Return the id of the process that listens at ``address``, 0 where it is none of this host's."""
    if not address.startswith("unix://"):
        return 0
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(urlsplit(address).path)
            size = struct.calcsize("3i")
            process: int = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[
                0
            ]
    except OSError:
        return 0
    return process


def _is_shared(process: int, what: str) -> bool:
    """Whether we see the same as ``process``: files ("root"), or addresses ("ns/net"). Not in a container of its own."""
    try:
        theirs, ours = os.stat(f"/proc/{process}/{what}"), os.stat(f"/proc/self/{what}")
    except OSError:
        return False
    return process != 0 and (theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino)
