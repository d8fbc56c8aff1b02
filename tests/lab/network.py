# SPDX-License-Identifier: Apache-2.0
"""The lab's network: a bridge in a namespace of its own, with a cable to every host and to the outer machine.

The bridge is nobody else's, because an engine drops what its machine forwards and filters its bridges: an
engine on the outer machine, or one in a host, must not reach it. There is no way out of a lab: no host has
a default route.
"""

import json

from lab.commands import run
from lab.errors import LabError
from lab.places import bridge_namespace, host_namespace, outer_interface
from lab.spec import LabSpec, PlannedHost

_BRIDGE = "rdu-bridge"
_OUTER_PORT = "rdu-outer"


def create(spec: LabSpec) -> None:
    """Make the namespaces, cables and addresses of a lab, all at once.

    Raises `LabError` if the lab's network is in use on this machine, as another lab's for instance.
    """
    _refuse_taken_network(spec)
    bridge, outer = bridge_namespace(spec.name), outer_interface(spec.name)
    for namespace in (bridge, *(host_namespace(spec.name, host.name) for host in spec.planned_hosts)):
        run("ip", "netns", "add", namespace)
    _batch(
        None,
        f"link add {outer} address {_hardware(spec.address)} type veth peer name {_OUTER_PORT} netns {bridge}",
        f"address add {spec.address}/{spec.network.prefixlen} dev {outer}",
        f"link set {outer} up",
        *_neighbours(spec, outer, spec.address),
    )
    _batch(
        bridge,
        f"link add {_BRIDGE} type bridge",
        f"link set {_BRIDGE} up",
        f"link set {_OUTER_PORT} master {_BRIDGE} up",
        *(line for host in spec.planned_hosts for line in _cable(spec, host)),
    )
    for host in spec.planned_hosts:
        _batch(
            host_namespace(spec.name, host.name),
            "link set lo up",
            f"address add {host.address}/{spec.network.prefixlen} dev eth0",
            "link set eth0 up",
            *_neighbours(spec, "eth0", host.address),
        )


def set_cable(lab: str, host: PlannedHost, *, plugged: bool) -> None:
    """Pull the cable of a host at the bridge's end, or plug it in again."""
    run("ip", "-n", bridge_namespace(lab), "link", "set", _port(host), "up" if plugged else "down")


def namespaces(lab: str) -> list[str]:
    """The network namespaces of a lab that exist, by their names, in order."""
    bridge = bridge_namespace(lab)
    return sorted(name for name in _all_namespaces() if name == bridge or name.startswith(f"{bridge}."))


def labs() -> set[str]:
    """The labs of which there are network namespaces."""
    return {name.split(".")[1] for name in _all_namespaces() if name.startswith("rdu.")}


def remove(lab: str) -> None:
    """Remove all that `create` made, or as much as there is of it."""
    # The kernel takes namespaces down in its own time, and with them this end of the cable: be first.
    run("ip", "link", "delete", outer_interface(lab), check=False)
    for namespace in namespaces(lab):
        run("ip", "netns", "delete", namespace)


def _refuse_taken_network(spec: LabSpec) -> None:
    for interface in json.loads(run("ip", "-json", "-4", "address").stdout):
        for address in interface.get("addr_info", ()):
            if address["local"] in map(str, spec.network):
                raise LabError(
                    f"lab {spec.name}: its network {spec.network} is in use, by {interface['ifname']}: "
                    "stop the other lab, or take another name"
                )


def _cable(spec: LabSpec, host: PlannedHost) -> tuple[str, ...]:
    port, namespace = _port(host), host_namespace(spec.name, host.name)
    hardware = _hardware(host.address)
    return (
        f"link add {port} type veth peer name eth0 address {hardware} netns {namespace}",
        f"link set {port} master {_BRIDGE} up",
    )


def _neighbours(spec: LabSpec, interface: str, own: str) -> tuple[str, ...]:
    # With nobody to ask for a dead host's hardware address, connections to it time out, as if the host were
    # behind a router. Otherwise they would end after three seconds with "no route to host".
    everybody = (spec.address, *(host.address for host in spec.planned_hosts))
    return tuple(
        f"neighbour replace {address} lladdr {_hardware(address)} dev {interface} nud permanent"
        for address in everybody
        if address != own
    )


def _port(host: PlannedHost) -> str:
    return f"rdu-{host.address.rpartition('.')[2]}"


def _hardware(address: str) -> str:
    # 02: locally administered.
    return ":".join(("02", "00", *(f"{int(byte):02x}" for byte in address.split("."))))


def _all_namespaces() -> list[str]:
    return [line.split()[0] for line in run("ip", "netns", "list").stdout.splitlines()]


def _batch(namespace: str | None, *lines: str) -> None:
    where = ("-n", namespace) if namespace else ()
    run("ip", *where, "-batch", "-", input="\n".join(lines) + "\n")
