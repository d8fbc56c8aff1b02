# SPDX-License-Identifier: Apache-2.0
"""Good and bad images, and what a container's own engine refuses: updated, or left as it was."""

import json

import pytest

from fleet.containers.conftest import run
from fleet.containers_support import Site
from lab import images

pytestmark = pytest.mark.lab


@pytest.mark.parametrize(
    ("image", "reason", "log"),
    [
        ("crashing", "it ended with exit code 1", ["cannot work"]),
        ("no-program", "no such file", []),
        ("never-healthy", "its health check failed", []),
    ],
)
def test_a_bad_image_brings_the_very_same_container_back_and_is_not_tried_again(
    site: Site, digests: dict[str, str], image: str, reason: str, log: list[str]
) -> None:
    old = run(site, "web", "--restart", "unless-stopped", "-p", "8080:80")

    result = site.update("web", digests[image])

    assert result["outcome"] == "rolled_back"
    assert reason in result["message"]
    assert result["log"] == log
    assert (result["before"]["id"], result["after"]["id"]) == (old, old)
    assert site.names() == {"web": "running"}
    web = site.inspect("web")
    assert (web["Id"], web["HostConfig"]["RestartPolicy"]["Name"]) == (old, "unless-stopped")
    assert web["Image"] == site.engine.get(f"/images/{site.image}/json")["Id"], "the local name is back, too"

    started = web["State"]["StartedAt"]
    again = site.update("web", digests[image])
    assert again["outcome"] == "rolled_back"
    assert "is not tried again" in again["message"]
    assert again["log"] == log
    assert site.inspect("web")["State"]["StartedAt"] == started
    good = site.update("web", digests["good"])
    assert (good["outcome"], good["log"]) == ("updated", [])


@pytest.mark.parametrize(
    ("options", "log"),
    [
        (("--tty",), ["cannot work"]),
        (("--log-driver", "local"), ["cannot work"]),
        (("--log-driver", "none"), []),
    ],
)
def test_the_log_of_a_bad_image_is_told_where_its_driver_keeps_one(
    site: Site, digests: dict[str, str], options: tuple[str, ...], log: list[str]
) -> None:
    run(site, "web", *options)

    result = site.update("web", digests["crashing"])

    assert (result["outcome"], result["log"]) == ("rolled_back", log)


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
