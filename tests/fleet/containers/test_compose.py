# SPDX-License-Identifier: Apache-2.0
"""Containers from Compose, 1 and 2: updated, with as little as possible left for Compose to do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fleet.containers.conftest import version_of
from fleet.containers_support import Site

pytestmark = pytest.mark.lab


@pytest.fixture(name="compose_site")
def _compose_site(site: Site) -> Iterator[Site]:
    if site.host.suite == "bookworm":
        pytest.skip("has Compose 1, which has a test of its own")
    yield site
    compose(site, "down", "-v", "-t", "1")


def compose(site: Site, *arguments: str) -> str:
    return site.host.run("docker-compose", "-f", "/srv/app/compose.yml", *arguments, timeout=120).stderr


def compose_file(site: Site, content: dict[str, Any]) -> None:
    site.host.run("mkdir", "-p", "/srv/app")
    site.host.run("sh", "-c", "cat > /srv/app/compose.yml", input=json.dumps(content))


def test_compose_finds_nothing_to_do_after_an_update(compose_site: Site, digests: dict[str, str]) -> None:
    site = compose_site
    compose_file(
        site,
        {
            "services": {
                "web": {
                    "image": site.image,
                    "ports": ["8080:80"],
                    "volumes": ["/data", "named:/named"],
                    "depends_on": {"database": {"condition": "service_started"}},
                    "configs": ["inline"],
                    "environment": {"MINE": "1"},
                    "networks": {"one": {"aliases": ["w"], "priority": 5}, "two": {}},
                },
                "database": {"image": site.image, "networks": ["one"]},
                "worker": {
                    "image": site.image,
                    "depends_on": {"database": {"condition": "service_started", "restart": True}},
                },
            },
            "networks": {"one": {}, "two": {}},
            "volumes": {"named": {}},
            "configs": {"inline": {"content": "precious"}},
        },
    )
    compose(site, "up", "-d")
    site.host.docker("exec", "app-web-1", "sh", "-c", "echo precious > /data/file; echo pid > /tmp/pid")
    worker = site.inspect("app-worker-1")

    for name in ("app-database-1", "app-web-1", "app-worker-1"):
        result = site.update(name, digests["good"])
        assert (result["outcome"], result["warnings"]) == ("updated", [])
        if name == "app-database-1":
            restarted = site.inspect("app-worker-1")
            assert restarted["Id"] == worker["Id"]
            assert restarted["State"]["StartedAt"] > site.inspect(name)["State"]["StartedAt"]

    ids = {name: site.inspect(name)["Id"] for name in site.names()}
    assert len(ids) == 3
    assert site.host.docker("exec", "app-web-1", "cat", "/data/file", "/inline") == "precious\nprecious"
    assert site.host.docker("exec", "app-web-1", "sh", "-c", "ls /tmp").split() == [], "its own litter is not"
    said = compose(site, "up", "-d")
    assert {name: site.inspect(name)["Id"] for name in site.names()} == ids, said


def test_compose_recreates_once_whoever_shares_a_network_because_its_hash_holds_the_other_id(
    compose_site: Site, digests: dict[str, str]
) -> None:
    site = compose_site
    vpn: dict[str, Any] = {"image": site.image}
    compose_file(site, {"services": {"vpn": vpn, "side": {**vpn, "network_mode": "service:vpn"}}})
    compose(site, "up", "-d")

    assert site.update("app-vpn-1", digests["good"])["outcome"] == "updated"
    assert version_of(site, "app-side-1") == "1"
    assert site.names() == {"app-vpn-1": "running", "app-side-1": "running"}
    updated = site.inspect("app-vpn-1")["Id"]
    compose(site, "up", "-d")
    assert (site.inspect("app-vpn-1")["Id"], version_of(site, "app-side-1")) == (updated, "2")


def test_compose_one_recreates_once_because_its_hash_holds_the_image_and_the_data_stays(
    site: Site, digests: dict[str, str]
) -> None:
    if site.host.suite != "bookworm":
        pytest.skip("has Compose 2")
    compose_file(site, {"version": "3.3", "services": {"web": {"image": site.image, "volumes": ["/data"]}}})
    compose(site, "up", "-d")
    site.host.docker("exec", "app_web_1", "sh", "-c", "echo precious > /data/file")

    assert site.update("app_web_1", digests["good"])["outcome"] == "updated"
    assert "Recreating app_web_1" in compose(site, "up", "-d")
    assert "Recreating" not in compose(site, "up", "-d")
    assert site.host.docker("exec", "app_web_1", "cat", "/version", "/data/file").split() == ["2", "precious"]
    compose(site, "down", "-v")
