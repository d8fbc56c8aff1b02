"""What a plan says: which runs to begin, which rollouts end without one, and when to look again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.desired import DesiredImage, PushedName
from registry_docker_updater.core.rollouts.history import Override
from registry_docker_updater.core.rollouts.rollout import Rollout
from registry_docker_updater.core.rollouts.waits import Wait


@dataclass(frozen=True)
class Start:
    """Run ``update.yml`` for a push on ``hosts``, for ``targets`` and no others.

    ``overridden`` are the keys of those that a person wants to get it whatever happened before. ``possible_digests``
    says of every other target which it may run: one that runs something else was changed since it was looked at. ``at_once``
    says which may be updated without a look at all hosts first, by the host through which. ``policies`` is what the inventory says for
    each host that ever answered. ``unheard`` are the keys of those of which nobody heard how the last run of this push ended, with the
    digest that each ran before, None where that is not known.
    """

    desired: DesiredImage
    targets: tuple[Target, ...]
    overridden: tuple[str, ...] = ()
    possible_digests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    at_once: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    policies: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    unheard: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def moves(self) -> Mapping[str, str]:
        """The image that each target runs now, by each of its keys, of those that run another tag."""
        moving = (target for target in self.targets if target.image_name not in self.desired.image_names)
        return {key: str(target.image_name) for target in moving for key in target.keys}

    @property
    def planned(self) -> Mapping[str, Mapping[str, Any]]:
        """By what each target was planned, by each of its keys: its ``labels``, the ``policy`` of the inventory for each of its hosts.

        And that it is ``unheard``.
        """
        return {
            key: {
                "labels": dict(target.labels),
                "policy": {name: dict(self.policies[name]) for name in target.hosts if name in self.policies},
                **({"unheard": True} if target.key in self.unheard else {}),
            }
            for target in self.targets
            for key in target.keys
        }

    @property
    def hosts(self) -> tuple[str, ...]:
        """The inventory names of the hosts concerned."""
        return tuple(sorted({host for target in self.targets for host in target.hosts}))


@dataclass(frozen=True)
class Plan:
    """What to do now, and when to ask again if nothing happens.

    ``supersede`` are rollouts that a newer push made pointless, ``settle`` those that wait for nothing any more:
    their targets are gone, were changed by a person, or ended well before a run could say so. ``rescan_since`` is
    when the newest of the pushes came that no target runs: what a host reported before may be older than that.
    ``ask`` are hosts that did not answer and for which a rollout waits, ``closed_overrides`` those that need not be
    remembered any more: the target runs it, or there is a newer push. ``waits`` is what is new about pushes that wait by a rule or for
    a person. ``delayed`` are pushes that are too young for some target, of which that is to be remembered, ``caught_up`` the names of which
    it need not be any more. ``hold`` says of runs that go on, by their rollout, why they are to begin no other step.
    """

    start: tuple[Start, ...] = ()
    supersede: tuple[int, ...] = ()
    settle: tuple[Rollout, ...] = ()
    wake_at: datetime | None = None
    rescan_since: datetime | None = None
    ask: frozenset[str] = frozenset()
    closed_overrides: frozenset[Override] = frozenset()
    waits: tuple[Wait, ...] = ()
    hold: Mapping[int, str] = field(default_factory=dict)
    delayed: tuple[DesiredImage, ...] = ()
    caught_up: frozenset[PushedName] = frozenset()
