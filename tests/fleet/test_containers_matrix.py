# SPDX-License-Identifier: Apache-2.0
"""A container that was given a new image equals one that its user would have created from that image."""

from collections.abc import Iterator

import pytest
from fleet.containers_cases import CASES, Case
from fleet.containers_support import Site, comparable, differences, image_one, image_two, words

from lab import HostSpec, Lab, LabSpec, RegistrySpec

pytestmark = pytest.mark.lab


_BOTH = ("trixie", "bookworm")


@pytest.fixture(scope="module", name="lab")
def _lab() -> Iterator[Lab]:
    hosts = tuple(HostSpec(suite, suite) for suite in _BOTH)
    with Lab.running(LabSpec("containers-matrix", hosts, registries=(RegistrySpec("registry"),))) as lab:
        yield lab


@pytest.fixture(scope="module", name="newest")
def _newest() -> Iterator[Lab]:
    hosts = (HostSpec("sid", "sid"),)
    with Lab.running(LabSpec("containers-sid", hosts, registries=(RegistrySpec("registry"),))) as lab:
        yield lab


@pytest.fixture(
    scope="module",
    name="site",
    params=[*_BOTH, pytest.param("sid", marks=pytest.mark.extended)],
)
def _site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    lab = request.getfixturevalue("newest" if request.param == "sid" else "lab")
    return Site(lab, lab.host(request.param), tmp_path_factory.mktemp("state"), "matrix")


@pytest.fixture(scope="module", name="digests")
def _digests(site: Site) -> list[str]:
    return site.provide(image_one(), image_two())


@pytest.fixture(name="clean", autouse=True)
def _clean(site: Site) -> Iterator[None]:
    yield
    if len(site.names()) > 1:
        site.clean()
    else:
        site.host.docker("rm", "-fv", "web")


@pytest.mark.parametrize("case", CASES)
def test_a_recreated_container_is_what_its_user_would_have_got_from_the_new_image(
    site: Site, digests: list[str], case: Case
) -> None:
    one, two = digests
    site.has(one)

    def fill(text: str) -> list[str]:
        return words(text.replace("{image}", site.image))

    def create() -> None:
        site.host.docker("create", "--name", "web", *fill(case.options), site.image, *fill(case.command))

    for command in case.setup:
        site.host.docker(*fill(command))
    create()
    before = site.inspect("web")
    result = site.update("web", two)
    updated = site.inspect("web")

    assert (result["outcome"], result["message"]) == ("updated", f"web now runs {two}")
    assert updated["Id"] != before["Id"]
    assert set(site.names()) <= {"web", "peer"}

    site.host.docker("rm", "web")
    site.host.run("rm", "-f", "/tmp/web.cid")
    create()
    assert list(differences(comparable(updated), comparable(site.inspect("web")))) == []
    kept = {mount["Destination"]: mount.get("Name") for mount in before["Mounts"] if mount["Type"] == "volume"}
    for mount in updated["Mounts"]:
        if mount["Destination"] in kept:
            assert kept[mount["Destination"]] == mount["Name"], "the volume was kept"
