"""Rolling out: one run of ``update.yml`` for a push, and what became of each target in it."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.progress import Progress
from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import PLAYBOOKS_CHANGED
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.core.rollouts.lifecycle import RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import RetryPolicy, Rollout
from registry_docker_updater.core.rollouts.stages import timeline
from registry_docker_updater.core.rollouts.unheard import as_ended, begun_through, interrupted_keys
from registry_docker_updater.core.runs.conclusion import by_every_key, conclude, outcome_of
from registry_docker_updater.core.runs.reading import HostFailure, ReportedOutcome, read
from registry_docker_updater.core.runs.results import ModuleResult, TaskStart
from registry_docker_updater.edges.runs.port import FinishedRun, Playbook
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.log_context import UNLIKE_OTHERS, about
from registry_docker_updater.storage.actions import (
    begin_run,
    end_run,
    hold_run,
    interrupt_runs,
    keep_outcome,
    keep_run,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RolloutPolicy:
    """How rollouts run: how many at the same time, for how long at most, and when a failed one is run again."""

    workers: int
    timeout: timedelta
    retry: RetryPolicy


class RollOut:
    """Carries rollouts out, each run in a thread of its own."""

    def __init__(  # noqa: PLR0913 - what it needs, and whom it tells
        self,
        context: Context,
        policy: RolloutPolicy,
        *,
        progress: Progress,
        updated: Callable[[Mapping[str, str], Mapping[str, str], datetime], None],
        need: Callable[[Iterable[str]], None],
        began: Callable[[Rollout, Start, datetime], None] = lambda *_: None,
    ) -> None:
        """Carry rollouts out as ``policy`` says.

        ``progress`` is told how far each run is; ``updated`` hears which digest each target was left with, by key, and to which tag it was moved, so that nothing waits for the next scan; ``need``
        which hosts are to be asked at once, for what failed may have left something to be finished; ``began`` that a run begins.
        """
        self._context, self._policy = context, policy
        self._progress, self._updated, self._need, self._began = progress, updated, need, began
        self._busy: set[int] = set()
        self._inputs = context.playbooks.inputs()

    @property
    def busy(self) -> frozenset[int]:
        """The rollouts that are being worked on."""
        return frozenset(self._busy)

    @property
    def is_full(self) -> bool:
        """Whether no more may run at the same time."""
        return len(self._busy) >= self._policy.workers

    def start(self, start: Start, now: datetime, seen: int | None = None) -> None:
        """Begin a run; raises :class:`Overtaken` where people said something since that was ``seen``."""
        inputs = self._context.playbooks.inputs()
        if inputs != self._inputs:
            self._context.storage.trail.append(
                Step(PLAYBOOKS_CHANGED, {"are": inputs, "were": self._inputs}), now
            )
            self._inputs = inputs
        asked = {"playbook": "update", "variables": _variables(start), "check": False, **inputs}
        rollout = begin_run(self._context.storage, start, now, asked, seen)
        # What an operator left that was killed is of the run before.
        self._hold_of(rollout.id).unlink(missing_ok=True)
        self._busy.add(rollout.id)
        self._progress.begin(start, rollout, now)
        desired = start.desired
        with about(event=desired.push, rollout=rollout.id, run=rollout.runs, registry=desired.registry):
            self._context.submit(partial(self._run, start, rollout))
            self._began(rollout, start, now)

    def hold(self, rollout: int, why: str, now: datetime) -> None:
        """Have a run that goes on begin no other step; what it has not begun is planned anew."""
        file = self._hold_of(rollout)
        if rollout not in self._busy or file.exists():
            return
        hold_run(self._context.storage, rollout, why, now)
        with about(rollout=rollout):
            _log.info("it begins no other step: %s", why)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        written = file.with_suffix(".new")
        written.write_text(why)
        written.replace(file)

    def _hold_of(self, rollout: int) -> Path:
        """Return the file that a run looks for before each of its steps."""
        return self._context.runs.with_name("holds") / str(rollout)

    def interrupt(self, due_at: datetime) -> Sequence[Rollout]:
        """Make every rollout that is running and not worked on due again; return them as they were.

        Of what their runs are known to have done, the team is told.
        """
        return interrupt_runs(self._context.storage, due_at, self.busy)

    def _run(self, start: Start, rollout: Rollout) -> None:
        try:
            self._work(start, rollout)
        finally:
            self._progress.end(rollout.id)
            self._hold_of(rollout.id).unlink(missing_ok=True)
            self._busy.discard(rollout.id)

    def _work(self, start: Start, rollout: Rollout) -> None:
        desired = start.desired
        _log.info("%s to %s on %s", desired.image, desired.digest, ", ".join(start.hosts))
        expected = by_every_key(start.targets)
        known: dict[str, TargetOutcome] = {}
        outcomes = self._context.storage.rollouts.outcomes(rollout.id)
        interrupted = dict(interrupted_keys(start.unheard, outcomes, rollout.runs))

        def keep(result: ModuleResult) -> None:
            for reading in read(result):
                if isinstance(reading, ReportedOutcome):
                    one = as_ended(outcome_of(reading, expected, self._context.clock()), interrupted)
                    known[one.key] = one
                    self._keep(start, rollout, one)
                elif isinstance(reading, HostFailure):
                    if reading.is_unreachable:
                        interrupted.update(begun_through(reading.host, start))
                    self._progress.lost(rollout.id, reading.host, reading.reason)

        def note(task: TaskStart) -> None:
            self._progress.task(rollout.id, task, self._context.clock())

        before = {one.result.key: one.result for one in outcomes}
        folder = self._context.runs / str(rollout.id)
        update = _update(start, rollout.runs, self._hold_of(rollout.id))
        ended = self._context.playbooks.run(update, folder, self._policy.timeout, keep, note)
        if ended.was_stopped:
            # It is run again after the next start; what it did so far is evidence all the same.
            keep_run(self._context.storage, rollout.id, ended.left, self._context.clock())
        else:
            results = self._outcomes(start, rollout, known, ended)
            self._conclude(start, rollout, RunEnd(desired.digest, results, before), ended)

    def _keep(self, start: Start, rollout: Rollout, one: TargetOutcome) -> None:
        """Keep what became of one target, as soon as it is known."""
        now = self._context.clock()
        self._progress.ended(rollout.id, one, now)
        try:
            keep_outcome(self._context.storage, rollout.id, start.desired.digest, one, now)
        except UpdaterError as error:  # it is kept at the end of the run, which is not to break for it
            _log.warning("%s", error)
        with about(target=one.key):
            _log.info("%s at %s: %s", one.name, one.place, _said(one), extra=UNLIKE_OTHERS)

    def _outcomes(
        self, start: Start, rollout: Rollout, known: Mapping[str, TargetOutcome], ended: FinishedRun
    ) -> tuple[TargetOutcome, ...]:
        """Return an outcome for every target of a run that has ended."""
        # What the run left unfinished on a host may have been finished there before the run ended elsewhere.
        kept = {
            one.result.key: one.result
            for one in self._context.storage.rollouts.outcomes(rollout.id)
            if one.run == rollout.runs and one.result.outcome.is_final
        }
        readings = (reading for result in ended.results for reading in read(result))
        return conclude(start.targets, {**known, **kept}, readings, ended.cut_short or ended.refusal)

    def _conclude(
        self,
        start: Start,
        rollout: Rollout,
        end: RunEnd,
        ended: FinishedRun,
    ) -> None:
        now, outcomes = self._context.clock(), end.outcomes
        after = end_run(self._context.storage, rollout.id, end, self._policy.retry, now, ended.left)
        self._count(start, rollout, outcomes, now)
        # Not before: a run whose end could not be kept is to be run again, though the fleet is as it should be.
        arrived = (one.key for one in outcomes if one.outcome in (Outcome.UPDATED, Outcome.UNCHANGED))
        tags = {key: start.desired.tag for key in arrived if key in start.moves}
        self._updated({one.key: one.after for one in outcomes if one.after}, tags, now)
        failed = {one.key for one in outcomes if one.held or not one.outcome.is_final}
        self._need({host for one in start.targets if one.key in failed for host in one.hosts})
        again = f", again at {rfc3339(after.due_at)}" if after.due_at else ""
        note = f": {after.note}" if after.note else ""
        _log.info("%s%s%s", after.state, again, note)

    def _count(
        self, start: Start, rollout: Rollout, outcomes: Iterable[TargetOutcome], now: datetime
    ) -> None:
        received = start.desired.received_at
        for one in outcomes:
            passed = timeline(
                one.stages, received=received, planned=rollout.started_at, kept=now, sent_at=None
            )
            is_updated = one.outcome is Outcome.UPDATED
            reached = max(one.stages.values(), default=now)
            since_push = max(0.0, (reached - received).total_seconds()) if is_updated else None
            self._context.metrics.target_ended(one.outcome, tuple(passed), since_push)


def _update(start: Start, run: int, hold: Path) -> Playbook:
    variables = {**_variables(start), "docker_update_hold": str(hold)}
    return Playbook("update", variables, start.hosts, number=run)


def _variables(start: Start) -> dict[str, object]:
    possible = {key: list(digests) for key, digests in start.possible_digests.items()}
    variables: dict[str, object] = {
        "docker_update_image": start.desired.image,
        "docker_update_digest": start.desired.digest,
        "docker_update_aliases": list(start.desired.hosts[1:]),
        "docker_update_planned": dict(start.planned),
        "docker_update_at_once": {
            host: {key: possible.get(key) for key in keys} for host, keys in start.at_once.items()
        },
        "docker_update_known_digests": possible,
        "docker_update_moves": dict(start.moves),
        "docker_update_pushed_at": start.desired.received_at.timestamp(),
        # The operator has that done apart, so that no rollout waits for it.
        "docker_update_repair": False,
        # It knows what became of each target that it expects.
        "docker_update_needs_a_target": False,
    }
    if start.overridden:
        variables["standalone_container_try_again"] = True
    return variables


def _said(one: TargetOutcome) -> str:
    return f"{one.outcome} ({one.message})" if one.message else str(one.outcome)
