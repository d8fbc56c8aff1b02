# SPDX-License-Identifier: Apache-2.0
"""Who leans on whom, in which order they come, and who is never touched."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.relations import (
    RECREATE,
    RESTART,
    dependents,
    in_order,
    name_of,
    side_by_side,
    why_untouchable,
)


def container(name: str, labels: dict[str, str] | None = None, **host: Any) -> dict[str, Any]:
    return {
        "Id": f"id-{name}",
        "Name": f"/{name}",
        "Config": {"Labels": labels or {}},
        "HostConfig": host,
        "NetworkSettings": {"Networks": {}},
    }


def compose(service: str, depends_on: str = "", project: str = "p") -> dict[str, str]:
    return {
        "com.docker.compose.project": project,
        "com.docker.compose.service": service,
        "com.docker.compose.depends_on": depends_on,
    }


def test_whoever_leans_on_a_recreated_one_is_recreated_in_turn_and_in_order() -> None:
    vpn = container("vpn")
    others = [
        container("a-debugger", PidMode="container:id-b-client"),
        container("b-client", NetworkMode="container:id-vpn"),
        container("c-linked", Links=["/vpn:/c-linked/v"]),
        container("stranger", NetworkMode="container:id-other"),
        vpn,
    ]
    found = [(name_of(one), how) for one, how in dependents(vpn, others)]
    assert found == [("b-client", RECREATE), ("c-linked", RECREATE), ("a-debugger", RECREATE)]


def test_compose_restarts_only_where_it_was_told_to() -> None:
    database = container("db", compose("db"))
    others = [
        container("leaning", compose("leaning", "db:service_started:true")),
        container("not-leaning", compose("not-leaning", "db:service_healthy:false")),
        container("other-project", compose("leaning", "db:service_started:true", "q")),
    ]
    assert [(name_of(one), how) for one, how in dependents(database, others)] == [("leaning", RESTART)]


def test_providers_come_first_and_a_circle_is_no_obstacle() -> None:
    containers = [
        container("a", compose("a", "b:service_started:false")),
        container("b", compose("b")),
        container("c", VolumesFrom=["d:ro"]),
        container("d"),
        container("e", PidMode="container:id-f"),
        container("f", PidMode="container:id-e"),
    ]
    assert [name_of(one) for one in in_order(containers)] == ["b", "d", "a", "c", "e", "f"]


@pytest.mark.parametrize(
    "shown",
    [
        container("x", {"com.docker.swarm.task.id": "t"}),
        container("x", {"com.docker.compose.oneoff": "True"}),
        container("x", {"com.docker.compose.hook": "pre_start"}),
        container("x", {"io.kubernetes.pod.uid": "u"}),
        container("buildx_buildkit_default0"),
        container("web.updater-0123abcd-old"),
    ],
)
def test_what_belongs_to_somebody_else_is_never_touched(shown: dict[str, Any]) -> None:
    assert why_untouchable(shown)


def test_everything_else_may_be_touched() -> None:
    assert why_untouchable(container("web", compose("web"))) == ""


def test_who_takes_volumes_or_has_a_link_of_a_network_comes_after_whom_it_names() -> None:
    data, user, linked = (
        container("z-data"),
        container("a-user", VolumesFrom=["z-data:ro"]),
        container("b-linked"),
    )
    linked["NetworkSettings"]["Networks"] = {"one": {"Links": ["id-z-data:alias"]}, "two": None}
    assert [name_of(one) for one in in_order([user, linked, data])] == ["z-data", "a-user", "b-linked"]


def names_side_by_side(targets: list[str], containers: list[dict[str, Any]]) -> list[list[str]]:
    asked = [one for one in containers if name_of(one) in targets]
    return sorted([name_of(one) for one in group] for group in side_by_side(asked, containers))


def test_those_that_have_nothing_to_do_with_one_another_are_groups_of_their_own() -> None:
    containers = [container("a"), container("b"), container("c", NetworkMode="container:id-none")]

    assert names_side_by_side(["a", "b", "c"], containers) == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize(
    "others",
    [
        [container("b"), container("a", NetworkMode="container:id-b")],
        [container("b"), container("a", VolumesFrom=["b"])],
        [container("b", compose("b")), container("a", compose("a", "b:service_started:false"))],
    ],
    ids=["recreated with it", "has its volumes", "waits for it"],
)
def test_one_that_leans_on_another_comes_after_it(others: list[dict[str, Any]]) -> None:
    assert names_side_by_side(["a", "b", "z"], [*others, container("z")]) == [["b", "a"], ["z"]]


@pytest.mark.parametrize(
    "between",
    [
        container("m", NetworkMode="container:id-a", PidMode="container:id-b"),
        container("m", NetworkMode="container:id-a", VolumesFrom=["b"]),
        container("m", NetworkMode="container:id-b", VolumesFrom=["a"]),
    ],
    ids=["recreated with both", "recreated with one, has the volumes of the other", "the other way round"],
)
def test_two_that_touch_a_third_which_nobody_asked_for_come_one_after_the_other(
    between: dict[str, Any],
) -> None:
    containers = [container("a"), container("b"), between, container("z")]

    assert names_side_by_side(["a", "b", "z"], containers) == [["a", "b"], ["z"]]


def test_groups_that_a_later_one_brings_together_become_one() -> None:
    containers = [container("a"), container("b"), container("c", VolumesFrom=["a", "b"])]

    assert names_side_by_side(["a", "b", "c"], containers) == [["a", "b", "c"]]
