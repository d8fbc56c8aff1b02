# SPDX-License-Identifier: Apache-2.0
"""What of a container's configuration is its user's, and what the engine makes of it with another image."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.config import (
    explain,
    with_image_defaults,
    without_image_defaults,
)
from hypothesis import given
from hypothesis import strategies as st

OLD = {
    "Env": ["PATH=/bin", "A=1"],
    "Entrypoint": ["/entry"],
    "Cmd": ["serve"],
    "User": "app",
    "WorkingDir": "/app",
    "StopSignal": "SIGTERM",
    "ExposedPorts": {"80/tcp": {}},
    "Volumes": {"/data": {}},
    "Labels": {"version": "1", "com.docker.compose.project": "p"},
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5, "Retries": 2},
}
NEW = {"Env": ["PATH=/usr/bin", "B=1"], "Entrypoint": ["/new"], "Cmd": ["run"], "Labels": {"version": "2"}}


def test_a_container_without_settings_takes_everything_from_the_new_image() -> None:
    user = without_image_defaults(OLD, OLD)
    config = with_image_defaults(user, NEW)

    assert config["Env"] == NEW["Env"]
    assert (config["Entrypoint"], config["Cmd"]) == (["/new"], ["run"])
    assert (config["User"], config["WorkingDir"], config["StopSignal"]) == ("", "", "")
    assert (config["ExposedPorts"], config["Volumes"], config["Healthcheck"]) == ({}, {}, None)


def test_labels_of_compose_are_kept_although_the_image_has_them_too() -> None:
    assert without_image_defaults(OLD, OLD)["Labels"] == {"com.docker.compose.project": "p"}


def test_env_keeps_order_unset_entries_and_what_a_label_names() -> None:
    config = {"Env": ["Z=1", "A=1", "GONE", "PATH=/bin", "Z=1"]}
    assert without_image_defaults(config, OLD)["Env"] == ["Z=1", "GONE", "Z=1"]
    assert without_image_defaults(config, OLD, keep_env=("A",))["Env"] == ["Z=1", "A=1", "GONE", "Z=1"]


@pytest.mark.parametrize(
    ("container", "image", "sent"),
    [
        ((["/e"], ["c"]), (["/e"], ["c"]), (None, None)),
        ((["/e"], ["mine"]), (["/e"], ["c"]), (None, ["mine"])),
        ((["/mine"], None), (["/e"], ["c"]), (["/mine"], None)),
        ((["/mine"], ["c"]), (["/e"], ["c"]), (["/mine"], ["c"])),
        ((None, ["mine"]), (["/e"], ["c"]), ([""], ["mine"])),
        ((None, ["c"]), (["/e"], ["c"]), ([""], ["c"])),
        (([], ["mine"]), (["/e"], ["c"]), ([""], ["mine"])),
        ((None, ["c"]), (None, ["c"]), (None, None)),
        ((None, ["mine"]), (None, ["c"]), (None, ["mine"])),
        (([], ["mine"]), (None, ["c"]), ([], ["mine"])),
        ((["/e"], None), (["/e"], ["c"]), (["/e"], None)),
    ],
)
def test_entrypoint_and_command_are_sent_so_that_the_engine_makes_the_same_of_them(
    container: tuple[Any, Any], image: tuple[Any, Any], sent: tuple[Any, Any]
) -> None:
    config = dict(zip(("Entrypoint", "Cmd"), container, strict=True))
    defaults = dict(zip(("Entrypoint", "Cmd"), image, strict=True))
    user = without_image_defaults(config, defaults)

    assert (user["Entrypoint"], user["Cmd"]) == sent
    again = with_image_defaults(user, defaults)
    assert ((again["Entrypoint"] or None), (again["Cmd"] or None)) == (
        container[0] or None,
        container[1] or None,
    )


def test_only_the_parts_of_a_health_check_that_the_user_set_are_kept() -> None:
    own = {"Test": ["CMD", "true"], "Interval": 9, "Retries": 2}
    user = without_image_defaults({"Healthcheck": own}, OLD)
    assert user["Healthcheck"] == {"Interval": 9}
    newer = {"Healthcheck": {"Test": ["CMD", "new"], "Interval": 1, "Timeout": 3}}
    assert with_image_defaults(user, newer)["Healthcheck"] == {
        "Test": ["CMD", "new"],
        "Interval": 9,
        "Timeout": 3,
    }
    none = without_image_defaults({"Healthcheck": {"Test": ["NONE"]}}, OLD)
    assert none["Healthcheck"] == {"Test": ["NONE"]}


_WORDS = st.sampled_from(["", "a", "b"])
_LISTS = st.one_of(st.none(), st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=2))
_CONFIGS = st.fixed_dictionaries(
    {
        "User": _WORDS,
        "Env": st.lists(
            st.sampled_from(["A=1", "A=2", "B=1", "C"]), max_size=3, unique_by=lambda one: one[0]
        ),
        "Labels": st.dictionaries(_WORDS, _WORDS, max_size=2),
        "Volumes": st.dictionaries(st.sampled_from(["/a", "/b"]), st.just({}), max_size=2),
        "Entrypoint": _LISTS,
        "Cmd": _LISTS,
        "Healthcheck": st.one_of(
            st.none(), st.fixed_dictionaries({"Test": st.just(["CMD"]), "Retries": st.integers(1, 2)})
        ),
    }
)


@given(_CONFIGS, _CONFIGS)
def test_recreating_from_the_same_image_changes_nothing(user: dict[str, Any], image: dict[str, Any]) -> None:
    before = with_image_defaults(user, image)
    after = with_image_defaults(without_image_defaults(before, image), image)

    assert explain(before, after) == ({}, {})


def test_an_explanation_shows_defaults_and_never_what_the_user_set() -> None:
    before = with_image_defaults({"Env": ["SECRET=mine"], "Labels": {"mine": "secret"}}, OLD)
    after = with_image_defaults(without_image_defaults(before, OLD), NEW)
    old, new = explain(before, after)

    assert (old["Env"], new["Env"]) == (["A=1", "PATH=/bin"], ["B=1", "PATH=/usr/bin"])
    assert (old["Labels"], new["Labels"]) == ({"version": "1"}, {"version": "2"})
    assert (old["Cmd"], new["Cmd"]) == (["serve"], ["run"])
    assert "secret" not in str((old, new)).lower()
