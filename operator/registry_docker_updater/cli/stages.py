"""The stages of a rollout as a picture: where the time went of the target that took longest."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from registry_docker_updater.core.rollouts.stages import STAGES
from registry_docker_updater.views.rollouts import StageRow, TargetOutcomeRow

_WIDTH = 48


def picture(targets: Sequence[TargetOutcomeRow]) -> Iterator[str]:
    """Yield lines that show when the slowest of ``targets`` passed each stage, in seconds from the push; none where nobody told.

    A bar is the time from the stage before to this one.
    """
    slowest = max((one for one in targets if one["stages"]), key=_seconds, default=None)
    if slowest is None:
        return
    whole = _seconds(slowest) or 1.0
    yield f"where the time went, in seconds from the push: {slowest['kind']} {slowest['name']} at {slowest['place']}"
    before = 0.0
    for stage in slowest["stages"]:
        passed = _since_push(slowest, stage)
        left, right = round(before / whole * _WIDTH), round(passed / whole * _WIDTH)
        bar = " " * left + ("#" * (right - left) or "|")
        yield f"  {STAGES[stage['stage']]:17} {passed:8.2f}  {bar}"
        before = passed


def _seconds(target: TargetOutcomeRow) -> float:
    return _since_push(target, target["stages"][-1])


def _since_push(target: TargetOutcomeRow, stage: StageRow) -> float:
    first = datetime.fromisoformat(target["stages"][0]["at"])
    return (datetime.fromisoformat(stage["at"]) - first).total_seconds()
