# SPDX-License-Identifier: Apache-2.0
"""What an engine shows of a container or image, and what is read from it."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions import inspects
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

from unit.builders import NEW, OLD

APP = Reference.parse("registry.example.com/test/app:1")


def test_an_image_id_is_no_name() -> None:
    assert inspects.reference_of("sha256:" + "0" * 64) is None
    assert inspects.reference_of(str(APP)) == APP


def test_a_digest_counts_that_came_from_the_repository_of_the_container() -> None:
    names = ["<none>@<none>", f"mirror.example.com/test/app@{NEW}", f"registry.example.com/test/app@{OLD}"]
    assert inspects.digest_of({"RepoDigests": names}, APP) == OLD
    assert inspects.digest_of({"RepoDigests": names[:2]}, APP) is None
    assert inspects.digest_of({}, APP) is None


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ({"Status": "running", "Running": True}, "running"),
        ({"Status": "paused", "Running": True, "Paused": True}, "paused"),
        ({"Status": "restarting"}, "running"),
        ({"Status": "exited"}, "stopped"),
    ],
)
def test_one_that_crashes_again_and_again_is_wanted_up(state: dict[str, Any], wanted: str) -> None:
    assert inspects.wanted_state({"State": state}) == wanted


def test_a_platform_is_named_only_where_it_is_not_the_hosts() -> None:
    image = {"Os": "linux", "Architecture": "arm", "Variant": "v7"}
    assert inspects.platform_of(image, "amd64") == "linux/arm/v7"
    assert inspects.platform_of({"Architecture": "arm64"}, "amd64") == "linux/arm64"
    assert inspects.platform_of(image, "arm") == inspects.platform_of({}, "arm") == ""


def test_what_is_shown_in_parts_is_not_whole() -> None:
    whole = dict.fromkeys(("Id", "Name", "Image", "Config", "HostConfig", "State"), "x")
    assert inspects.is_whole(whole)
    assert not inspects.is_whole({**whole, "HostConfig": None})
