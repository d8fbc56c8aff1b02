# SPDX-License-Identifier: Apache-2.0
"""What the module returns of one container: alike whatever became of it."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions import relations
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    Inspect,
    digest_of,
    is_whole,
    reference_of,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import Work
from ansible_collections.registry.docker_updater.plugins.module_utils.outcomes import UPDATED, has_log
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import CONTAINER

Result = Dict[str, Any]


def result_of(
    request: Request,
    outcome: str,
    message: str,
    *,
    target: Optional[Inspect] = None,
    image: Optional[Inspect] = None,
) -> Result:
    """Return what became of a container that was not changed; ``target`` and ``image`` are what it is, where known."""
    state = _state(target, image) if target and is_whole(target) else {"image": None, "digest": None}
    return {
        "outcome": outcome,
        "kind": CONTAINER,
        "id": target["Id"] if target else "",
        "name": relations.name_of(target) if target else request.name,
        "image": str(request.image),
        "digest": request.digest,
        "before": state,
        "after": dict(state),
        "message": message,
        "log": [],
        "warnings": [],
        "seconds": 0.0,
        "downtime": None,
        "changed": False,
    }


def result_of_swap(work: Work, outcome: str, message: str, seconds: float) -> Result:
    """Return what became of the target of a swap."""
    swap = work.swap
    wanted, main = swap.wanted, swap.members[0]
    # Journals had one name before containers could move.
    image_before = wanted.get("image_before") or wanted["image"]
    before = {"id": main.old_id, "image": image_before, "digest": wanted.get("old_digest")}
    after = {"id": main.new_id, "image": wanted["image"], "digest": wanted["digest"]}
    stays = after if outcome == UPDATED else before
    return {
        "outcome": outcome,
        "kind": CONTAINER,
        "id": stays["id"],
        "name": wanted["name"],
        "image": wanted["image"],
        "digest": wanted["digest"],
        "before": before,
        "after": stays,
        "message": message,
        "log": list(swap.log) if has_log(outcome) else [],
        "warnings": list(swap.warnings),
        "seconds": round(seconds, 3),
        "downtime": work.downtime if outcome == UPDATED else None,
        "stages": dict(work.stages),
        "changed": outcome == UPDATED or swap.touched,
    }


def _state(target: Inspect, image: Optional[Inspect]) -> Dict[str, Any]:
    shown = target["Config"]["Image"]
    reference = reference_of(shown)
    return {
        "id": target["Id"],
        "image": shown,
        "digest": digest_of(image, reference) if image and reference else None,
    }
