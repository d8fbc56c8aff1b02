"""What becomes of what a person asked for: said at once, and followed to its end when wanted."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry_docker_updater.cli.judging import Judged, judged
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts import CURRENT, Verdict
from registry_docker_updater.parts import Parts
from registry_docker_updater.views.rollouts import rollout_of_push
from registry_docker_updater.views.text import counts, targets

_WAIT_SECONDS = 0.5
_NOBODY = "no target is to be changed by it, as far as the last scan saw"
_NEVER_ASKED = (
    "no host was asked yet, so which targets it is for shows when an operator has begun; `plan` asks them now"
)
_NO_OPERATOR = "no operator works with this state directory, so nothing happens until one does"
_OVERTAKEN = "a newer push of the same image took its place"
_GONE = "no target runs this image name any more"


@dataclass(frozen=True)
class Requested:
    """What was asked for: a push, by its number and name, which had ``runs`` by then, and what it means for whom."""

    push: int
    name: str
    judged: Judged
    forced: Collection[str]
    runs: int = 0

    @property
    def concerned(self) -> list[Target]:
        """The targets that it goes to."""
        return [target for target, verdict in self.judged if verdict.is_pending or target.key in self.forced]

    @property
    def left(self) -> dict[Target, Verdict]:
        """The targets that it leaves alone, and why."""
        concerned = self.concerned
        return {
            target: verdict
            for target, verdict in self.judged
            if verdict is not CURRENT and target not in concerned
        }


@dataclass(frozen=True)
class _End:
    """How waiting ended: whether every target ended well; why not, or what else is to be known; and the exit code."""

    is_well: bool
    why: str | None = None
    code: int = 1


def answer(parts: Parts, requested: Requested, output: Output, *, as_json: bool, wait: bool) -> int:
    """Say what will be done and what not, follow it when told to ``wait``, and return the exit code."""
    concerned, left = requested.concerned, requested.left
    for target, verdict in left.items():
        output.remark(f"left alone: {target.kind} {target.name} at {target.place}: {verdict}")
    if any(verdict.is_overridable for verdict in left.values()):
        output.remark("--force updates these too")
    is_alone = not parts.has_operator
    if not concerned and (is_alone or not wait):
        output.remark(_nobody(parts))
    if is_alone and not wait:
        output.remark(_NO_OPERATOR)
    end = _Following(parts, requested, output).end() if wait else None
    if end and end.why:
        output.remark(end.why)
    row = rollout_of_push(parts.storage, requested.push) if end else None
    if as_json:
        promise = {
            "recorded": requested.name,
            "push": requested.push,
            "targets": len(concerned),
            "left_alone": {target.key: str(verdict) for target, verdict in left.items()},
        }
        ended = {"ended_well": end.is_well, "why": end.why} if end else {}
        output.json({**promise, **(row or {}), **ended})
    elif row and row["runs"] > requested.runs:
        output.line(f"rollout {row['id']}: {row['state']}, {counts(row['outcomes'])}")
    else:
        output.line(f"recorded: {requested.name}, for {targets(len(concerned))}")
    return end.code if end and not end.is_well else 0


class _Following:
    """Waits until every target has ended, or nothing more comes of it; tells outcomes as they come."""

    def __init__(self, parts: Parts, requested: Requested, output: Output) -> None:
        self._parts, self._requested, self._output = parts, requested, output
        self._seen: dict[str, str] = {}

    def end(self) -> _End:
        requested = self._requested
        try:
            if not self._parts.has_operator:
                return _End(is_well=False, why=_NO_OPERATOR)
            if not requested.concerned:
                return self._without_work(requested.judged)
            end = self._follow()
        except KeyboardInterrupt:
            why = "no longer waited for; what was asked for is recorded, and goes on"
            return _End(is_well=False, why=why, code=130)
        if end.is_well and requested.left:
            left = targets(len(requested.left))
            return _End(is_well=False, why=f"not every target was updated: left alone {left}")
        return end

    def _follow(self) -> _End:
        """Wait for the next run of the rollout to end."""
        while True:
            found = rollout_of_push(self._parts.storage, self._requested.push)
            row: dict[str, Any] = dict(found) if found else {}
            has_begun = bool(row) and row["runs"] > self._requested.runs
            is_over = has_begun and row["state"] != RolloutState.RUNNING and not self._is_due(row)
            if has_begun:
                self._tell(row, is_over=is_over)
            end = self._end_of(row) if is_over else self._outlook(has_begun=has_begun)
            if end:
                return end
            time.sleep(_WAIT_SECONDS)

    def _tell(self, row: Mapping[str, Any], *, is_over: bool) -> None:
        for one in row["targets"]:
            is_new = self._seen.get(one["key"]) != one["outcome"]
            if is_new and (is_over or one["run"] == row["runs"]):
                self._seen[one["key"]] = one["outcome"]
                self._output.remark(f"  {one['kind']} {one['name']} at {one['place']}: {one['outcome']}")

    def _is_due(self, row: Mapping[str, Any]) -> bool:
        """Tell whether the rollout is about to run: its last run was cut off."""
        return row["due_at"] is not None and datetime.fromisoformat(row["due_at"]) <= self._parts.clock()

    def _outlook(self, *, has_begun: bool) -> _End | None:
        """Return how waiting for the end of a rollout that does not run ends now, or None when something is to come."""
        parts = self._parts
        if not parts.has_operator:
            why = "the operator has stopped; what was asked for is recorded, and goes on when one runs again"
            return _End(is_well=False, why=why)
        if has_begun:
            return None
        newest = {one.push: one for one in parts.storage.events.desired(parts.registry_hosts)}
        desired = newest.get(self._requested.push)
        if not desired:
            return _End(is_well=False, why=_OVERTAKEN)
        found = judged(parts.storage, parts, desired, parts.storage.fleet.load())
        if any(verdict.is_pending for _, verdict in found):
            return None
        if found and all(verdict is CURRENT for _, verdict in found):
            return self._without_work(found)
        why = "nothing is left to do: its targets are gone, or were changed in the meantime"
        return _End(is_well=False, why=why)

    def _without_work(self, found: Judged) -> _End:
        """Return the end of a push for which no target is to be changed."""
        left = sum(verdict is not CURRENT for _, verdict in found)
        if left:
            why = f"no target is to be changed by it: left alone {targets(left)}"
            return _End(is_well=False, why=why)
        if not found:
            return _End(is_well=False, why=_nobody(self._parts))
        why = f"{targets(len(found))} already on this digest, as far as the last scan saw"
        return _End(is_well=True, why=why)

    def _end_of(self, row: Mapping[str, Any]) -> _End:
        """Return the end of a rollout that does not run: well if targets run the digest, and no other was to."""
        if row["state"] == RolloutState.SUPERSEDED:
            return _End(is_well=False, why=_OVERTAKEN)
        known = self._parts.storage.fleet.load()
        is_well = [_is_well(one, row, known) for one in row["targets"] if not _is_gone(one)]
        missed = is_well.count(False)
        if is_well and not missed:
            return _End(is_well=True)
        again = f"; it is tried again at {row['due_at']}" if row["due_at"] else ""
        why = f"not every target ended well: {targets(missed)} did not{again}" if missed else _GONE
        return _End(is_well=False, why=why)


def _nobody(parts: Parts) -> str:
    return _NOBODY if parts.storage.fleet.load().hosts else _NEVER_ASKED


def _is_well(one: Mapping[str, Any], row: Mapping[str, Any], known: Fleet) -> bool:
    if one["outcome"] in (Outcome.UPDATED, Outcome.UNCHANGED):
        return True
    # The last run was not for it: somebody else may have brought it there.
    target = known.targets.get(one["key"])
    return one["run"] < row["runs"] and target is not None and target.runs(row["digest"])


def _is_gone(one: Mapping[str, Any]) -> bool:
    return one["outcome"] == Outcome.SKIPPED and not one["left_alone"]
