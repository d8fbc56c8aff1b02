"""Targets that follow newer tags of their repository: to which pushes each can move, and to which of them it is to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.desired import DesiredImage, PushedName
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.verdicts import OPTED_OUT, WATCHED, Case, verdict_on

# What nothing is done about is shown all the same.
_SHOWN = frozenset((OPTED_OUT.name, WATCHED.name))


@dataclass(frozen=True)
class Moves:
    """The pushes of other tags to which targets can move, by their keys: the newest tag first, and last that of their own name, where it is behind that."""

    by_key: Mapping[str, tuple[DesiredImage, ...]] = field(default_factory=dict)

    @property
    def pushes(self) -> frozenset[int]:
        """The numbers of all of them."""
        return frozenset(one.push for some in self.by_key.values() for one in some)

    @property
    def images(self) -> Iterable[DesiredImage]:
        """All of them, each once."""
        return {one.name: one for some in self.by_key.values() for one in some}.values()


NO_MOVES = Moves()


@dataclass(frozen=True)
class Aims:
    """What each target is to run: what is pushed under its own name, but for those that are to move to another tag of it."""

    fleet: Fleet
    moving: Mapping[PushedName, tuple[Target, ...]] = field(default_factory=dict)
    keys: frozenset[str] = frozenset()

    def behind(self, one: DesiredImage) -> tuple[Target, ...]:
        """Return the targets that are to run a push, and do not, by key."""
        own = self.fleet.behind(one.image_names, one.digest)
        if not self.keys:
            return own
        arriving = self.moving.get(one.name, ())
        stay = (target for target in own if target.key not in self.keys)
        return tuple(sorted((*stay, *arriving), key=lambda target: target.key))

    def concerns(self, one: DesiredImage) -> bool:
        """Tell whether any target is to run a push, or runs its name."""
        return one.name in self.moving or self.fleet.runs(one.image_names)


def aims(moves: Moves, fleet: Fleet, history: History, now: datetime) -> Aims:
    """Return what each target is to run ``now``: of the pushes to which it can move, the newest that is not closed to it.

    Where one was rolled back, refused or overtaken by a person, that with the next lower tag is, and at last what is pushed under its own
    name. Where all are closed to it, it stays behind the newest, so that people see why.
    """
    moving: dict[PushedName, list[Target]] = {}
    keys: set[str] = set()
    for key, some in moves.by_key.items():
        target = fleet.targets.get(key)
        chosen = _chosen(target, some, fleet, history, now) if target else None
        if target and chosen:
            moving.setdefault(chosen.name, []).append(target)
            keys.add(key)
    return Aims(fleet, {name: tuple(some) for name, some in moving.items()}, frozenset(keys))


def _chosen(
    target: Target, some: Sequence[DesiredImage], fleet: Fleet, history: History, now: datetime
) -> DesiredImage | None:
    verdicts = ((one, verdict_on(Case(target, one, history, fleet, now))) for one in some)
    is_open = (one for one, verdict in verdicts if verdict.is_pending or verdict.name in _SHOWN)
    chosen = next(is_open, some[0] if some else None)
    return chosen if chosen and target.image_name not in chosen.image_names else None
