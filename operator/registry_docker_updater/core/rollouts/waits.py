"""What waits by a rule or for a person: the rollout of a push that waits, and a run that is not to go on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.moves import Aims
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.rollouts.verdicts import Case, Verdict, rule_on

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
    before = history.waiting_since.get(desired.name)
    if not waiting:
        # How long what it takes the place of has waited is not lost while no worker is free.
        is_carried = before is not None and (rollout is None or rollout.waiting_since is None)
        is_over = rollout is not None and _is_open(rollout) and rollout.waits
        since = before if is_carried else None
        return Wait(desired, rollout, (), since) if is_carried or is_over else None
    since = min(before or desired.received_at, desired.received_at)
    wait = Wait(desired, rollout, waiting, since)
    return None if rollout and _is_known(wait, rollout) else wait


def after_wait(rollout: Rollout, wait: Wait, now: datetime) -> Rollout:
    """Return the rollout of a push that waits, after it is known for what."""
    is_retried = rollout.state is RolloutState.WAITING and rollout.due_at is not None
    waits = replace(rollout, waits=wait.names, waiting_since=wait.since)
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
    running: Rollout, newest: DesiredImage, aims: Aims, history: History, now: datetime
) -> Sequence[Case]:
    """Return the cases of the targets that a run is for, as far as they have not come to their end in it.

    The run may be of a push before the ``newest`` of its name.
    """
    desired = replace(newest, push=running.push)
    begun = ((target, history.last.get(target.key)) for target in aims.behind(newest))
    return [
        Case(target, desired, history, aims.fleet, now)
        for target, last in begun
        if last and last.push == running.push and not last.held and not last.outcome.is_final
    ]


def said_of(wait: Wait) -> Sequence[Mapping[str, str]]:
    """Return what the trail says of each target that waits."""
    return [{"target": target.key, "verdict": str(verdict)} for target, verdict in wait.targets]


def _is_open(rollout: Rollout) -> bool:
    return rollout.state is RolloutState.WAITING


def _is_known(wait: Wait, rollout: Rollout) -> bool:
    is_state = wait.is_pending == _is_open(rollout) or rollout.due_at is not None
    is_noted = rollout.due_at is not None or rollout.note == wait.note
    return is_state and is_noted and rollout.waits == wait.names and rollout.waiting_since == wait.since
