"""What a verdict is given on: one target that runs a pushed name, with all that is known of it; and what a verdict is."""

from dataclasses import dataclass
from datetime import datetime

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.history import History, LastAttempt, Override
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState


@dataclass(frozen=True)
class Verdict:
    """Why a target is, or is not, to be brought to the pushed digest now; ``sentence`` says it to people.

    ``name`` is the same in a word, for programs, and ``then`` says what happens next. ``is_pending`` tells that the operator
    comes to it by itself, ``is_overridable`` that a person can have the target brought to the digest all the same.
    """

    name: str
    sentence: str
    then: str
    is_pending: bool = False
    is_overridable: bool = False

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Case:
    """One target, what is wanted of it, and what is known at ``now``."""

    target: Target
    desired: DesiredImage
    history: History
    fleet: Fleet
    now: datetime

    @property
    def last(self) -> LastAttempt | None:
        """What became of the target last, whatever the push."""
        return self.history.last.get(self.target.key)

    @property
    def last_of_push(self) -> LastAttempt | None:
        """What became of the target last, where that was by this push."""
        last = self.last
        return last if last and last.push == self.desired.push else None

    @property
    def rollout(self) -> Rollout | None:
        """The rollout of this push."""
        return self.history.rollouts.get(self.desired.push)

    @property
    def is_over(self) -> bool:
        """Whether the rollout of this push is not run again."""
        return self.rollout is None or self.rollout.state is RolloutState.FINISHED

    @property
    def is_overridden(self) -> bool:
        """Whether a person wants the target to get this push whatever became of it before."""
        return Override(self.target.key, self.desired.push) in self.history.overrides

    @property
    def has_ended(self) -> bool:
        """Whether this push has come to its end on the target."""
        last = self.last_of_push
        return last is not None and last.outcome.is_final and not last.left_alone
