# SPDX-License-Identifier: Apache-2.0
"""Containers in all their states, together with others, and from Compose: updated, or left as they were."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fleet.containers_support import Site
from lab import HostSpec, Lab, LabSpec, RegistrySpec, images
from lab.waiting import until

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module", name="lab")
def _lab() -> Iterator[Lab]:
    hosts = (HostSpec("trixie", "trixie"), HostSpec("bookworm", "bookworm"))
    with Lab.running(LabSpec("containers", hosts, registries=(RegistrySpec("registry"),))) as lab:
        yield lab


@pytest.fixture(scope="module", name="place", params=["trixie", "bookworm"])
def _place(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(lab, lab.host(request.param), tmp_path_factory.mktemp("state"), "states")


@pytest.fixture(scope="module", name="digests")
def _digests(place: Site) -> dict[str, str]:
    """The digests of images on the host; none of the bad ones is the image that the name means at first."""
    once = {"Cmd": ["/bin/sh", "-c", "exit 0"]}
    made = {
        "old": images.good("1"),
        "good": images.good("2"),
        "crashing": images.crashing("3"),
        "no-program": images.build("4", {"Cmd": ["/no/such/program"]}),
        "never-healthy": images.never_healthy("5"),
        "healthy": images.healthy("6"),
        "slow": images.slow("7", 2),
        "once": images.build("8", once),
        "with-volume": images.build("9", {"Volumes": {"/fresh": {}}, "Cmd": ["/bin/sh", "-c", "exit 1"]}),
    }
    return dict(zip(made, place.provide(*made.values()), strict=True))


@pytest.fixture(name="site")
def _site(place: Site, digests: dict[str, str], tmp_path: Path) -> Site:
    site = Site(place.lab, place.host, tmp_path / "state", place.repository)
    site.clean()
    site.has(digests["old"])
    return site


def version_of(site: Site, name: str) -> str:
    return site.host.docker("exec", name, "cat", "/version").strip()


def run(site: Site, name: str, *options: str, command: tuple[str, ...] = ()) -> str:
    return site.host.docker("run", "-d", "--name", name, *options, site.image, *command).strip()


# --- what becomes of bad images -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("crashing", "it ended with exit code 1"),
        ("no-program", "no such file"),
        ("never-healthy", "its health check failed"),
    ],
)
def test_a_bad_image_brings_the_very_same_container_back_and_is_not_tried_again(
    site: Site, digests: dict[str, str], image: str, reason: str
) -> None:
    old = run(site, "web", "--restart", "unless-stopped", "-p", "8080:80")

    result = site.update("web", digests[image])

    assert result["outcome"] == "rolled_back"
    assert reason in result["message"]
    assert (result["before"]["id"], result["after"]["id"]) == (old, old)
    assert site.names() == {"web": "running"}
    web = site.inspect("web")
    assert (web["Id"], web["HostConfig"]["RestartPolicy"]["Name"]) == (old, "unless-stopped")
    assert web["Image"] == site.engine.get(f"/images/{site.image}/json")["Id"], "the local name is back, too"

    started = web["State"]["StartedAt"]
    again = site.update("web", digests[image])
    assert again["outcome"] == "rolled_back"
    assert "is not tried again" in again["message"]
    assert site.inspect("web")["State"]["StartedAt"] == started
    assert site.update("web", digests["good"])["outcome"] == "updated"


def test_a_failed_image_leaves_no_volumes_behind(site: Site, digests: dict[str, str]) -> None:
    run(site, "web", "-v", "/data")
    before = site.host.docker("volume", "ls", "-q")

    assert site.update("web", digests["with-volume"])["outcome"] == "rolled_back"
    assert site.host.docker("volume", "ls", "-q") == before


@pytest.mark.parametrize("image", ["healthy", "slow"])
def test_an_image_with_a_health_check_is_proven_by_it(
    site: Site, digests: dict[str, str], image: str
) -> None:
    run(site, "web")

    assert site.update("web", digests[image])["outcome"] == "updated"
    assert site.inspect("web")["State"]["Health"]["Status"] == "healthy"


def test_a_pull_that_fails_changes_nothing(site: Site) -> None:
    old = run(site, "web")
    started = site.inspect("web")["State"]["StartedAt"]

    result = site.update("web", "sha256:" + "0" * 64)

    assert result["outcome"] == "failed"
    assert "not found" in result["message"] or "unknown" in result["message"]
    assert (site.inspect("web")["Id"], site.inspect("web")["State"]["StartedAt"]) == (old, started)
    assert site.names() == {"web": "running"}


def test_what_the_engine_refuses_to_create_is_found_before_anything_stops(
    site: Site, digests: dict[str, str]
) -> None:
    site.host.run("mkdir", "-p", "/srv/gone")
    run(site, "web", "--mount", "type=bind,source=/srv/gone,target=/gone")
    site.host.run("rmdir", "/srv/gone")
    started = site.inspect("web")["State"]["StartedAt"]

    result = site.update("web", digests["good"])

    assert (result["outcome"], result["changed"]) == ("failed", False)
    assert "/srv/gone" in result["message"]
    assert site.inspect("web")["State"]["StartedAt"] == started
    assert site.names() == {"web": "running"}
    assert site.engine.get(f"/images/{site.image}/json")["Id"] == site.inspect("web")["Image"]


# --- states ---------------------------------------------------------------------------------------------------------


def test_a_container_that_was_stopped_stays_stopped(site: Site, digests: dict[str, str]) -> None:
    run(site, "web", "--restart", "always", "-v", "/data")
    site.host.docker("exec", "web", "sh", "-c", "echo precious > /data/file")
    site.host.docker("stop", "-t", "1", "web")

    assert site.update("web", digests["crashing"])["outcome"] == "updated"
    assert site.names() == {"web": "created"}

    site.update("web", digests["good"])
    site.host.docker("start", "web")
    assert site.host.docker("exec", "web", "cat", "/data/file") == "precious\n"
    assert version_of(site, "web") == "2"


def test_a_paused_container_is_updated_only_on_request_and_paused_again(
    site: Site, digests: dict[str, str]
) -> None:
    old = run(site, "web")
    site.host.docker("pause", "web")

    assert site.update("web", digests["good"])["outcome"] == "skipped"
    assert (site.inspect("web")["Id"], site.names()) == (old, {"web": "paused"})
    assert site.update("web", digests["good"], keep_paused=True)["outcome"] == "updated"
    assert site.names() == {"web": "paused"}
    assert site.update("web", digests["crashing"], keep_paused=True)["outcome"] == "rolled_back"
    assert site.names() == {"web": "paused"}


def test_a_container_that_removes_itself_keeps_its_data(site: Site, digests: dict[str, str]) -> None:
    run(site, "web", "--rm", "-v", "/data")
    site.host.docker("exec", "web", "sh", "-c", "echo precious > /data/file")

    assert site.update("web", digests["good"])["outcome"] == "updated"
    assert (version_of(site, "web"), site.names()) == ("2", {"web": "running"})
    assert site.host.docker("exec", "web", "cat", "/data/file") == "precious\n"
    assert site.inspect("web")["HostConfig"]["AutoRemove"]

    bad = site.update("web", digests["crashing"])
    assert bad["outcome"] == "rolled_back"
    assert "created again from its old image" in " ".join(bad["warnings"])
    assert (version_of(site, "web"), site.names()) == ("2", {"web": "running"})
    assert site.host.docker("exec", "web", "cat", "/data/file") == "precious\n"


def test_a_container_that_crashes_again_and_again_is_cured(site: Site, digests: dict[str, str]) -> None:
    site.has(digests["crashing"])
    run(site, "web", "--restart", "always")
    until(lambda: site.inspect("web")["RestartCount"] > 0, who="web", what="crashes", deadline=20)

    assert site.update("web", digests["good"])["outcome"] == "updated"
    assert (version_of(site, "web"), site.names()) == ("2", {"web": "running"})


def test_a_container_that_ends_well_is_good_only_where_it_says_so(
    site: Site, digests: dict[str, str]
) -> None:
    run(site, "web")
    run(site, "job", "--label", "registry-docker-updater.one-shot=true")

    assert site.update("web", digests["once"])["outcome"] == "rolled_back"
    assert site.update("job", digests["once"])["outcome"] == "updated"
    assert site.names() == {"web": "running", "job": "exited"}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--label", "com.docker.compose.oneoff=True"), "one-off run"),
        (("--label", "com.docker.swarm.task.id=x"), "task of a swarm service"),
    ],
)
def test_what_is_not_ours_is_never_touched(
    site: Site, digests: dict[str, str], options: tuple[str, ...], why: str
) -> None:
    old = run(site, "web", *options)
    result = site.update("web", digests["good"])

    assert (result["outcome"], site.inspect("web")["Id"]) == ("skipped", old)
    assert why in result["message"]


def test_a_container_pinned_to_a_digest_or_of_another_name_is_left_alone(
    site: Site, digests: dict[str, str]
) -> None:
    site.host.docker("run", "-d", "--name", "pinned", f"{site.image}@{digests['old']}")
    site.host.docker("tag", site.image, "elsewhere.test/states:1")
    site.host.docker("run", "-d", "--name", "other", "elsewhere.test/states:1")

    assert site.update("pinned", digests["good"])["outcome"] == "skipped"
    assert site.update("other", digests["good"])["outcome"] == "skipped"
    site.host.docker("rm", "-f", "other")
    site.host.docker("rmi", "elsewhere.test/states:1")


def test_a_second_run_changes_nothing_and_says_so(site: Site, digests: dict[str, str]) -> None:
    run(site, "web")
    first = site.update("web", digests["good"])
    second = site.update("web", digests["good"])

    assert (first["outcome"], second["outcome"], second["changed"]) == ("updated", "unchanged", False)
    assert second["after"]["id"] == first["after"]["id"]
    assert first["before"]["digest"] == digests["old"]
    assert first["after"]["digest"] == second["before"]["digest"] == digests["good"]


def test_old_images_stay_unless_asked_and_are_never_taken_from_others(
    site: Site, digests: dict[str, str]
) -> None:
    run(site, "web")
    run(site, "other")
    old = site.inspect("web")["Image"]

    site.update("web", digests["good"], cleanup=True)
    assert site.engine.get(f"/images/{old}/json"), "another container uses it"
    site.update("other", digests["good"], cleanup=True)
    assert old not in site.host.docker("images", "-q", "--no-trunc", "-a")
    site.provide(images.good("1"), images.good("2"))


def test_check_mode_tells_what_would_change_and_changes_nothing(site: Site, digests: dict[str, str]) -> None:
    old = run(site, "web", "-e", "SECRET=mine")
    unknown = site.push(images.build("unknown", {"Env": ["ADDED=1"], "User": "7", "Volumes": {"/new": {}}}))

    def everything() -> tuple[object, ...]:
        return site.names(), sorted(site.host.docker("images", "-a", "--digests").splitlines())

    before_it = everything()

    result = site.module(name="web", image=site.image, digest=unknown, _ansible_check_mode=True)

    assert result["changed"]
    before, after = result["diff"]["before"], result["diff"]["after"]
    assert (before["digest"], after["digest"]) == (digests["old"], unknown)
    assert before["Env"] == ["VERSION=1"]
    assert after["Env"] == ["ADDED=1", "VERSION=unknown"]
    assert (before["User"], after["User"], after["Volumes"]) == (None, "7", {"/new": {}})
    assert "SECRET" not in json.dumps(result["diff"])
    assert everything() == before_it
    assert site.inspect("web")["Id"] == old
    assert not site.module(name="web", image=site.image, digest=digests["old"], _ansible_check_mode=True)[
        "changed"
    ]


# --- containers that hang together ----------------------------------------------------------------------------------


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


# --- compose --------------------------------------------------------------------------------------------------------


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
