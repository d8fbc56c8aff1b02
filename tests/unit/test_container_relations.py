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
