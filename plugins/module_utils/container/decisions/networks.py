# SPDX-License-Identifier: Apache-2.0
"""The networks of a container: what its user configured of each, and how to ask for it again. Pure.

What an engine shows of an endpoint is what was asked for and what came of it. Only the first may be sent
again: an address or a hardware address that the engine had chosen would become a fixed one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

Endpoint = Dict[str, Any]

# Everything else of an endpoint is configuration, fields of later engines included.
_OPERATIONAL = frozenset(
    (
        "NetworkID",
        "EndpointID",
        "Gateway",
        "IPAddress",
        "IPPrefixLen",
        "IPv6Gateway",
        "GlobalIPv6Address",
        "GlobalIPv6PrefixLen",
        "DNSNames",
        "MacAddress",
    )
)
_SYSCTLS = "com.docker.network.endpoint.sysctls"


@dataclass(frozen=True)
class Asked:
    """What the engine's own record says was asked of one endpoint, where that record can be read.

    ``mac`` is the configured hardware address or empty; ``address_is_chosen`` tells that the address shown as
    configured was chosen by the swarm's allocator.
    """

    mac: str = ""
    address_is_chosen: bool = False


@dataclass(frozen=True)
class Networks:
    """How to ask for a container's networks: endpoints in the create request, calls right after it.

    ``mac`` belongs into the container's own configuration (engines before API 1.44); ``connect`` and
    ``disconnect`` come between create and start.
    """

    create: Dict[str, Endpoint] = field(default_factory=dict)
    connect: Dict[str, Endpoint] = field(default_factory=dict)
    disconnect: Tuple[str, ...] = ()
    mac: str = ""
    sysctls: Optional[Dict[str, str]] = None
    warnings: Tuple[str, ...] = ()


def shares_network(mode: str) -> bool:
    """Tell whether a container with this NetworkMode uses the network of another container."""
    return mode.startswith("container:")


def plan_networks(
    container: Mapping[str, Any],
    api: Tuple[int, ...],
    mac: str,
    asked: Optional[Mapping[str, Asked]] = None,
    swarm_scoped: Tuple[str, ...] = (),
) -> Networks:
    """Return how to give ``container`` (its inspect) the same networks again on an engine of API version ``api``.

    ``mac`` is the hardware address configured for the primary network (Config.MacAddress of an inspect through
    API 1.51 or lower). ``asked`` is the engine's own record by network name, None where it cannot be read;
    ``swarm_scoped`` names the networks whose addresses a swarm manages.
    """
    mode = container["HostConfig"].get("NetworkMode") or "default"
    if mode in ("host", "none") or shares_network(mode):
        return Networks()
    shown: Mapping[str, Any] = container["NetworkSettings"].get("Networks") or {}
    primary = _primary(mode, shown)
    warnings: List[str] = []
    endpoints: Dict[str, Endpoint] = {}
    for name, endpoint in shown.items():
        record = (asked or {}).get(name)
        wanted = _configured(name, endpoint or {}, container, api)
        if name in swarm_scoped and (asked is None or (record and record.address_is_chosen)):
            wanted.pop("IPAMConfig", None)
        if api >= (1, 44):
            address = mac if name == primary else _secondary_mac(name, endpoint or {}, api, record, warnings)
            if record is not None:
                address = record.mac
            if address:
                wanted["MacAddress"] = address
        endpoints[name] = wanted
    sysctls = _move_sysctls(container, endpoints, primary, api)
    absent = () if primary in shown else (primary,)
    if api >= (1, 44):
        return Networks(endpoints, {}, absent, "", sysctls, tuple(warnings))
    first = {name: endpoint for name, endpoint in endpoints.items() if name == primary and endpoint}
    rest = {name: endpoint for name, endpoint in endpoints.items() if name != primary}
    return Networks(first, rest, absent, mac, sysctls, tuple(warnings))


def _primary(mode: str, shown: Mapping[str, Any]) -> str:
    """Return the network that NetworkMode names, by the name under which the engine shows it."""
    if mode in ("", "default", "bridge"):
        return "bridge"
    for name, endpoint in shown.items():
        if name != mode and len(mode) >= 12 and (endpoint or {}).get("NetworkID", "").startswith(mode):
            return name
    return mode


def _configured(
    name: str, shown: Mapping[str, Any], container: Mapping[str, Any], api: Tuple[int, ...]
) -> Endpoint:
    wanted = {key: value for key, value in shown.items() if key not in _OPERATIONAL and value}
    if "IPAMConfig" in wanted:
        wanted["IPAMConfig"] = {key: value for key, value in wanted["IPAMConfig"].items() if value}
        if not wanted["IPAMConfig"]:
            del wanted["IPAMConfig"]
    if name == "bridge":  # the default bridge knows neither names nor fixed addresses
        wanted.pop("IPAMConfig", None)
        wanted.pop("Aliases", None)
        return wanted
    # Engines add the short id, before API 1.45 visibly also the hostname, and before 25 kept both for ever.
    added = {container["Id"][:12]}
    if api < (1, 45):
        added.add(container["Config"].get("Hostname") or "")
    aliases = [alias for alias in wanted.pop("Aliases", ()) if alias not in added]
    if aliases:
        wanted["Aliases"] = list(dict.fromkeys(aliases))
    return wanted


def _secondary_mac(
    name: str,
    endpoint: Mapping[str, Any],
    api: Tuple[int, ...],
    record: Optional[Asked],
    warnings: List[str],
) -> str:
    """Guess whether a further network's hardware address was configured: no API tells (moby issue 48168)."""
    shown = endpoint.get("MacAddress") or ""
    if not shown or record is not None:
        return ""
    octets = [part for part in (endpoint.get("IPAddress") or "").split(".") if part]
    if len(octets) == 4 and shown.lower() == "02:42:" + ":".join("%02x" % int(part) for part in octets):
        return ""
    if api < (1, 48):
        return shown
    warnings.append(
        f"a hardware address configured for network {name}, if there was one, is not kept:"
        " the engine does not tell it from a chosen one, and its own record is out of reach"
    )
    return ""


def _move_sysctls(
    container: Mapping[str, Any], endpoints: Dict[str, Endpoint], primary: str, api: Tuple[int, ...]
) -> Optional[Dict[str, str]]:
    """Move settings of one interface to its endpoint: API 1.48 and later refuse them elsewhere."""
    sysctls: Mapping[str, str] = container["HostConfig"].get("Sysctls") or {}
    ours = {key: value for key, value in sysctls.items() if key.startswith("net.") and ".eth0." in key}
    if not ours or api < (1, 48) or primary not in endpoints:
        return None
    moved = ",".join(
        "{}={}".format(key.replace(".eth0.", ".IFNAME."), value) for key, value in sorted(ours.items())
    )
    options = dict(endpoints[primary].get("DriverOpts") or {})
    options[_SYSCTLS] = ",".join(part for part in (options.get(_SYSCTLS), moved) if part)
    endpoints[primary]["DriverOpts"] = options
    return {key: value for key, value in sysctls.items() if key not in ours}
