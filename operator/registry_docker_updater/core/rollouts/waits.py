"""What waits by a rule or for a person: the rollout of a push that waits, and a run that is not to go on."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.rollouts.verdicts import APPROVAL, Case, Verdict, rule_on

# Of many reasons, so many are told in one sentence.
_NAMED = 3


@dataclass(frozen=True)
class Wait:
    """What is to be known of a push for which ``targets`` wait: the verdict on each, of which some rule or person is the reason.

    ``rollout`` is what is known of it so far, None where it has no rollout, and ``since`` when the first push came of those that have
    waited so, one after the other. Without targets, nothing waits any more.
    """

    desired: DesiredImage
    rollout: Rollout | None
    targets: tuple[tuple[Target, Verdict], ...]
    since: datetime | None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the verdicts."""
        return tuple(sorted({verdict.name for _, verdict in self.targets}))

    @property
    def new(self) -> frozenset[str]:
        """Those of the names by which nothing of this push waited before."""
        return frozenset(self.names) - frozenset(self.rollout.waits if self.rollout else ())

    @property
    def approval_of(self) -> str | None:
        """A fingerprint of the targets that wait for approval, None where none does: others among them are to be told of."""
        keys = [target.key for target, verdict in self.targets if verdict.name == APPROVAL.name]
        return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:16] if keys else None

    @property
    def is_pending(self) -> bool:
        """Whether any of the targets is to get the push later."""
        return any(verdict.is_pending for _, verdict in self.targets)

    @property
    def note(self) -> str | None:
        """Why they wait, in a sentence."""
        said = sorted({verdict.sentence for _, verdict in self.targets})
        more = f"; and {len(said) - _NAMED} more reasons" if len(said) > _NAMED else ""
        return "; ".join(said[:_NAMED]) + more if said else None


def wait_of(
    desired: DesiredImage,
    rollout: Rollout | None,
    verdicts: Iterable[tuple[Target, Verdict]],
    history: History,
) -> Wait | None:
    """Return what is new about what waits for a push, None where all of it is known."""
    waiting = tuple((target, verdict) for target, verdict in verdicts if verdict.is_by_rule)
    if not waiting:
        return Wait(desired, rollout, (), None) if rollout and rollout.waits and _is_open(rollout) else None
    since = min(history.waiting_since.get(desired.name, desired.received_at), desired.received_at)
    wait = Wait(desired, rollout, waiting, since)
    return None if rollout and _is_known(wait, rollout) else wait


def after_wait(rollout: Rollout, wait: Wait, now: datetime) -> Rollout:
    """Return the rollout of a push that waits, after it is known for what."""
    is_retried = rollout.state is RolloutState.WAITING and rollout.due_at is not None
    waits = replace(rollout, waits=wait.names, waiting_since=wait.since, approval_of=wait.approval_of)
    if wait.targets and not is_retried:
        waits = replace(waits, note=wait.note)
    if wait.is_pending:
        return replace(waits, state=RolloutState.WAITING, ended_at=None)
    if is_retried or not wait.targets:
        return waits
    return replace(waits, state=RolloutState.FINISHED, ended_at=rollout.ended_at or now)


def held(in_run: Iterable[Case]) -> str | None:
    """Return why a run that goes on is to begin no other step, in a sentence; None where it may."""
    return next((verdict.sentence for verdict in map(rule_on, in_run) if verdict), None)


def closing_at(in_run: Iterable[Case]) -> datetime | None:
    """Return when the first window closes of those in which a run goes on, None where none does."""
    closing = (
        window.closes_at(case.now)
        for case in in_run
        if not case.is_overridden
        for window in case.rules.windows
    )
    return min((moment for moment in closing if moment), default=None)


def cases_in_run(
    running: Rollout, newest: DesiredImage, fleet: Fleet, history: History, now: datetime
) -> Sequence[Case]:
    """Return the cases of the targets that a run is for, as far as they have not come to their end in it.

    The run may be of a push before the ``newest`` of its name, and its targets may be to run something else by now.
    """
    desired = _of_run(running, newest, history)
    begun = ((fleet.targets.get(key), last) for key, last in history.last.items())
    return [
        Case(target, desired, history, fleet, now)
        for target, last in begun
        if target and last.push == running.push and not last.held and not last.outcome.is_final
    ]


def _of_run(running: Rollout, newest: DesiredImage, history: History) -> DesiredImage:
    """Return the push of a run as an image that is desired."""
    push = history.running_pushes.get(running.push)
    if push is None or push.id == newest.push:
        return replace(newest, push=running.push)
    return replace(
        newest, push=push.id, digest=push.digest, received_at=push.received_at, actor=push.actor, change=0
    )


def said_of(wait: Wait) -> Sequence[Mapping[str, Any]]:
    """Return what the trail says of targets that wait: each reason, with those that have it."""
    by_verdict: dict[str, list[str]] = {}
    for target, verdict in wait.targets:
        by_verdict.setdefault(str(verdict), []).append(target.key)
    return [{"verdict": verdict, "targets": keys} for verdict, keys in by_verdict.items()]


def _is_open(rollout: Rollout) -> bool:
    return rollout.state is RolloutState.WAITING


def _is_known(wait: Wait, rollout: Rollout) -> bool:
    is_state = wait.is_pending == _is_open(rollout) or rollout.due_at is not None
    is_noted = rollout.due_at is not None or rollout.note == wait.note
    known = (rollout.waits, rollout.waiting_since, rollout.approval_of)
    return is_state and is_noted and known == (wait.names, wait.since, wait.approval_of)
