# SPDX-License-Identifier: Apache-2.0
"""Containers in all their states, and those that are not to be updated."""

import pytest

from fleet.containers.conftest import run, version_of
from fleet.containers_support import Site
from lab.waiting import until

pytestmark = pytest.mark.lab


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
