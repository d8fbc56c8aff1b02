"""One target, one rollout at a time."""

from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

BUSY = Verdict(
    "busy",
    "is being updated by another rollout",
    "it is looked at again when that has ended",
    is_pending=True,
)


def judge(case: Case) -> Verdict | None:
    """Wait while a rollout runs that was for the target."""
    rollout = case.history.rollouts.get(case.last.push) if case.last else None
    return BUSY if rollout and rollout.state is RolloutState.RUNNING else None
