"""What each target runs, what it is to run, and why it does not: the planner's own verdict, for people."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import ImageName, Target
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.history import History, LastAttempt
from registry_docker_updater.core.rollouts.moves import NO_MOVES, Aims, Moves, aims
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.planner import judge
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.rollouts.verdicts import BUSY, CURRENT, DUE, Verdict

UPDATING = Verdict("updating", "is being updated now", "its rollout tells how it ends", is_pending=True)
NOT_PUSHED = Verdict(
    "not_pushed", "nothing was pushed under its name so far", "it is updated when something is"
)
FOREIGN = Verdict(
    "foreign",
    "its registry is none of those in the settings",
    "nothing; registries.<name>.hosts is to hold the name under which it is pulled",
)
UNMATCHED = Verdict(
    "unmatched",
    "no push can concern it: its image has no tag, or cannot be read",
    "nothing; it is to be deployed with a name such as registry.example.com/app:1",
)


class Alike(NamedTuple):
    """What targets have in common that are behind the same ``push`` for the same reason.

    ``verdict`` is its name, ``outcome`` what the push came to on them so far; ``is_lost`` tells that none of their hosts answered
    when asked last.
    """

    push: int
    verdict: str
    outcome: Outcome | None
    is_lost: bool


@dataclass(frozen=True)
class Outlook:
    """What a target is to run (``desired``), the verdict on that, and the rollout which is to bring it there.

    ``silent`` are those of its hosts that did not answer when they were asked last, ``last`` is what this push came to on it.
    """

    target: Target
    verdict: Verdict
    desired: DesiredImage | None = None
    rollout: Rollout | None = None
    silent: tuple[str, ...] = ()
    last: LastAttempt | None = None

    @property
    def alike(self) -> Alike:
        """What it has in common with others, where it is behind."""
        push, outcome = self.desired.push if self.desired else 0, self.last.outcome if self.last else None
        return Alike(push, self.verdict.name, outcome, len(self.silent) == len(self.target.hosts))

    @property
    def image(self) -> str:
        """The image that it is to run, by its registry's first name, where it is known."""
        return self.desired.image if self.desired else self.target.image

    @property
    def is_behind(self) -> bool:
        """Whether it does not run what was pushed."""
        desired = self.desired
        is_there = (
            desired and self.target.runs(desired.digest) and self.target.image_name in desired.image_names
        )
        return desired is not None and not is_there

    @property
    def next_at(self) -> datetime | None:
        """When it is its turn, where a time is set."""
        if self.verdict.is_by_rule:
            return self.verdict.at
        waits = self.verdict.is_pending and self.verdict is not DUE
        is_open = self.rollout is not None and self.rollout.state is RolloutState.WAITING
        return self.rollout.due_at if self.rollout and is_open and waits else None


@dataclass(frozen=True)
class Overview:
    """The fleet at a moment: what its images are to be, and the outlook of each target that is behind, by key.

    ``newest`` are the newest pushes of the image names that targets run, ``hosts`` the names of the settings' registries, in
    lower case.
    """

    fleet: Fleet
    at: datetime
    hosts: frozenset[str] = frozenset()
    newest: Mapping[ImageName, DesiredImage] = field(default_factory=dict)
    behind: Mapping[str, Outlook] = field(default_factory=dict)

    @cached_property
    def alike(self) -> Mapping[Alike, tuple[Outlook, ...]]:
        """The outlooks of targets that are behind, by what they have in common."""
        found: dict[Alike, list[Outlook]] = {}
        for one in self.behind.values():
            found.setdefault(one.alike, []).append(one)
        return {alike: tuple(some) for alike, some in found.items()}

    def outlook(self, key: str) -> Outlook:
        """Return that of the target with ``key``, which the fleet is to have."""
        target = self.fleet.targets[key]
        return self.behind.get(key) or Outlook(
            target, self.verdict(target), self._desired(target), silent=silent(target, self.fleet)
        )

    def verdict(self, target: Target) -> Verdict:
        """Return the verdict on a target of the fleet."""
        if behind := self.behind.get(target.key):
            return behind.verdict
        return self.verdict_on(target.image_name)

    def verdict_on(self, name: ImageName | None) -> Verdict:
        """Return the verdict on all targets that run the image with this name and are not behind."""
        if name is None:
            return UNMATCHED
        if name in self.newest:
            return CURRENT
        return NOT_PUSHED if name.host in self.hosts else FOREIGN

    def _desired(self, target: Target) -> DesiredImage | None:
        return self.newest.get(target.image_name) if target.image_name else None


def overview(  # noqa: PLR0913, PLR0917 - what it is made of
    fleet: Fleet,
    desired: Iterable[DesiredImage],
    hosts: Iterable[str],
    history: History,
    now: datetime,
    moves: Moves = NO_MOVES,
) -> Overview:
    """Return how the fleet stands at ``now``.

    ``desired`` are the newest pushes of what targets run, ``moves`` those to which some can move, ``hosts`` the names of all registries; ``history`` must know every
    target that is behind (:func:`~registry_docker_updater.core.rollouts.planner.open_targets`).
    """
    newest = {name: one for one in desired for name in one.image_names if name in fleet.by_name}
    aimed = aims(moves, fleet, history, now)
    behind = {
        one.target.key: one
        for image in dict.fromkeys((*newest.values(), *moves.images))
        for one in _behind(image, aimed, history, now)
    }
    return Overview(fleet, now, frozenset(host.lower() for host in hosts), newest, behind)


def silent(target: Target, fleet: Fleet) -> tuple[str, ...]:
    """Return those of a target's hosts that did not answer when they were asked last."""
    return tuple(
        name for name in target.hosts if name not in fleet.hosts or not fleet.hosts[name].is_reachable
    )


def _behind(image: DesiredImage, aimed: Aims, history: History, now: datetime) -> Iterator[Outlook]:
    rollout = history.rollouts.get(image.push)
    fleet = aimed.fleet
    for target in aimed.behind(image):
        verdict = judge(target, image, history, fleet, now)
        last = history.last.get(target.key)
        if verdict is BUSY and last and last.push == image.push:
            verdict = UPDATING
        of_push = last if last and last.push == image.push else None
        yield Outlook(target, verdict, image, rollout, silent(target, fleet), of_push)
