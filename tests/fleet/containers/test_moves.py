# SPDX-License-Identifier: Apache-2.0
"""Containers on real engines that move to another tag of their repository."""

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

from fleet.containers.conftest import version_of
from fleet.containers_support import Site

pytestmark = pytest.mark.lab


@pytest.fixture(name="before")
def _before(site: Site, digests: dict[str, str]) -> str:
    """The name that the container web runs, of the old image; the host does not know the name to which it moves."""
    repository = site.image.rpartition(":")[0]
    site.engine.post(f"/images/{site.at(digests['old'])}/tag", {"repo": repository, "tag": "0.9"})
    site.engine.delete(f"/images/{site.image}")
    name = f"{repository}:0.9"
    site.host.docker("run", "-d", "--name", "web", "--restart", "always", "-v", "/data", name)
    return name


def id_of(site: Site, name: str) -> str:
    """The image that a name means on the host."""
    found: str = site.engine.get(f"/images/{name}/json")["Id"]
    return found


def test_a_container_moves_to_another_tag_and_digest(
    site: Site, before: str, digests: dict[str, str]
) -> None:
    result = site.update("web", digests["good"], moves_from=Reference.parse(before))

    assert result["outcome"] == "updated", result["message"]
    assert (result["before"]["image"], result["after"]["image"]) == (before, site.image)
    assert result["message"].endswith(
        ", moved from 0.9 to 1; a compose or stack file that still says 0.9 brings that back when it is deployed"
    )
    web = site.inspect("web")
    assert web["Config"]["Image"] == site.image
    assert web["Image"] == id_of(site, site.image)
    assert id_of(site, before) != web["Image"], "the old name means the old image"
    assert version_of(site, "web") == "2"
    assert site.names() == {"web": "running"}

    again = site.update("web", digests["good"], moves_from=Reference.parse(before))
    assert again["outcome"] == "unchanged"
    # From here on it runs the new name as any other.
    assert site.update("web", digests["healthy"])["outcome"] == "updated"


def test_a_container_moves_although_its_digest_stays(
    site: Site, before: str, digests: dict[str, str]
) -> None:
    result = site.update("web", digests["old"], moves_from=Reference.parse(before))

    assert result["outcome"] == "updated", result["message"]
    assert site.inspect("web")["Config"]["Image"] == site.image
    assert version_of(site, "web") == "1"


def test_a_move_that_does_not_come_up_is_taken_back_to_the_very_same_container(
    site: Site, before: str, digests: dict[str, str]
) -> None:
    old = site.inspect("web")["Id"]

    result = site.update("web", digests["crashing"], moves_from=Reference.parse(before))

    assert result["outcome"] == "rolled_back"
    assert (result["before"]["image"], result["after"]["image"]) == (before, before)
    web = site.inspect("web")
    assert (web["Id"], web["Config"]["Image"], web["Image"]) == (old, before, id_of(site, before))
    assert site.names() == {"web": "running"}
    again = site.update("web", digests["crashing"], moves_from=Reference.parse(before))
    assert "is not tried again" in again["message"]


def test_a_container_started_with_rm_comes_back_under_its_old_name(
    site: Site, before: str, digests: dict[str, str]
) -> None:
    site.remove("web")
    site.host.docker("run", "-d", "--rm", "--name", "web", before)

    result = site.update("web", digests["crashing"], moves_from=Reference.parse(before))

    assert result["outcome"] == "rolled_back"
    web = site.inspect("web")
    assert (web["Config"]["Image"], web["Image"]) == (before, id_of(site, before))
