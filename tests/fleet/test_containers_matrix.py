# SPDX-License-Identifier: Apache-2.0
"""A container that was given a new image equals one that its user would have created from that image."""

from collections.abc import Iterator

import pytest

from fleet.containers_cases import CASES, SETUP
from fleet.containers_support import Site, comparable, differences, image_one, image_two
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


@pytest.fixture(scope="module", name="digest")
def _digest(site: Site) -> str:
    """Have each case once from the first image, to be updated, and once from the second, to compare with."""
    one, two = site.provide(image_one(), image_two())
    script = ["set -e", f"docker tag {site.at(one)} {site.image}"]
    script += [f"docker {command}".replace("{image}", site.image) for command in SETUP]
    for role, digest in (("updated", one), ("created", two)):
        script.append(f"docker tag {site.at(digest)} {site.image}")
        for name, case in CASES.items():
            options = case.options.replace("{name}", f"{role}-{name}")
            script.append(f"docker create --name {role}-{name} {options} {site.image} {case.command}")
    site.host.run("sh", input="\n".join(script), timeout=300)
    site.has(one)
    return two


@pytest.mark.parametrize("case", CASES)
def test_a_recreated_container_is_what_its_user_would_have_got_from_the_new_image(
    site: Site, digest: str, case: str
) -> None:
    name, reference = f"updated-{case}", f"created-{case}"
    before = site.inspect(name)
    created = comparable(site.inspect(reference))
    site.remove(reference)

    result = site.update(name, digest)
    updated = site.inspect(name)

    assert (result["outcome"], result["message"]) == ("updated", f"{name} now runs {digest}")
    assert updated["Id"] != before["Id"]
    assert list(differences(comparable(updated), created)) == []
    kept = {
        mount["Destination"]: mount.get("Name") for mount in before["Mounts"] if mount["Type"] == "volume"
    }
    for mount in updated["Mounts"]:
        if mount["Destination"] in kept:
            assert kept[mount["Destination"]] == mount["Name"], "the volume was kept"
    site.remove(name)
    assert [left for left in site.names() if left.startswith(name + ".")] == []
