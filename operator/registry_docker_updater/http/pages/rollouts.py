"""Pages of rollouts: the list, one with its targets, stages and trail, and what a run of one printed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bottle import HTTPResponse

from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.stages import STAGES
from registry_docker_updater.edges.runs.kept_runs import names_of_runs, output_of, read_events
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.http.pages.asked import ROWS, older, paged
from registry_docker_updater.http.pages.context import ROLLOUTS, Context, asked
from registry_docker_updater.http.pages.topics import ROLLOUT
from registry_docker_updater.http.pages.topics import TRAIL as EVERYTHING
from registry_docker_updater.storage.choices import RolloutChoice
from registry_docker_updater.views.progress import progress
from registry_docker_updater.views.rollouts import TargetOutcomeRow, WholeRolloutRow, rollout, rollouts
from registry_docker_updater.views.trail import story

_STATES = [str(one) for one in RolloutState]
# Failures first.
_GRAVITY = {
    str(one): number for number, one in enumerate((Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.UNREACHABLE))
}
# Where the bars of the stages begin and end, in units of the picture.
_LEFT, _RIGHT = 140.0, 620.0
# How many characters of a run's output a page shows.
_LONGEST_OUTPUT = 400_000
_RESULTS = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
}


@dataclass(frozen=True)
class RolloutPages:
    """Shows rollouts."""

    context: Context

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
        try:
            row = rollout(self.context.storage, number)
        except NothingKnown as error:
            return self.context.nothing(str(error), ROLLOUTS)
        query = asked()
        targets, pager = paged(query, self._targets(row))
        return self.context.page(
            "rollout",
            ROLLOUTS,
            f"{ROLLOUT}{number}",
            row=row,
            targets=targets,
            pager=pager,
            picture=picture(row["targets"]),
            runs=names_of_runs(self._folder(number)),
            story=story(self.context.storage, number),
        )

    def run(self, number: int, name: str) -> HTTPResponse:
        """Show what a run of a rollout did and printed."""
        folder = self._folder(number)
        if name not in names_of_runs(folder):
            return self.context.nothing(f"Rollout {number} has no run {name} that is kept.", ROLLOUTS)
        output = output_of(folder / name)
        cut = max(0, len(output) - _LONGEST_OUTPUT)
        return self.context.page(
            "run",
            ROLLOUTS,
            number=number,
            name=name,
            tasks=tasks(read_events(folder / name)),
            output=output[cut:],
            cut=cut,
        )

    def _targets(self, row: WholeRolloutRow) -> Sequence[Mapping[str, Any]]:
        """Return what became of each target, the worst first; of those that a run is at, how far it is."""
        running = self.context.topics.running()
        going = progress(running, row["id"])["targets"] if row["id"] in running else []
        at_work = {one["key"]: one for one in going if one["outcome"] is None}
        over = [one for one in row["targets"] if one["key"] not in at_work]
        worst_first = sorted(
            over, key=lambda one: (_GRAVITY.get(one["outcome"], 9), one["place"], one["name"])
        )
        return [*at_work.values(), *worst_first]

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


def picture(targets: Sequence[TargetOutcomeRow]) -> Picture | None:
    """Return when the slowest of ``targets`` passed each stage; None where nobody knows."""
    slowest = max((one for one in targets if len(one["stages"]) > 1), key=_seconds, default=None)
    if slowest is None:
        return None
    whole = _seconds(slowest) or 1.0
    bars, before = [], 0.0
    for stage, passed in _passed(slowest):
        left = _LEFT + (_RIGHT - _LEFT) * before / whole
        width = max(1.5, (_RIGHT - _LEFT) * (passed - before) / whole)
        bars.append(Bar(STAGES[stage], f"{passed:.2f} s", f"{left:.1f}", f"{width:.1f}"))
        before = passed
    label = ", ".join(f"{bar.name} {bar.seconds}" for bar in bars)
    return Picture(f"{slowest['kind']} {slowest['name']} at {slowest['place']}", label, bars)


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


def _passed(target: TargetOutcomeRow) -> Iterator[tuple[str, float]]:
    """Yield each stage with how many seconds after the push it was passed."""
    first = datetime.fromisoformat(target["stages"][0]["at"])
    for one in target["stages"]:
        yield one["stage"], (datetime.fromisoformat(one["at"]) - first).total_seconds()


def _seconds(target: TargetOutcomeRow) -> float:
    return max(seconds for _, seconds in _passed(target))
