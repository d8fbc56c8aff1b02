"""Pages of rollouts: the list, one with its targets, stages and trail, and what a run of one printed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bottle import HTTPResponse

from registry_docker_updater.core.rollouts.outcomes import FAILURES
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.stages import STAGES
from registry_docker_updater.core.runs.progress import TargetProgress, TargetStage
from registry_docker_updater.edges.runs.kept_runs import last_events, names_of_runs, output_of
from registry_docker_updater.errors import NothingKnown, NotNow
from registry_docker_updater.http.once import ByHand
from registry_docker_updater.http.pages.asked import ROWS, Asked, Pager, older, paged
from registry_docker_updater.http.pages.context import ROLLOUTS, Context, asked
from registry_docker_updater.http.pages.topics import ROLLOUT
from registry_docker_updater.http.pages.topics import TRAIL as EVERYTHING
from registry_docker_updater.storage.choices import RolloutChoice
from registry_docker_updater.views.approvals import ApprovalRow, can_be_given
from registry_docker_updater.views.progress import target_progress
from registry_docker_updater.views.rollouts import (
    TargetOutcomeRow,
    outcome,
    outcomes_of,
    rollouts,
    slowest,
    summary,
)
from registry_docker_updater.views.trail import story
from registry_docker_updater.views.waits import count_waiting, waiting_targets

# How many of the targets that wait are shown.
_WAITING = 50
_STATES = [str(one) for one in RolloutState]
_STAGES_OF_RUN = (TargetStage.LOST, TargetStage.UPDATING, TargetStage.WAITS, TargetStage.ENDED)
# Of a run that goes on: what failed in it, then what may fail, then what it is at.
_GRAVITY: Mapping[str, int] = {
    **{str(one): number for number, one in enumerate(FAILURES)},
    **{str(one): number for number, one in enumerate(_STAGES_OF_RUN, len(FAILURES))},
}
# Where the bars of the stages begin and end, in units of the picture.
_LEFT, _RIGHT = 140.0, 620.0
# How much of a run's events a page is made of, in bytes, and how many characters of their output it shows.
_LONGEST_EVENTS, _LONGEST_OUTPUT = 4 * 1024 * 1024, 400_000
_RESULTS = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
}


@dataclass(frozen=True)
class RolloutPages:
    """Shows rollouts; ``by_hand`` knows what approvals one needs."""

    context: Context
    by_hand: ByHand

    def rollouts(self) -> HTTPResponse:
        """Show the rollouts that are asked for, newest first."""
        query = asked()
        state = query.one_of("state", _STATES)
        choice = RolloutChoice(
            text=query.text("text"),
            actor=query.text("actor"),
            since=query.moment("since"),
            until=query.moment("until"),
            state=RolloutState(state) if state else None,
        )
        before = query.number("before")
        rows, pager = older(query, rollouts(self.context.storage, ROWS + 1, before, choice), "id")
        return self.context.page(
            "rollouts",
            ROLLOUTS,
            None if before else EVERYTHING,
            asked=query,
            unread=query.unread({**vars(choice), "before": before}),
            rows=rows,
            pager=pager,
            states=_STATES,
        )

    def rollout(self, number: int) -> HTTPResponse:
        """Show one rollout."""
        storage, query = self.context.storage, asked()
        try:
            row = summary(storage, number)
        except NothingKnown as error:
            return self.context.nothing(str(error), ROLLOUTS)
        before = query.number("before")
        newest_first = story(storage, number, ROWS + 1, before)[::-1]
        entries, more = older(query, newest_first, "sequence")
        targets, pager = self._targets(query, number)
        approvals, overview = self._approvals(number), self.context.overview()
        return self.context.page(
            "rollout",
            ROLLOUTS,
            f"{ROLLOUT}{number}",
            unread=query.unread({"page": query.number("page"), "before": before}),
            row=row,
            targets=targets,
            pager=pager,
            picture=picture(slowest(storage, number)),
            runs=names_of_runs(self._folder(number)),
            story=entries[::-1],
            more=more,
            approvals=approvals,
            is_to_be_decided=row["state"] == RolloutState.WAITING or any(map(can_be_given, approvals)),
            waiting=waiting_targets(overview, row["push"], _WAITING),
            waiting_count=count_waiting(overview, row["push"]),
        )

    def run(self, number: int, name: str) -> HTTPResponse:
        """Show what a run of a rollout did and printed."""
        folder = self._folder(number)
        if name not in names_of_runs(folder):
            return self.context.nothing(f"Rollout {number} has no run {name} that is kept.", ROLLOUTS)
        events = last_events(folder / name, _LONGEST_EVENTS)
        output = output_of(folder / name, events.lines)
        return self.context.page(
            "run",
            ROLLOUTS,
            number=number,
            name=name,
            tasks=tasks(events.lines),
            are_all_tasks=events.are_all,
            output=output[-_LONGEST_OUTPUT:],
            is_end=not events.are_all or len(output) > _LONGEST_OUTPUT,
        )

    def _targets(self, query: Asked, number: int) -> tuple[Sequence[Mapping[str, Any]], Pager]:
        """Return a page of what became of targets, the worst first; of those that a run is for, how far it is."""
        storage, run = self.context.storage, self.context.topics.running().get(number)
        at_work = sorted(run.of_targets(), key=_gravity) if run else []
        of_run = {one.target.key for one in at_work}
        others = [key for key in storage.rollouts.worst_first(number) if key not in of_run]
        shown, pager = paged(query, [*at_work, *others])
        kept = outcomes_of(storage, number, [one for one in shown if isinstance(one, str)])
        going = [_progress(number, one) for one in shown if isinstance(one, TargetProgress)]
        return [*going, *kept], pager

    def _approvals(self, number: int) -> Sequence[ApprovalRow]:
        """Return the approvals that a rollout needs; none where its push counts no more."""
        try:
            return self.by_hand.standings(number)
        except NotNow:
            return []

    def _folder(self, number: int) -> Path:
        return self.context.runs / str(number)


@dataclass(frozen=True)
class Bar:
    """The time that a stage took, as a picture of 720 units' width has it."""

    name: str
    seconds: str
    x: str
    width: str


