"""What was attempted: rollouts, the last attempt on each target, refused digests, and what people override."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from registry_docker_updater.core.events.pushes import KeptPush
from registry_docker_updater.core.policy.decisions import Decision
from registry_docker_updater.core.policy.freezes import NO_FREEZES, Freezes
from registry_docker_updater.core.policy.policies import NO_POLICIES, Policies
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState


@dataclass(frozen=True)
class LastAttempt:
    """The last thing that became of a target, by which push.

    ``possible_digests`` are those that our runs may have left it with: more than one where nobody heard of the end
    of a run. ``left_alone`` tells that it was not touched because other targets failed before its turn, ``held`` that it was not because
    it was not to be updated any more then, ``given_up`` that there is no other try; None where that was not kept. ``is_unheard`` tells
    that nobody heard how it ended, and another run is to find out, even where the target is seen to run the digest by then.
    """

    push: int
    outcome: Outcome
    possible_digests: frozenset[str]
    at: datetime
    left_alone: bool = False
    held: bool = False
    given_up: bool | None = None
    is_unheard: bool = False


class Refusal(NamedTuple):
    """A digest that was rolled back on a target: it is not tried there again."""

    key: str
    digest: str


@dataclass(frozen=True)
class Override:
    """A person's word (``--force``) that a target is to be brought to a push, whatever became of it before, said ``at`` a moment."""

    key: str
    push: int
    at: datetime | None = field(default=None, compare=False)


class Delay(NamedTuple):
    """A push that was too young for a target when it was looked at, and when it came: newer pushes may take its place."""

    push: int
    at: datetime


class Breach(NamedTuple):
    """That a person (``actor``) wants a push on a target although rules and freezes speak against it, which ``breaks`` says."""

    key: str
    actor: str
    breaks: tuple[str, ...]


@dataclass(frozen=True)
class History:
    """What was attempted, and what people decided.

    Rollouts are by push, the last attempts by target; overrides are those that are open. ``decisions`` are on pushes that wait, the
    oldest first, ``freezes`` those that nobody ended. ``running_pushes`` are those of rollouts that run, by their numbers, and ``delays``
    what newer pushes of each name may have taken the place of. ``policies`` are the settings' part of the rules by which targets are judged.
    """

    rollouts: Mapping[int, Rollout] = field(default_factory=dict)
    last: Mapping[str, LastAttempt] = field(default_factory=dict)
    refusals: frozenset[Refusal] = frozenset()
    overrides: frozenset[Override] = frozenset()
    decisions: Mapping[int, tuple[Decision, ...]] = field(default_factory=dict)
    freezes: Freezes = NO_FREEZES
    running_pushes: Mapping[int, KeptPush] = field(default_factory=dict)
    delays: Mapping[PushedName, tuple[Delay, ...]] = field(default_factory=dict)
    policies: Policies = NO_POLICIES

    @cached_property
    def insisted_at(self) -> Mapping[Override, datetime | None]:
        """When a person said each override."""
        return {one: one.at for one in self.overrides}

    @cached_property
    def waiting_since(self) -> Mapping[PushedName, datetime]:
        """Since when pushes of each name have waited by a rule, one after the other."""
        since: dict[PushedName, datetime] = {}
        for one in self.rollouts.values():
            if one.waiting_since and one.state is RolloutState.WAITING:
                since[one.name] = min(one.waiting_since, since.get(one.name, one.waiting_since))
        return since

    @cached_property
    def unheard(self) -> Mapping[int, tuple[str, ...]]:
        """The keys of the targets of which nobody heard how the last attempt ended, by its push."""
        keys: dict[int, list[str]] = {}
        for key, one in self.last.items():
            if one.is_unheard:
                keys.setdefault(one.push, []).append(key)
        return {push: tuple(sorted(some)) for push, some in keys.items()}

    @property
    def running(self) -> frozenset[int]:
        """The ids of the rollouts that run."""
        return frozenset(one.id for one in self.rollouts.values() if one.state is RolloutState.RUNNING)


def attempt_begun(before: LastAttempt | None, push: int, digest: str, now: datetime) -> LastAttempt:
    """Return what is known of a target once a run to ``digest`` begins: should nobody hear of its end, it was our doing."""
    possible = before.possible_digests if before else frozenset[str]()
    return LastAttempt(push, Outcome.FAILED, possible | {digest}, now, given_up=False, is_unheard=True)


def attempt_ended(  # noqa: PLR0913 - what was begun, and what it came to
    before: LastAttempt | None,
    push: int,
    digest: str,
    one: TargetOutcome,
    now: datetime,
    *,
    given_up: bool = False,
) -> LastAttempt:
    """Return what is known of a target after an outcome that may, or may not, say what it was left with."""
    begun = attempt_begun(before, push, digest, now)
    # What was held was not touched: where a person left it is no doing of ours.
    possible = frozenset((one.after,)) if one.after and not one.held else begun.possible_digests
    if one.outcome is Outcome.UNREACHABLE and before and before.push == push:
        now = before.at  # The host may have come back while the run that missed it went on.
    is_open = not (one.outcome.is_final or one.after or given_up or one.left_alone)
    # What was not touched is where the run before left it.
    was_unheard = before is not None and before.push == push and before.is_unheard
    is_unheard = was_unheard if one.held else is_open
    return LastAttempt(push, one.outcome, possible, now, one.left_alone, one.held, given_up, is_unheard)
