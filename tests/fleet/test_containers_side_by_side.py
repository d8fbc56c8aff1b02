# SPDX-License-Identifier: Apache-2.0
"""Several containers of one host that a push concerns: at the same time, each for itself, and none is lost in a crash."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.containers_proxy import Proxy, parent_of
from fleet.containers_support import SLEEP, Site, answer_of
from lab import HostSpec, Lab, LabSpec, RegistrySpec, images
from lab.waiting import until

pytestmark = pytest.mark.lab

NAMES = tuple(f"app-{letter}" for letter in "abcdef")


@pytest.fixture(scope="module", name="lab")
def _lab() -> Iterator[Lab]:
    hosts = (HostSpec("trixie", "trixie"), HostSpec("bookworm", "bookworm"))
    with Lab.running(LabSpec("containers-together", hosts, registries=(RegistrySpec("registry"),))) as lab:
        yield lab


@pytest.fixture(
    scope="module", name="place", params=["trixie", pytest.param("bookworm", marks=pytest.mark.extended)]
)
def _place(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(lab, lab.host(request.param), tmp_path_factory.mktemp("state"), "together")


@pytest.fixture(scope="module", name="digests")
def _digests(place: Site) -> dict[str, str]:
    broken_in_some = images.build("2", {"Cmd": ["/bin/sh", "-c", f'[ -z "$BROKEN" ] || exit 1; {SLEEP}']})
    made = {"old": images.good("1"), "new": broken_in_some}
    return dict(zip(made, place.provide(*made.values()), strict=True))


@pytest.fixture(name="site")
def _site(place: Site, digests: dict[str, str], tmp_path: Path) -> Iterator[Site]:
    site = Site(place.lab, place.host, tmp_path / "state", place.repository)
    site.clean()
    site.has(digests["old"])
    yield site
    site.clean()


@pytest.fixture(name="proxy")
def _proxy(site: Site, tmp_path: Path) -> Iterator[Proxy]:
    with Proxy(tmp_path / "engine.sock", site.socket) as proxy:
        yield proxy


def run(site: Site, *names: str, broken: tuple[str, ...] = (), options: tuple[str, ...] = ()) -> None:
    for name in names:
        environment = ("-e", "BROKEN=1") if name in broken else ()
        site.host.docker("run", "-d", "--name", name, *environment, *options, site.image)


def asked(site: Site, digests: dict[str, str], *names: str) -> dict[str, object]:
    return {"containers": [{"name": name} for name in names], "image": site.image, "digest": digests["new"]}


def versions(site: Site) -> dict[str, str]:
    return {name: site.host.docker("exec", name, "cat", "/version").strip() for name in site.names()}


def test_independent_containers_are_proven_at_the_same_time(site: Site, digests: dict[str, str]) -> None:
    run(site, *NAMES)

    answer = site.module(**asked(site, digests, *NAMES), settle=4)

    assert [(one["name"], one["outcome"]) for one in answer["containers"]] == [
        (name, "updated") for name in NAMES
    ]
    assert versions(site) == dict.fromkeys(NAMES, "2")
    started = sorted(site.inspect(name)["State"]["StartedAt"] for name in NAMES)
    # By the engine's clock: the last was started before the first had run for as long as it is watched.
    seconds = [float(moment[17:26]) for moment in (started[0], started[-1])]
    assert (seconds[1] - seconds[0]) % 60 < 4


def test_one_that_is_bad_comes_back_and_the_others_go_on(site: Site, digests: dict[str, str]) -> None:
    run(site, *NAMES, broken=("app-b", "app-e"))

    answer = site.module(**asked(site, digests, *NAMES))

    assert answer["failed"]
    bad = dict.fromkeys(("app-b", "app-e"), "rolled_back")
    assert {one["name"]: one["outcome"] for one in answer["containers"]} == {
        **dict.fromkeys(NAMES, "updated"),
        **bad,
    }
    assert versions(site) == {**dict.fromkeys(NAMES, "2"), **dict.fromkeys(bad, "1")}


def test_the_tag_means_the_old_image_again_when_every_container_came_back(
    site: Site, digests: dict[str, str]
) -> None:
    run(site, *NAMES, broken=NAMES)
    before = site.engine.get(f"/images/{site.image}/json")["Id"]

    site.module(**asked(site, digests, *NAMES))

    assert versions(site) == dict.fromkeys(NAMES, "1")
    assert site.engine.get(f"/images/{site.image}/json")["Id"] == before


def test_those_that_lean_on_each_other_come_one_after_the_other(site: Site, digests: dict[str, str]) -> None:
    run(site, "z-network", "free")
    run(site, "a-client", options=("--network", "container:z-network"))

    answer = site.module(**asked(site, digests, "a-client", "free", "z-network"))

    assert [one["outcome"] for one in answer["containers"]] == ["updated"] * 3
    assert versions(site) == dict.fromkeys(("a-client", "free", "z-network"), "2")
    network = site.inspect("z-network")["Id"]
    assert site.inspect("a-client")["HostConfig"]["NetworkMode"] == f"container:{network}"


@pytest.mark.parametrize("end", ["killed", "power"])
def test_a_crash_in_the_middle_of_several_leaves_none_down(
    site: Site, proxy: Proxy, digests: dict[str, str], end: str
) -> None:
    run(site, *NAMES, options=("--restart", "unless-stopped"))
    module = site.start_module(
        **asked(site, digests, *NAMES), settle=60, engine={"docker_host": proxy.address}
    )
    until(lambda: under_way(site) == len(NAMES), who="module", what="is at all of them", deadline=30)

    if end == "power":
        site.host.kill_engine()
    kill_workers(proxy)
    assert {one["outcome"] for one in answer_of(module.communicate(timeout=30)[0])["containers"]} == {
        "failed"
    }
    if end == "power":
        site.host.start_engine()
        # The engine by itself brings up one of each two.
        until(lambda: running(site) == len(NAMES), who="engine", what="starts them", deadline=30)

    repaired = site.module(state="repaired")

    assert not repaired["failed"], repaired["message"]
    assert {one["name"] for one in repaired["repairs"]} == set(NAMES)
    assert versions(site) == dict.fromkeys(NAMES, "2")
    assert list(site.state.rglob("*.swap.json")) == []
    for name in NAMES:
        assert site.inspect(name)["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


def under_way(site: Site) -> int:
    """How many new containers run under their name, with their predecessors aside."""
    listed = site.engine.get("/containers/json", {"filters": {"status": ["running"]}})
    new = site.engine.get(f"/images/{site.image}/json")["Id"]
    up = {one["Names"][0].lstrip("/") for one in listed if one["ImageID"] == new}
    return len(up & set(NAMES)) if sum(".updater-" in name for name in site.names()) == len(NAMES) else 0


def running(site: Site) -> int:
    return sum(state == "running" for state in site.names().values())


def kill_workers(proxy: Proxy) -> None:
    """Kill the process that works, and the one that watches over it first."""
    worker = proxy.changes[-1].process
    for process in (parent_of(worker), worker):
        os.kill(process, signal.SIGKILL)
