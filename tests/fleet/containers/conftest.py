# SPDX-License-Identifier: Apache-2.0
"""Two hosts with images of every kind, for the tests of what becomes of single containers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.containers_support import Site
from lab import HostSpec, Lab, LabSpec, RegistrySpec, images


@pytest.fixture(scope="package", name="lab")
def _lab() -> Iterator[Lab]:
    hosts = (HostSpec("trixie", "trixie"), HostSpec("bookworm", "bookworm"))
    with Lab.running(LabSpec("containers", hosts, registries=(RegistrySpec("registry"),))) as lab:
        yield lab


@pytest.fixture(scope="package", name="place", params=["trixie", "bookworm"])
def _place(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(lab, lab.host(request.param), tmp_path_factory.mktemp("state"), "states")


@pytest.fixture(scope="package", name="digests")
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
