# SPDX-License-Identifier: Apache-2.0
"""What is sent for a service, forward and back, as it is at that moment."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.changes import (
    Change,
    Move,
    Superseded,
    backward,
    forward,
)

_OLD, _NEW, _OTHER = "host/app:1@old", "host/app:1@new", "host/app:1@other"
_AMD, _ARM = ({"Architecture": name, "OS": "linux"} for name in ("amd64", "arm64"))
_ACCOUNT = {"username": "u"}
_MOVE = Move(_OLD, _NEW, [_AMD], [_ARM], _ACCOUNT)


def _spec(image: str, platform: dict[str, str] = _AMD, **more: Any) -> dict[str, Any]:
    return {
        "TaskTemplate": {"ContainerSpec": {"Image": image}, "Placement": {"Platforms": [platform]}},
        **more,
    }


def test_forward_changes_the_image_and_the_platforms_with_the_credentials_for_it() -> None:
    service = {"Spec": _spec(_OLD, Name="api")}
    assert forward(service, _MOVE) == Change(
        _spec(_NEW, _ARM, Name="api"), {"registryAuthFrom": "spec"}, _ACCOUNT
    )


def test_platforms_that_are_not_known_stay_as_they_are_by_then() -> None:
    change = forward({"Spec": _spec(_OLD, _ARM)}, Move(_OLD, _NEW, [_AMD], []))
    assert change == Change(_spec(_NEW, _ARM), {"registryAuthFrom": "spec"})


def test_nothing_is_sent_for_what_is_there_already() -> None:
    assert forward({"Spec": _spec(_NEW)}, _MOVE) is None
    assert backward({"Spec": _spec(_OLD)}, _MOVE) is None


@pytest.mark.parametrize("decide", [forward, backward])
def test_an_image_that_somebody_else_gave_it_stays(decide: Any) -> None:
    with pytest.raises(Superseded, match=f"somebody changed the image to {_OTHER} in the meantime"):
        decide({"Spec": _spec(_OTHER)}, _MOVE)


def test_back_is_swarms_own_rollback_where_that_takes_nothing_else_back() -> None:
    service = {"Spec": _spec(_NEW, _ARM), "PreviousSpec": _spec(_OLD)}
    assert backward(service, _MOVE) == Change(
        service["Spec"], {"rollback": "previous", "registryAuthFrom": "previous-spec"}
    )


@pytest.mark.parametrize(
    "previous",
    [_spec(_OLD, Labels={"by": "a person"}), _spec(_OTHER), None],
    ids=["a person changed more since", "a person changed something else since", "swarm knows none"],
)
def test_back_is_the_image_before_with_its_platforms_where_a_rollback_would_take_more_back(
    previous: Any,
) -> None:
    service = {"Spec": _spec(_NEW, _ARM, Mode={"Global": {}}), "PreviousSpec": previous}
    assert backward(service, _MOVE) == Change(
        _spec(_OLD, _AMD, Mode={"Global": {}}), {"registryAuthFrom": "spec"}, _ACCOUNT
    )
