# SPDX-License-Identifier: Apache-2.0
"""The request that creates a container again, as its user made it, from another image. Pure.

It starts from what the engine says of the container and changes little, so that fields of later engines
survive; every change is named here with its reason.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.config import (
    explain,
    lists_of_names,
    with_image_defaults,
    without_image_defaults,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.given import Given
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.networks import (
    Endpoint,
    plan_networks,
    shares_network,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.storage import (
    keep_storage,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.labels import KEEP_ENV

COMPOSE_IMAGE_LABEL = "com.docker.compose.image"

# What moby masks by itself, 20.10 to 29. The engine's own list of today is better than that of yesterday.
_MASKED_BY_ENGINE = re.compile(
    r"/proc/(asound|acpi|interrupts|kcore|keys|latency_stats|timer_list|timer_stats|sched_debug|scsi)"
    r"|/sys/firmware|/sys/devices/virtual/powercap|/sys/devices/system/cpu/cpu[0-9]+/thermal_throttle"
)
_READONLY_BY_ENGINE = re.compile(r"/proc/(bus|fs|irq|sys|sysrq-trigger)")


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
    keep_storage(given, config, host, warnings)
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
