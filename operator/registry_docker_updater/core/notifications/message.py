"""What notify.yml is given: one rollout, in the shape that the role documents."""

from collections.abc import Mapping
from typing import Any


def for_notification(rollout: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variable ``rollout`` of ``notify.yml`` from a rollout as the listings show it."""
    return {
        "id": rollout["id"],
        "image": rollout["image"],
        "digest": rollout["digest"],
        "actor": rollout["actor"],
        "registry": rollout["registry"],
        "pushed_at": rollout["pushed_at"],
        "attempt": rollout["runs"],
        "started_at": rollout["started_at"],
        "finished_at": rollout["ended_at"],
        "outcomes": [_outcome(rollout["image"], one) for one in rollout["targets"]],
    }


def _outcome(image: str, one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": one["kind"],
        "name": one["name"],
        "where": one["place"],
        "outcome": one["outcome"],
        "before": {"image": image, "digest": one["before"]} if one["before"] else None,
        "after": {"image": image, "digest": one["after"]} if one["after"] else None,
        "message": one["message"],
    }
