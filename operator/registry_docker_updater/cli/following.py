"""What becomes of what a person asked for: said at once, and followed to its end when wanted."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from registry_docker_updater.cli import meaning
from registry_docker_updater.cli.exits import Exit
from registry_docker_updater.cli.output import Output
from registry_docker_updater.cli.source import Source
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts import OPTED_OUT, WATCHED
from registry_docker_updater.views.pushes import PushRow
from registry_docker_updater.views.rollouts import TargetOutcomeRow, WholeRolloutRow
from registry_docker_updater.views.text import counts, targets

# A tenth of what was waited already, so that the end of what is short is seen at once, and what is long is not asked for all the time.
_SHORTEST_PAUSE, _LONGEST_PAUSE, _PAUSE_SHARE = 0.5, 5.0, 0.1
_ASKED_NOW = "no host was asked yet; waiting for the operator, which asks them now"
_STOPPED = "the operator has stopped; what was asked for is recorded, and goes on when one runs again"
_OVERTAKEN = "a newer push of the same image took its place"
_CHANGED = "nothing is left to do: its targets were changed in the meantime"
_GONE = "no target runs this image name any more"
# What nothing is said of to whoever waits: its owner wants it left as it is.
_AS_MEANT = frozenset((OPTED_OUT.name, WATCHED.name))
# What the exit codes of a command say that follows a rollout.
FOLLOWED: Mapping[Exit, str] = MappingProxyType(
    {
        Exit.DONE: "recorded; with --wait, every target ended well",
        Exit.WRONG: "could not be done; with --wait, a target did not end well, or no operator works",
        Exit.WAITS: "with --wait: nothing failed, and targets wait by a rule or for a person",
        Exit.NOBODY: "with --wait: no target runs the image name",
    }
)


@dataclass(frozen=True)
class _End:
    """How waiting ended: whether every target ended well; why not, or what else is to be known; and the exit code."""

    is_well: bool
    why: str | None = None
    code: Exit = Exit.WRONG


def answer(  # noqa: PLR0913 - how it was asked for, and how it is told
    source: Source, asked: PushRow, name: str, output: Output, *, as_json: bool, wait: bool
) -> int:
    """Say what will be done and what not, follow it when told to ``wait``, and return the exit code.

    ``asked`` is the push as it stood when it was asked for, under the ``name`` that the person has for it.
    """
    concerned, left, waiting = meaning.concerned(asked), meaning.left_alone(asked), meaning.waiting(asked)
    output.remark(*meaning.remarks(asked))
    is_alone = not source.is_working
    if not concerned and (is_alone or not wait):
        output.remark(meaning.nobody(asked))
    elif not concerned and not asked["is_fleet_asked"]:
        output.remark(_ASKED_NOW)
    if is_alone and not wait:
        output.remark(meaning.NO_OPERATOR)
    end = _Following(source, asked, output).end() if wait else None
    if end and end.why:
        output.remark(end.why)
    row = source.standing(asked["push"])["rollout"] if end else None
    if as_json:
        promise = {
            "recorded": name,
            "push": asked["push"],
            "targets": len(concerned) - len(waiting),
            "left_alone": {one["key"]: one["says"] for one in left},
            "waiting": {one["key"]: one["says"] for one in waiting},
            "breaks": {one["key"]: one["breaks"] for one in meaning.breaking(asked)},
        }
        ended = {"ended_well": end.is_well, "why": end.why} if end else {}
        output.json({**promise, **(row or {}), **ended})
    elif row and row["runs"] > _runs(asked):
        so_far = counts(row["outcomes"]) or "no target has ended"
        output.line(f"rollout {row['id']}: {row['state']}, {so_far}")
    else:
        later = f", of which {len(waiting)} wait{'s' if len(waiting) == 1 else ''}" if waiting else ""
        output.line(f"recorded: {name}, for {targets(len(concerned))}{later}")
    return end.code if end and not end.is_well else Exit.DONE


class _Following:
    """Waits until every target has ended, or nothing more comes of it; tells outcomes as they come."""

    def __init__(self, source: Source, asked: PushRow, output: Output) -> None:
        self._source, self._asked, self._output = source, asked, output
        self._seen: dict[str, str] = {}

    def end(self) -> _End:
        asked = self._asked
        try:
            if not self._source.is_working:
                return _End(is_well=False, why=meaning.NO_OPERATOR)
            if not meaning.concerned(asked) and asked["is_fleet_asked"]:
                return self._without_work(asked)
            end = self._follow()
        except KeyboardInterrupt:
            why = "no longer waited for; what was asked for is recorded, and goes on"
            return _End(is_well=False, why=why, code=Exit.INTERRUPTED)
        left = [one for one in meaning.left_alone(asked) if one["verdict"] not in _AS_MEANT]
        if end.is_well and left:
            return _End(is_well=False, why=f"not every target was updated: left alone {targets(len(left))}")
        return end

    def _follow(self) -> _End:
        """Wait for the next run of the rollout to end."""
        waited = 0.0
        while True:
            now = self._source.standing(self._asked["push"])
            row = now["rollout"]
            begun = row if row and row["runs"] > _runs(self._asked) else None
            # One that is due was cut off, and is about to run again; so is one that held what is planned anew.
            is_over = (
                begun is not None
                and begun["state"] != RolloutState.RUNNING
                and not now["is_due"]
                and not _is_planned_anew(begun, now)
            )
            if begun:
                self._tell(begun, is_over=is_over)
            end = self._end_of(now, begun) if begun and is_over else self._outlook(now, has_begun=bool(begun))
            if end:
                return end
            pause = min(max(_SHORTEST_PAUSE, waited * _PAUSE_SHARE), _LONGEST_PAUSE)
            time.sleep(pause)
            waited += pause

    def _tell(self, row: WholeRolloutRow, *, is_over: bool) -> None:
        for one in row["targets"]:
            is_new = self._seen.get(one["key"]) != one["outcome"]
            if is_new and (is_over or one["run"] == row["runs"]):
                self._seen[one["key"]] = one["outcome"]
                is_well = one["outcome"] in (Outcome.UPDATED, Outcome.UNCHANGED)
                why = f": {one['message']}" if one["message"] and not is_well else ""
                self._output.remark(f"  {one['kind']} {one['name']} at {one['place']}: {one['outcome']}{why}")
                self._output.remark(*(f"    {line}" for line in one["log"]))

    def _outlook(self, now: PushRow, *, has_begun: bool) -> _End | None:
        """Return how waiting for the end of a rollout that does not run ends now, or None when something is to come."""
        if not self._source.is_working:
            return _End(is_well=False, why=_STOPPED)
        return None if has_begun else self._prospect(now)

    def _prospect(self, now: PushRow) -> _End | None:
        """Return how it ends for a push of which no run has begun, or None when one is to come."""
        if not now["is_newest"]:
            return _End(is_well=False, why=_OVERTAKEN)
        concerned = meaning.concerned(now)
        if concerned:
            # What waits may do so for nights: nobody is kept here for as long.
            is_later = all(one["waits"] for one in concerned)
            return _End(is_well=False, why=meaning.why_waiting(now), code=Exit.WAITS) if is_later else None
        if not self._asked["is_fleet_asked"]:
            return self._without_work(now) if now["is_fleet_asked"] else None
        if not now["targets"]:
            return _End(is_well=False, why=_GONE, code=Exit.NOBODY)
        if all(one["is_current"] for one in now["targets"]):
            return self._without_work(now)
        return _End(is_well=False, why=_CHANGED)

    @staticmethod
    def _without_work(now: PushRow) -> _End:
        """Return the end of a push for which no target is to be changed."""
        left = sum(not one["is_current"] for one in now["targets"])
        if left:
            why = f"no target is to be changed by it: left alone {targets(left)}"
            return _End(is_well=False, why=why)
        if not now["targets"]:
            code = Exit.WRONG if now["unheard_hosts"] else Exit.NOBODY
            return _End(is_well=False, why=meaning.nobody(now), code=code)
        return _End(is_well=True, why=meaning.already_there(now))

    @staticmethod
    def _end_of(now: PushRow, row: WholeRolloutRow) -> _End:
        """Return the end of a rollout that does not run: well if targets run the digest, and no other was to."""
        if row["state"] == RolloutState.SUPERSEDED:
            return _End(is_well=False, why=_OVERTAKEN)
        waiting = {one["key"] for one in meaning.waiting(now)}
        is_well = [
            _is_well(one, row, now)
            for one in row["targets"]
            if not (_is_gone(one, now) or (one["held"] and one["key"] in waiting))
        ]
        missed = is_well.count(False)
        if not missed and waiting:
            return _End(is_well=False, why=meaning.why_waiting(now), code=Exit.WAITS)
        if is_well and not missed:
            return _End(is_well=True)
        again = f"; it is tried again at {row['due_at']}" if row["due_at"] else ""
        if not missed:
            return _End(is_well=False, why=_GONE, code=Exit.NOBODY)
        why = f"not every target ended well: {targets(missed)} did not{again}"
        return _End(is_well=False, why=why)


def _runs(asked: PushRow) -> int:
    return asked["rollout"]["runs"] if asked["rollout"] else 0


def _is_well(one: TargetOutcomeRow, row: WholeRolloutRow, now: PushRow) -> bool:
    if one["outcome"] in (Outcome.UPDATED, Outcome.UNCHANGED):
        return True
    # The last run was not for it: somebody else may have brought it there.
    is_current = any(known["key"] == one["key"] and known["is_current"] for known in now["targets"])
    return (one["held"] or one["run"] < row["runs"]) and is_current


def _is_gone(one: TargetOutcomeRow, now: PushRow) -> bool:
    is_held = one["held"] and any(known["key"] == one["key"] for known in now["targets"])
    return one["outcome"] == Outcome.SKIPPED and not (one["left_alone"] or is_held)


def _is_planned_anew(row: WholeRolloutRow, now: PushRow) -> bool:
    """Tell whether a run held a target to which another comes at once."""
    if row["state"] == RolloutState.SUPERSEDED or row["due_at"]:
        return False
    at_once = {one["key"] for one in meaning.concerned(now) if not one["waits"]}
    return any(one["held"] and one["key"] in at_once for one in row["targets"])
