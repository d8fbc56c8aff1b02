# SPDX-License-Identifier: Apache-2.0
"""Containers that hang together: by a network, a namespace, a link or addresses."""

import pytest

from fleet.containers.conftest import run, version_of
from fleet.containers_support import Site

pytestmark = pytest.mark.lab


def test_whoever_shares_a_network_or_a_namespace_is_recreated_with_it_from_its_own_image(
    site: Site, digests: dict[str, str]
) -> None:
    run(site, "vpn", "-p", "8080:80", "--ipc", "shareable")
    run(site, "client", "--network", "container:vpn", "-v", "/data")
    run(site, "debugger", "--pid", "container:client", "--ipc", "container:vpn")
    run(site, "stopped", "--network", "container:vpn")
    site.host.docker("stop", "-t", "1", "stopped")
    site.host.docker("exec", "client", "sh", "-c", "echo precious > /data/file")

    result = site.update("vpn", digests["good"])

    assert result["outcome"] == "updated", result["message"]
    assert site.names() == {
        "vpn": "running",
        "client": "running",
        "debugger": "running",
        "stopped": "created",
    }
    assert [version_of(site, name) for name in ("vpn", "client", "debugger")] == ["2", "1", "1"]
    assert site.inspect("client")["Config"]["Image"] == site.image
    assert site.host.docker("exec", "client", "cat", "/data/file") == "precious\n"
    vpn = site.inspect("vpn")["Id"]
    assert site.inspect("client")["HostConfig"]["NetworkMode"] == f"container:{vpn}"
    assert site.inspect("debugger")["HostConfig"]["PidMode"] == f"container:{site.inspect('client')['Id']}"
    addresses = [site.host.docker("exec", name, "ip", "addr") for name in ("vpn", "client")]
    assert addresses[0] == addresses[1]
    site.host.docker("start", "stopped")
    assert site.engine.get(f"/images/{site.image}/json")["Id"] == site.inspect("vpn")["Image"]


def test_a_rollback_brings_those_back_that_share_a_network(site: Site, digests: dict[str, str]) -> None:
    run(site, "vpn")
    run(site, "client", "--network", "container:vpn")
    ids = {name: site.inspect(name)["Id"] for name in ("vpn", "client")}

    assert site.update("vpn", digests["crashing"])["outcome"] == "rolled_back"
    assert {name: site.inspect(name)["Id"] for name in ("vpn", "client")} == ids
    assert site.names() == {"vpn": "running", "client": "running"}
    addresses = [site.host.docker("exec", name, "ip", "addr") for name in ("vpn", "client")]
    assert addresses[0] == addresses[1]


def test_links_point_to_the_new_container(site: Site, digests: dict[str, str]) -> None:
    run(site, "database")
    run(site, "web", "--link", "database:db")

    assert site.update("database", digests["good"])["outcome"] == "updated"
    assert site.inspect("web")["HostConfig"]["Links"] == ["/database:/web/db"]
    address = site.inspect("database")["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    assert address in site.host.docker("exec", "web", "cat", "/etc/hosts")
    assert site.update("web", digests["good"])["outcome"] == "updated"


def test_several_targets_of_one_push_come_in_order_whoever_leans_on_whom(
    site: Site, digests: dict[str, str]
) -> None:
    run(site, "z-vpn")
    run(site, "a-client", "--network", "container:z-vpn")
    run(site, "free")

    order = site.module(state="repaired")["order"]
    assert order.index("z-vpn") < order.index("a-client")
    for name in order:
        assert site.update(name, digests["good"])["outcome"] == "updated"
    assert [version_of(site, name) for name in order] == ["2", "2", "2"]


def test_a_network_with_address_alias_and_several_networks_are_kept_while_running(
    site: Site, digests: dict[str, str]
) -> None:
    site.host.docker("network", "create", "--subnet", "10.211.0.0/24", "one")
    site.host.docker("network", "create", "--subnet", "10.212.0.0/24", "two")
    run(
        site,
        "web",
        "--network",
        "one",
        "--ip",
        "10.211.0.9",
        "--network-alias",
        "a",
        "--mac-address",
        "02:00:00:00:00:09",
    )
    site.host.docker("network", "connect", "--ip", "10.212.0.9", "--alias", "b", "two", "web")
    run(site, "free", "--network", "one")

    for name in ("web", "free"):
        assert site.update(name, digests["good"])["outcome"] == "updated"

    networks = site.inspect("web")["NetworkSettings"]["Networks"]
    assert {name: endpoint["IPAddress"] for name, endpoint in networks.items()} == {
        "one": "10.211.0.9",
        "two": "10.212.0.9",
    }
    assert networks["one"]["MacAddress"] == "02:00:00:00:00:09"
    assert "a" in networks["one"]["Aliases"]
    assert "b" in networks["two"]["Aliases"]
    assert not (site.inspect("free")["NetworkSettings"]["Networks"]["one"]["IPAMConfig"] or {}).get(
        "IPv4Address"
    )
    assert not site.inspect("free")["Config"].get("MacAddress")
    old_id = site.inspect("web")["Id"][:12]
    site.update("web", digests["old"])
    aliases = site.inspect("web")["NetworkSettings"]["Networks"]["one"]["Aliases"]
    assert old_id not in aliases, "short ids of former containers do not pile up"
