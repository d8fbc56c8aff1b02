"""What the reconciler starts, each behind a protocol: it knows none of them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import Rollout


class Scans(Protocol):
    """Keeps the fleet as it is known up to date."""

    @property
    def fleet(self) -> Fleet:
        """The fleet as it is known now."""

    def need(self, hosts: Iterable[str]) -> None:
        """Have ``hosts`` asked at once."""

    def reconcile(self, rescan_since: datetime | None) -> timedelta:
        """Start what is due; return after which time something will be, if nothing happens before."""


class Rollouts(Protocol):
    """Carries rollouts out."""

    @property
    def busy(self) -> frozenset[int]:
        """The rollouts that are being worked on."""

    @property
    def is_full(self) -> bool:
        """Whether no more may run at the same time."""

    def start(self, start: Start, now: datetime, seen: int | None = None) -> None:
        """Begin a run; raises :class:`Overtaken` where people said something since that was ``seen``."""

    def hold(self, rollout: int, why: str, now: datetime) -> None:
        """Have a run that goes on begin no other step."""

    def interrupt(self, due_at: datetime) -> Sequence[Rollout]:
        """Make every rollout that is running and not worked on due again; return them as they were."""


class Repairs(Protocol):
    """Has hosts finish what interrupted updates left there."""

    def reconcile(self, fleet: Fleet, now: datetime) -> timedelta:
        """Start what is due; return after which time something will be, if nothing happens before."""


class Retention(Protocol):
    """Has removed what was kept for long enough."""

    def reconcile(self) -> timedelta:
        """Start what is due; return after which time something will be."""


class Notifications(Protocol):
    """Has the team told."""

    def reconcile(self, now: datetime, running: Collection[int]) -> timedelta:
        """Start what is due, beside the rollouts that are ``running``; return after which time something will be."""


@dataclass(frozen=True)
class Activities:
    """What the reconciler starts."""

    scans: Scans
    rollouts: Rollouts
    repairs: Repairs
    notifications: Notifications
    retention: Retention
