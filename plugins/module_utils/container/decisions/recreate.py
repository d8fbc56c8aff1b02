# SPDX-License-Identifier: Apache-2.0
"""The request that creates a container again, as its user made it, from another image. Pure.

It starts from what the engine says of the container and changes little, so that fields of later engines
survive; every change is named here with its reason.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.config import (
    explain,
    lists_of_names,
    with_image_defaults,
    without_image_defaults,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.networks import (
    Asked,
    Endpoint,
    plan_networks,
    shares_network,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import KEEP_ENV

COMPOSE_IMAGE_LABEL = "com.docker.compose.image"

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
# What moby masks by itself, 20.10 to 29. The engine's own list of today is better than that of yesterday.
_MASKED_BY_ENGINE = re.compile(
    r"/proc/(asound|acpi|interrupts|kcore|keys|latency_stats|timer_list|timer_stats|sched_debug|scsi)"
    r"|/sys/firmware|/sys/devices/virtual/powercap|/sys/devices/system/cpu/cpu[0-9]+/thermal_throttle"
)
_READONLY_BY_ENGINE = re.compile(r"/proc/(bus|fs|irq|sys|sysrq-trigger)")
_OPTIONS_OF_MOUNT = {"BindOptions": "bind", "VolumeOptions": ("volume", "cluster"), "TmpfsOptions": "tmpfs"}


@dataclass(frozen=True)
class Given:
    """All that a recreation is decided from.

    ``container``, ``old_image`` and ``new_image`` are inspects; ``api`` the version spoken, as numbers;
    ``mac``, ``asked`` and ``swarm_scoped`` are explained at ``plan_networks``; ``providers`` maps what VolumesFrom
    names to an inspect, where there is still such a container; ``platform`` is set where it is not the host's.
    """

    container: Mapping[str, Any]
    old_image: Mapping[str, Any]
    new_image: Mapping[str, Any]
    api: Tuple[int, ...]
    mac: str = ""
    asked: Optional[Mapping[str, Asked]] = None
    swarm_scoped: Tuple[str, ...] = ()
    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    host_name: str = ""
    platform: str = ""


@dataclass(frozen=True)
class Recreation:
    """How to create the container again.

    ``body`` and ``platform`` make the create request, ``connect`` and ``disconnect`` follow it; ``before`` and
    ``after`` say what changes of the image's defaults; ``warnings`` what cannot be kept.
    """

    body: Dict[str, Any]
    platform: str
    connect: Dict[str, Endpoint]
    disconnect: Tuple[str, ...]
    before: Dict[str, Any]
    after: Dict[str, Any]
    warnings: Tuple[str, ...]


def recreate(given: Given) -> Recreation:
    """Return how to create ``given.container`` again from ``given.new_image``."""
    container = given.container
    labels = container["Config"].get("Labels") or {}
    warnings: List[str] = []

    config = without_image_defaults(
        container["Config"],
        given.old_image.get("Config") or {},
        lists_of_names(labels.get(KEEP_ENV) or ""),
    )
    host = dict(container["HostConfig"])
    _storage(given, config, host, warnings)
    _name_of_host(given, config)
    host["Links"] = [_link(link) for link in host.get("Links") or ()] or None
    _engine_defaults(given, host)
    _ports(config, host)
    if shares_network(host.get("NetworkMode") or ""):
        _leave_to_network_owner(config, host)
    _compose_identity(given, config, warnings)

    networks = plan_networks(container, given.api, given.mac, given.asked, given.swarm_scoped)
    warnings.extend(networks.warnings)
    config.pop("MacAddress", None)  # belongs to the endpoint since API 1.44
    if networks.mac:
        config["MacAddress"] = networks.mac
    if networks.sysctls is not None:
        host["Sysctls"] = networks.sysctls

    body = dict(config)
    body["HostConfig"] = host
    if networks.create:
        body["NetworkingConfig"] = {"EndpointsConfig": networks.create}
    before, after = explain(
        container["Config"], with_image_defaults(config, given.new_image.get("Config") or {})
    )
    return Recreation(
        body, given.platform, networks.connect, networks.disconnect, before, after, tuple(warnings)
    )


def follow(body: Mapping[str, Any], renewed: Mapping[str, str]) -> Dict[str, Any]:
    """Return a create request whose references to other containers, by id or name, point to ``renewed`` ones.

    ``renewed`` maps the ids and names of containers that are recreated in the same go to their new ids.
    """
    host = dict(body["HostConfig"])
    for mode in ("NetworkMode", "PidMode", "IpcMode"):
        kind, _, peer = (host.get(mode) or "").partition(":")
        if kind == "container":
            host[mode] = "container:" + renewed.get(peer, peer)
    if host.get("Links"):
        links = (link.partition(":") for link in host["Links"])
        host["Links"] = [f"{renewed.get(target, target)}:{alias}" for target, _, alias in links]
    return {**body, "HostConfig": host}


def _storage(given: Given, config: Dict[str, Any], host: Dict[str, Any], warnings: List[str]) -> None:
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


def _volumes_from(given: Given) -> Tuple[set, Optional[List[str]]]:  # type: ignore[type-arg]
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


def _name_of_host(given: Given, config: Dict[str, Any]) -> None:
    """Without a name of its own a container is called after its id, or after the host whose network it uses."""
    host = given.container["HostConfig"]
    chosen = {given.container["Id"][:12]}
    if host.get("NetworkMode") == "host":
        chosen.add(given.host_name)
    if config.get("Hostname") in chosen or host.get("UTSMode") == "host":
        config["Hostname"] = ""


def _link(shown: str) -> str:
    """Turn ``/other:/own/alias``, as engines show a link, into ``other:alias``, as they take it."""
    target, _, alias = shown.partition(":")
    return "{}:{}".format(target.lstrip("/"), posixpath.basename(alias))


def _engine_defaults(given: Given, host: Dict[str, Any]) -> None:
    """Drop what the engine filled in, where sending it again is refused or freezes a default."""
    for paths, by_engine in (("MaskedPaths", _MASKED_BY_ENGINE), ("ReadonlyPaths", _READONLY_BY_ENGINE)):
        shown = host.get(paths)
        # An empty list means "none" and is the user's; null means the engine's own.
        if shown and all(by_engine.fullmatch(path) for path in shown):
            del host[paths]
    if host.get("MemorySwappiness") == -1:
        host["MemorySwappiness"] = None
    if not host.get("Memory") and (host.get("MemorySwap") or 0) > 0:
        host["MemorySwap"] = 0
    if given.api >= (1, 42):
        host.pop("KernelMemory", None)
        host.pop("KernelMemoryTCP", None)
    options = host.get("SecurityOpt") or []
    joined = [option for option in options if option.startswith(("label=", "label:"))]
    if len(joined) >= 4 and any(
        (host.get(mode) or "").startswith("container:") for mode in ("PidMode", "IpcMode")
    ):
        host["SecurityOpt"] = [option for option in options if option not in joined]  # the former peer's


def _ports(config: Dict[str, Any], host: Dict[str, Any]) -> None:
    bindings = {
        port: where for port, where in (host.get("PortBindings") or {}).items() if port.partition("/")[0]
    }
    host["PortBindings"] = bindings
    config["ExposedPorts"] = {**config["ExposedPorts"], **{port: {} for port in bindings}}


def _leave_to_network_owner(config: Dict[str, Any], host: Dict[str, Any]) -> None:
    """In another container's network these are that one's, and the engine refuses them."""
    for key in ("Hostname", "Domainname"):
        config[key] = ""
    config["ExposedPorts"] = {}
    host["PortBindings"] = {}
    host["PublishAllPorts"] = False
    for key in ("Dns", "DnsOptions", "DnsSearch", "ExtraHosts", "Links"):
        host[key] = None


def _compose_identity(given: Given, config: Dict[str, Any], warnings: List[str]) -> None:
    """Compose recreates a container whose image label is not the identity of the image it finds."""
    labels = config["Labels"]
    old = labels.get(COMPOSE_IMAGE_LABEL)
    if old is None:
        return
    for identity in (_image_id, _platform_manifest):
        if identity(given.old_image, given) == old and identity(given.new_image, given):
            labels[COMPOSE_IMAGE_LABEL] = identity(given.new_image, given)
            return
    labels[COMPOSE_IMAGE_LABEL] = given.new_image["Id"]
    if given.old_image["Id"] != given.new_image["Id"]:
        warnings.append(
            f"the label {COMPOSE_IMAGE_LABEL} did not name the container's image: Compose may recreate the container"
        )


def _image_id(image: Mapping[str, Any], _: Given) -> str:
    return str(image["Id"])


def _platform_manifest(image: Mapping[str, Any], given: Given) -> str:
    """Return the digest of the image's manifest for one platform: the identity of Compose 5.5 and later."""
    wanted = given.container.get("ImageManifestDescriptor") or {}
    platform = wanted.get("platform") or {}
    for manifest in image.get("Manifests") or ():
        if manifest.get("Kind") != "image":
            continue
        shown = (manifest.get("ImageData") or {}).get("Platform") or {}
        if not platform or all(shown.get(key) == platform.get(key) for key in ("os", "architecture")):
            return str((manifest.get("Descriptor") or {}).get("digest") or manifest.get("ID") or "")
    return ""
