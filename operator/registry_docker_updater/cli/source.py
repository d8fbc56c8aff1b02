"""Where commands have what they show, and whom they ask: the state directory of this machine, or a server elsewhere.

Both speak in rows, those of the views.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from registry_docker_updater.views.approvals import DecidedRow
from registry_docker_updater.views.events import EventRow, IgnoredRow
from registry_docker_updater.views.freezes import FreezeRow
from registry_docker_updater.views.messages import MessageRow, ReceiverRow, SampleRow
from registry_docker_updater.views.now import NowRow
from registry_docker_updater.views.outlook import FleetNowRows
from registry_docker_updater.views.pushes import JudgedRow, PushRow
from registry_docker_updater.views.rollouts import RolloutRow
from registry_docker_updater.views.silences import SilenceRow
from registry_docker_updater.views.trail import EntryRow
from registry_docker_updater.views.waits import RolloutNowRow
from registry_docker_updater.views.why import WhyRow


class Source(Protocol):
    """What is known, and what can be asked for; everything raises :class:`~registry_docker_updater.errors.UpdaterError`."""

    @property
    def is_working(self) -> bool:
        """Whether an operator is there that does what is asked for."""

    def events(self, limit: int) -> list[EventRow]:
        """Return the newest events, newest first."""

    def event(self, number: int) -> EventRow:
        """Return one event, whole."""

    def ignored(self) -> list[IgnoredRow]:
        """Return how many events were ignored, and why."""

    def rollouts(self, limit: int) -> list[RolloutRow]:
        """Return the newest rollouts, newest first."""

    def rollout(self, number: int) -> RolloutNowRow:
        """Return one rollout with every target, and what waits."""

    def fleet(self, *, fresh: bool) -> FleetNowRows:
        """Return hosts and targets, as last scanned, or asked now where it is to be ``fresh``."""

    def why(self, target: str, *, fresh: bool) -> list[WhyRow]:
        """Return all that is known of the targets that are called so."""

    def plan(self, image: str, *, fresh: bool) -> list[JudgedRow]:
        """Return what a push would mean for each target."""

    def push(self, image: str, *, force: bool) -> PushRow:
        """Record a push by hand."""

    def retry(self, rollout: int, *, force: bool) -> PushRow:
        """Have a rollout run again."""

    def standing(self, push: int) -> PushRow:
        """Return how a push stands."""

    def status(self) -> NowRow:
        """Return how everything is."""

    def approve(
        self, rollout: int, *, only: Collection[str] | None = None, reason: str | None = None
    ) -> DecidedRow:
        """Approve the push of a rollout."""

    def refuse(self, rollout: int, reason: str, *, only: Collection[str] | None = None) -> DecidedRow:
        """Refuse the push of a rollout."""

    def silences(self, limit: int) -> list[SilenceRow]:
        """Return the newest silences, newest first."""

    def silence(self, what: str, until: datetime, reason: str) -> SilenceRow:
        """Silence a trouble that is known."""

    def end_silence(self, number: int) -> SilenceRow:
        """End a silence."""

    def freezes(self, limit: int, *, counts: bool | None = None) -> list[FreezeRow]:
        """Return the newest freezes, newest first; those that count, or the others, where that is said."""

    def freeze(self, what: str, until: datetime | None, reason: str) -> FreezeRow:
        """Have nothing updated of something."""

    def thaw(self, number: int) -> FreezeRow:
        """End a freeze."""

    def messages(self, limit: int) -> list[MessageRow]:
        """Return the newest messages to receivers, newest first."""

    def receivers(self) -> list[ReceiverRow]:
        """Return who is told of what."""

    def send_sample(self, receiver: str, channel: str | None) -> SampleRow:
        """Send a sample to a receiver, on one channel or on all that it has."""

    def story(self, rollout: int) -> list[EntryRow]:
        """Return all that the trail says of a rollout."""
