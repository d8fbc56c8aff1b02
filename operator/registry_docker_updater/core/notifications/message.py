"""What notify.yml is given: one rollout, in the shape that the role documents."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from registry_docker_updater.core.events.pushes import KeptPush
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.core.rollouts.outcomes import TargetOutcome
from registry_docker_updater.core.rollouts.rollout import Rollout


def compose(rollout: Rollout, push: KeptPush, outcomes: Iterable[TargetOutcome]) -> dict[str, Any]:
    """Return the variable ``notification_rollout`` of ``notify.yml``: a rollout as it stands after its last run."""
    return {
        "id": rollout.id,
        "image": rollout.image,
        "digest": push.digest,
        "actor": push.actor,
        "registry": push.registry,
        "pushed_at": rfc3339(push.received_at),
        "attempt": rollout.runs,
        "started_at": _moment(rollout.started_at),
        "finished_at": _moment(rollout.ended_at),
        "outcomes": [_outcome(rollout.image, one) for one in outcomes],
    }


def _outcome(image: str, one: TargetOutcome) -> dict[str, Any]:
    return {
        "kind": str(one.kind),
        "name": one.name,
        "where": one.place,
        "outcome": str(one.outcome),
        "before": {"image": image, "digest": one.before} if one.before else None,
        "after": {"image": image, "digest": one.after} if one.after else None,
        "message": one.message,
        "log": list(one.log),
    }


def _moment(value: datetime | None) -> str | None:
    return rfc3339(value) if value else None
