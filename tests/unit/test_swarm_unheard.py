# SPDX-License-Identifier: Apache-2.0
"""An update that swarm rolled back while nobody followed it is not begun anew: it is known by its time, or by the tasks that it left."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.engine import SwarmEngine
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.update import ServiceUpdate

from unit.builders import HOST, NEW, OLD

IMAGE = f"{HOST}/ops/updater:1"
_BEFORE, _SINCE = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"


def _spec(digest: str) -> dict[str, Any]:
    return {"ContainerSpec": {"Image": f"{IMAGE}@{digest}"}}


def _looked_at(status: dict[str, Any] | None, digests: tuple[str, ...], **asked: Any) -> str:
    """What a dry run says of a service that runs the old digest, and has tasks of ``digests``."""
    service = {"ID": "s", "Spec": {"Name": "updater", "TaskTemplate": _spec(OLD)}, "UpdateStatus": status}
    swarm = SimpleNamespace(
        service=lambda: service,
        look=lambda: SimpleNamespace(tasks=[{"Spec": _spec(digest)} for digest in digests]),
        platforms_of=lambda *_: [],
    )
    request = Request(Reference.parse(IMAGE), NEW, check_only=True, **asked)
    return ServiceUpdate(cast("SwarmEngine", swarm), request, lambda _: None, lambda _: None).run().message


_IS_BACK, _IS_DUE = "the service is being rolled back", f"would be updated to {IMAGE}@{NEW}"


@pytest.mark.parametrize(
    ("unheard", "state", "digests", "expected"),
    [
        (True, "rollback_completed", (OLD, NEW), _IS_BACK),
        (True, "rollback_started", (NEW,), _IS_BACK),
        # Another digest was rolled back, and this one was never begun.
        (True, "rollback_completed", (OLD,), _IS_DUE),
        (True, "completed", (OLD, NEW), _IS_DUE),
        (True, None, (NEW,), _IS_DUE),
        # Whoever heard of it may want it to be tried again.
        (False, "rollback_completed", (OLD, NEW), _IS_DUE),
    ],
)
def test_what_went_back_unheard_is_told_by_its_tasks(
    unheard: bool, state: str | None, digests: tuple[str, ...], expected: str
) -> None:
    assert _looked_at({"State": state} if state else None, digests, unheard=unheard) == expected


@pytest.mark.parametrize(
    ("state", "began", "expected"),
    [
        ("rollback_paused", _SINCE, _IS_BACK),
        ("rollback_completed", _BEFORE, _IS_DUE),
        ("rollback_completed", None, _IS_DUE),
        ("completed", _SINCE, _IS_DUE),
    ],
)
def test_what_went_back_in_this_run_is_told_by_its_time(state: str, began: str | None, expected: str) -> None:
    assert _looked_at({"State": state, "StartedAt": began}, (), found_at=_BEFORE) == expected
