"""What is said by hand when no target runs an image name."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.filter.nobody_runs import nobody_runs

IMAGE = "registry.example.com/test/app:1"


def host(*targets: str, others: tuple[str, ...] = (), **facts: Any) -> dict[str, Any]:
    return {"fleet_scan_result": {"targets": list(targets), "other_names": list(others)}, **facts}


@pytest.mark.parametrize(
    "hosts",
    [
        {"one": host(), "two": host("web")},
        {"one": host(docker_update_skipped=[{"name": "web"}])},
        {"one": host(docker_update_superseded=[{"name": "web"}])},
        {"one": {}},
        {},
    ],
)
def test_nothing_is_said_where_a_target_runs_the_name_or_nobody_could_tell(hosts: dict[str, Any]) -> None:
    assert nobody_runs(hosts, list(hosts), IMAGE) == ""


def test_the_names_most_like_it_are_said_and_who_did_not_answer() -> None:
    hosts = {
        "one": host(others=("registry.example.com/test/ap:1", "registry.example.com/quite/another:2")),
        "two": {},
    }
    assert nobody_runs(hosts, ["one"], IMAGE) == (
        f"no target of these hosts runs {IMAGE}: did you mean registry.example.com/test/ap:1?"
    )
    assert nobody_runs(hosts, ["one", "two"], "x.y/z:1") == (
        "no target of the 1 hosts that answered (1 did not) runs x.y/z:1: other image names run there: "
        "registry.example.com/quite/another:2, registry.example.com/test/ap:1"
    )
    assert nobody_runs({"one": host()}, ["one"], IMAGE).endswith("nothing at all opted in there")