@dataclass(frozen=True)
class Picture:
    """The stages of the target that took longest."""

    title: str
    label: str
    bars: Sequence[Bar]


def picture(slow: TargetOutcomeRow | None) -> Picture | None:
    """Return when a target passed each stage; None where nobody knows."""
    if slow is None:
        return None
    passed_at = list(_passed(slow))
    whole = max(seconds for _, seconds in passed_at) or 1.0
    bars, before = [], 0.0
    for stage, passed in passed_at:
        left = _LEFT + (_RIGHT - _LEFT) * before / whole
        width = max(1.5, (_RIGHT - _LEFT) * (passed - before) / whole)
        bars.append(Bar(STAGES[stage], f"{passed:.2f} s", f"{left:.1f}", f"{width:.1f}"))
        before = passed
    label = ", ".join(f"{bar.name} {bar.seconds}" for bar in bars)
    return Picture(f"{slow['kind']} {slow['name']} at {slow['place']}", label, bars)


def tasks(events: str) -> list[dict[str, Any]]:
    """Return the tasks of a run in their order, each with how many hosts it ended how for."""
    found: dict[str, dict[str, Any]] = {}
    for event in _read(events):
        data = event.get("event_data")
        word = _RESULTS.get(str(event.get("event")))
        if word is None or not isinstance(data, Mapping) or not data.get("task"):
            continue
        if word == "ok" and isinstance(data.get("res"), Mapping) and data["res"].get("changed"):
            word = "changed"
        one = found.setdefault(str(data.get("task_uuid")), {"name": str(data["task"]), "counts": {}})
        one["counts"][word] = one["counts"].get(word, 0) + 1
    return list(found.values())


def _read(events: str) -> Iterator[Mapping[str, Any]]:
    for line in events.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # It was cut when the disk was full.
        if isinstance(event, dict):
            yield event


def _gravity(one: TargetProgress) -> tuple[int, str, str]:
    outcome = str(one.ended.result.outcome) if one.ended else None
    return _GRAVITY.get(outcome or one.stage, len(_GRAVITY)), one.target.place, one.target.name


def _progress(number: int, one: TargetProgress) -> Mapping[str, Any]:
    """Return how far a run is with a target, as what became of it where that is known."""
    return {**target_progress(one), **(outcome(number, one.ended) if one.ended else {})}


def _passed(target: TargetOutcomeRow) -> Iterator[tuple[str, float]]:
    """Yield each stage with how many seconds after the push it was passed."""
    first = datetime.fromisoformat(target["stages"][0]["at"])
    for one in target["stages"]:
        yield one["stage"], (datetime.fromisoformat(one["at"]) - first).total_seconds()
