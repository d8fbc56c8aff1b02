"""What a verdict is given on: one target that runs a pushed name, with all that is known of it; and what a verdict is."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.policies import rules_of
from registry_docker_updater.core.policy.rules import Rules
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.history import History, LastAttempt, Override
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState


@dataclass(frozen=True)
class Verdict:
    """Why a target is, or is not, to be brought to the pushed digest now; ``sentence`` says it to people.

    ``name`` is the same in a word, for programs, and ``then`` says what happens next; ``at`` is when that is, where a time is set.
    ``is_pending`` tells that the operator comes to it by itself, or when a person has decided; ``is_overridable`` that a person can have
    the target brought to the digest all the same. ``is_by_rule`` tells that an owner's rule or a person's decision says so, and
    ``is_meant`` that it is as somebody wants it, and no trouble.
    """

    name: str
    sentence: str
    then: str
    is_pending: bool = False
    is_overridable: bool = False
    is_by_rule: bool = False
    is_meant: bool = False
    at: datetime | None = None

    def saying(self, sentence: str, at: datetime | None = None) -> "Verdict":
        """Return the same verdict for a reason that ``sentence`` says more exactly."""
        return replace(self, sentence=sentence, at=at)

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

    @cached_property
    def rules(self) -> Rules:
        """What owners say of when, and whether, the target is updated."""
        return rules_of(self.target, self.fleet, self.history.policies, self.desired.registry)

    @property
    def waiting_since(self) -> datetime:
        """When the first push came of those that were too young for the target, one after the other."""
        pushed_at, last = self.desired.received_at, self.last.push if self.last else 0
        # What was tried on it made it wait no longer, nor what came before it began to run what it runs.
        delays = (one.at for one in self.history.delays.get(self.desired.name, ()) if one.push > last)
        return min(pushed_at, max(min(delays, default=pushed_at), self.target.since))

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
        """Whether this push is not tried again by itself after what it came to on the target.

        A rollout may go on, or wait, for other targets after this one was given up, unless a person has it run again.
        """
        rollout, last = self.rollout, self.last_of_push
        if rollout is None:
            return True
        is_asked_again = rollout.due_at is not None and rollout.attempts == 0
        if last is None or last.given_up is None:
            return rollout.state is RolloutState.FINISHED
        return last.given_up and not is_asked_again

    @property
    def is_overridden(self) -> bool:
        """Whether a person wants the target to get this push whatever became of it before."""
        return Override(self.target.key, self.desired.push) in self.history.overrides

    @property
    def insisted_at(self) -> datetime | None:
        """When a person wanted that, as far as it is known."""
        return self.history.insisted_at.get(Override(self.target.key, self.desired.push))

    @property
    def has_ended(self) -> bool:
        """Whether this push has come to its end on the target."""
        last = self.last_of_push
        return last is not None and last.outcome.is_final and not (last.left_alone or last.held)
