"""What a project of a Harbor is to be told, where it is."""

from typing import Any

import pytest

from registry_docker_updater.core.events.formats.harbor_policies import NAME, PolicyChange, change, wanted

POLICY = wanted("https://updater.example.com/events/harbor", "s3cret", is_trusted=True)


def kept(**changed: Any) -> dict[str, Any]:
    return {**POLICY, "id": 7, "description": "ours", **changed}


def test_a_project_without_one_gets_the_policy() -> None:
    for existing in ([], [{"name": "another", "id": 1}], [None, 7, "x"]):
        assert change(existing, POLICY) == PolicyChange(None, POLICY)


def test_a_policy_that_is_as_it_should_be_is_left_alone() -> None:
    assert change([{"name": "another"}, kept()], POLICY) is None
    (target,) = POLICY["targets"]
    hidden = {name: value for name, value in target.items() if name != "auth_header"}
    assert change([kept(targets=[hidden])], POLICY) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"enabled": False},
        {"event_types": []},
        {"event_types": ["PUSH_ARTIFACT", "PULL_ARTIFACT"]},
        {"targets": None},
        {"targets": [7]},
        {"targets": [{**POLICY["targets"][0], "address": "https://elsewhere.example.com"}]},
        {"targets": [{**POLICY["targets"][0], "auth_header": "Bearer old"}]},
        {"targets": [{**POLICY["targets"][0], "skip_cert_verify": True}]},
    ],
)
def test_one_that_is_not_is_replaced_and_what_is_the_projects_own_stays(changed: dict[str, Any]) -> None:
    to_do = change([kept(**changed)], POLICY)
    assert to_do == PolicyChange(7, {**POLICY, "id": 7, "description": "ours"})
    assert to_do.policy["name"] == NAME
