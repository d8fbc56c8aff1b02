# SPDX-License-Identifier: Apache-2.0
"""An update that swarm rolled back while nobody followed it is not begun anew: it is known by the tasks that it left."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.engine import SwarmEngine
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.update import ServiceUpdate

from unit.builders import HOST, NEW, OLD

IMAGE = f"{HOST}/ops/updater:1"


def _task(digest: str) -> dict[str, Any]:
    return {"Spec": {"ContainerSpec": {"Image": f"{IMAGE}@{digest}"}}}


@pytest.mark.parametrize(
    ("unheard", "state", "digests", "expected"),
    [
        (True, "rollback_completed", (OLD, NEW), True),
        (True, "rollback_started", (NEW,), True),
        # Another digest was rolled back, and this one was never begun.
        (True, "rollback_completed", (OLD,), False),
        (True, "completed", (OLD, NEW), False),
        (True, None, (NEW,), False),
        # Whoever heard of it may want it to be tried again.
        (False, "rollback_completed", (OLD, NEW), False),
    ],
)
def test_what_went_back_unheard_is_told_by_its_tasks(
    unheard: bool, state: str | None, digests: tuple[str, ...], expected: bool
) -> None:
    sight = SimpleNamespace(tasks=[_task(digest) for digest in digests])
    swarm = cast("SwarmEngine", SimpleNamespace(look=lambda: sight))
    request = Request(Reference.parse(IMAGE), NEW, unheard=unheard)
    update = ServiceUpdate(swarm, request, lambda _: None, lambda _: None)
    update._wanted = f"{IMAGE}@{NEW}"
    service = {"UpdateStatus": {"State": state} if state else None}
    assert update._went_back_unheard(service) is expected
