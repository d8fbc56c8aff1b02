# SPDX-License-Identifier: Apache-2.0
"""The volumes and folders of a container that is created again: none is lost, and none is made anew unasked. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.given import Given

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_OPTIONS_OF_MOUNT = {"BindOptions": "bind", "VolumeOptions": ("volume", "cluster"), "TmpfsOptions": "tmpfs"}


def keep_storage(given: Given, config: Dict[str, Any], host: Dict[str, Any], warnings: List[str]) -> None:
    """Keep every volume: the engine would make a new, empty one for each that has no name in the request."""
    old_volumes = (given.old_image.get("Config") or {}).get("Volumes") or {}
    new_volumes = (given.new_image.get("Config") or {}).get("Volumes") or {}
    own = {posixpath.normpath(path) for path in config["Volumes"]}
    mounts = [_fitting_options(mount) for mount in host.get("Mounts") or ()]
    own.update(posixpath.normpath(mount["Target"]) for mount in mounts if not mount.get("Source"))
    binds = []
    for bind in host.get("Binds") or ():
        if ":" in bind:
            binds.append(bind)
        else:  # a volume without a name
            own.add(posixpath.normpath(bind))
    image_only = {posixpath.normpath(path) for path in old_volumes} - own
    gone = image_only - {posixpath.normpath(path) for path in new_volumes}
    takes_volumes = host.get("VolumesFrom")
    if takes_volumes:
        # A volume at such a path may have come from another container, not from the image: none is let go.
        gone = set()
    # A volume that an earlier update carried over has its name in Mounts, and still belongs to the image.
    mounts = [
        mount for mount in mounts if not (_was_carried(mount) and posixpath.normpath(mount["Target"]) in gone)
    ]
    named = {posixpath.normpath(bind.split(":")[1]) for bind in binds}
    named.update(posixpath.normpath(mount["Target"]) for mount in mounts if mount.get("Source"))
    named.update(posixpath.normpath(path) for path in host.get("Tmpfs") or {})
    inherited, host["VolumesFrom"] = _volumes_from(given)

    for shown in given.container.get("Mounts") or ():
        path = posixpath.normpath(shown["Destination"])
        if path in named or (path, shown.get("Name") or shown.get("Source")) in inherited:
            continue
        # The image's own have no name.
        if shown["Type"] == "volume" and path in gone and _ANONYMOUS.fullmatch(shown["Name"]):
            warnings.append(
                f"volume {shown['Name']} at {path} is no longer mounted, because the new image does not declare it;"
                " the volume itself is kept"
            )
        elif shown["Type"] == "volume" and path in image_only and takes_volumes:
            # By its name, so that no later update takes it for the image's.
            binds.append(
                "{}:{}{}".format(shown["Name"], shown["Destination"], "" if shown.get("RW", True) else ":ro")
            )
        elif shown["Type"] in ("volume", "bind"):
            _mount_again(shown, mounts)
    host["Binds"] = binds or None
    host["Mounts"] = mounts or None
    if not host["Mounts"]:
        del host["Mounts"]


def _was_carried(mount: Mapping[str, Any]) -> bool:
    return mount.get("Type") == "volume" and bool(_ANONYMOUS.fullmatch(mount.get("Source") or ""))


def _mount_again(shown: Mapping[str, Any], mounts: List[Dict[str, Any]]) -> None:
    path = posixpath.normpath(shown["Destination"])
    is_volume = shown["Type"] == "volume"
    for mount in mounts:
        if posixpath.normpath(mount["Target"]) == path:
            mount["Source"] = shown["Name"]
            return
    mount = {
        "Type": shown["Type"],
        "Source": shown["Name"] if is_volume else shown["Source"],
        "Target": shown["Destination"],
        "ReadOnly": not shown.get("RW", True),
    }
    if not is_volume and shown.get("Propagation"):
        mount["BindOptions"] = {"Propagation": shown["Propagation"]}
    mounts.append(mount)


def _fitting_options(mount: Mapping[str, Any]) -> Dict[str, Any]:
    """Options of another type of mount were ignored by old engines and are refused since API 1.42."""
    return {
        key: value
        for key, value in mount.items()
        if key not in _OPTIONS_OF_MOUNT or mount.get("Type") in _OPTIONS_OF_MOUNT[key]
    }


def _volumes_from(given: Given) -> Tuple[Set[Tuple[str, Any]], Optional[List[str]]]:
    """Return what is still inherited, as (path, volume or source), and the entries that still name a container."""
    inherited = set()
    entries = []
    for entry in given.container["HostConfig"].get("VolumesFrom") or ():
        name, colon, mode = entry.partition(":")
        provider = given.providers.get(name)
        if provider is None:
            continue  # gone: its mounts are named one by one instead
        entries.append(name + colon + mode)
        for mount in provider.get("Mounts") or ():
            inherited.add(
                (posixpath.normpath(mount["Destination"]), mount.get("Name") or mount.get("Source"))
            )
    return inherited, entries or None
