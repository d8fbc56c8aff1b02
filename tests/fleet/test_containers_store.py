# SPDX-License-Identifier: Apache-2.0
"""Containers of an engine that keeps its images in containerd's store, where a tag takes an image's digests along."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.containers_support import Site
from lab import Host, HostSpec, Lab, LabSpec, RegistrySpec, images

pytestmark = pytest.mark.lab


def use_containerds_store(host: Host) -> None:
    host.stop_engine()
    settings = host.machine.inside("/etc/docker/daemon.json")
    daemon = json.loads(settings.read_text())
    del daemon["storage-driver"]
    settings.write_text(json.dumps({**daemon, "features": {"containerd-snapshotter": True}}))
    host.start_engine()


@pytest.fixture(name="site", params=["trixie", pytest.param("sid", marks=pytest.mark.extended)])
def _site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    spec = LabSpec(
        "containers-store", (HostSpec("one", request.param),), registries=(RegistrySpec("registry"),)
    )
    with Lab.running(spec) as lab:
        use_containerds_store(lab.host("one"))
        yield Site(lab, lab.host("one"), tmp_path / "state", "store")


def test_two_containers_of_one_image_are_both_updated_though_the_first_takes_the_digests_along(
    site: Site,
) -> None:
    old = site.push(images.good("1"))
    site.host.docker("pull", "-q", site.image)
    for name in ("web", "worker"):
        site.host.docker("run", "-d", "--name", name, site.image)
    found = {"found_digests": [old], "found_image": site.inspect("web")["Image"]}
    new = site.push(images.good("2"))

    first = site.module(name="web", image=site.image, digest=new, **found)
    assert first["outcome"] == "updated"
    kept = site.engine.get(f"/images/{found['found_image']}/json")
    assert not kept.get("RepoDigests"), "the engine does not know the old image's digests any more"

    second = site.module(name="worker", image=site.image, digest=new, **found)
    assert (second["outcome"], second["message"]) == ("updated", f"worker now runs {new}")
    for name in ("web", "worker"):
        assert site.host.docker("exec", name, "cat", "/version").strip() == "2"


def test_one_that_somebody_gave_another_image_meanwhile_is_still_left_alone(site: Site) -> None:
    old = site.push(images.good("1"))
    site.host.docker("pull", "-q", site.image)
    site.host.docker("run", "-d", "--name", "web", site.image)
    found = {"found_digests": [old], "found_image": site.inspect("web")["Image"]}
    site.push(images.good("theirs"))
    site.host.docker("pull", "-q", site.image)
    site.host.docker("rm", "-f", "web")
    site.host.docker("run", "-d", "--name", "web", site.image)
    new = site.push(images.good("2"))

    assert site.module(name="web", image=site.image, digest=new, **found)["outcome"] == "superseded"
