"""What is known and done on this machine: the source of commands that work with the state directory."""

import getpass
import os
import socket
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from registry_docker_updater.activities.by_hand import ByHand
from registry_docker_updater.activities.channels import SampleSender
from registry_docker_updater.cli.asking_hosts import known_fleet
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.desired import DesiredImages
from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.core.schedules.registries import LastPoll
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings.notifying import notification_policy
from registry_docker_updater.views import (
    events,
    freezes,
    messages,
    pushes,
    rollouts,
    silences,
    trail,
    why,
)
from registry_docker_updater.views.approvals import DecidedRow
from registry_docker_updater.views.current import overview_of
from registry_docker_updater.views.events import EventRow, IgnoredRow
from registry_docker_updater.views.freezes import FreezeRow
from registry_docker_updater.views.messages import MessageRow, ReceiverRow, SampleRow
from registry_docker_updater.views.now import CurrentStatus, NowRow
from registry_docker_updater.views.outlook import FleetNowRows, fleet_now
from registry_docker_updater.views.pushes import JudgedRow, PushRow
from registry_docker_updater.views.registries import CurrentRegistries
from registry_docker_updater.views.rollouts import RolloutRow
from registry_docker_updater.views.silences import SilenceRow
from registry_docker_updater.views.trail import EntryRow
from registry_docker_updater.views.waits import RolloutNowRow, rollout_now
from registry_docker_updater.views.why import WhyRow


@dataclass(frozen=True)
class Here:
    """What the state directory of ``parts`` has; who asks hosts is told on ``output`` what they say."""

    parts: Parts
    output: Output

    @property
    def is_working(self) -> bool:
        """Whether an operator works with the state directory."""
        return self.parts.has_operator

    def events(self, limit: int) -> list[EventRow]:
        """Return the newest events, newest first."""
        return events.events(self.parts.storage, limit)

    def event(self, number: int) -> EventRow:
        """Return one event, whole."""
        return events.event(self.parts.storage, number)

    def ignored(self) -> list[IgnoredRow]:
        """Return how many events were ignored, and why."""
        return events.ignored(self.parts.storage)

    def rollouts(self, limit: int) -> list[RolloutRow]:
        """Return the newest rollouts, newest first."""
        return rollouts.rollouts(self.parts.storage, limit)

    def rollout(self, number: int) -> RolloutNowRow:
        """Return one rollout with every target, and what waits."""
        return rollout_now(self.parts.storage, number, self._overview(self.parts.storage.fleet.load()))

    def fleet(self, *, fresh: bool) -> FleetNowRows:
        """Return hosts and targets, as last scanned, or asked now where it is to be ``fresh``."""
        return fleet_now(self._overview(known_fleet(self.parts, self.output, fresh=fresh)))

    def why(self, target: str, *, fresh: bool) -> list[WhyRow]:
        """Return all that is known of the targets that are called so."""
        known = known_fleet(self.parts, self.output, fresh=fresh)
        keys = why.found(known, target)
        overview = self._overview(known)
        return [why.why(self.parts.storage, overview, key, why.PAST) for key in keys]

    def plan(self, image: str, *, fresh: bool) -> list[JudgedRow]:
        """Return what a push would mean for each target."""
        parts = self.parts
        pushes.planned(parts.registry_hosts, image)
        known = known_fleet(parts, self.output, fresh=fresh)
        return pushes.plan(parts.storage, parts.registry_hosts, image, known, parts.clock())

    def push(self, image: str, *, force: bool) -> PushRow:
        """Record a push by hand."""
        return self._by_hand.push(image, person(), force=force)

    def retry(self, rollout: int, *, force: bool) -> PushRow:
        """Have a rollout run again."""
        return self._by_hand.retry(rollout, person(), force=force)

    def standing(self, push: int) -> PushRow:
        """Return how a push stands."""
        return self._by_hand.standing(push)

    def status(self) -> NowRow:
        """Return how everything is."""
        parts, storage = self.parts, self.parts.storage
        # When they were asked, only the operator knows.
        asked = {name: LastPoll() for name, one in parts.settings.registries.items() if one.sweep_interval}
        return CurrentStatus(
            storage,
            lambda: self._overview(storage.fleet.load()),
            CurrentRegistries(storage, parts.known_registries, lambda: asked, parts.clock),
            parts.settings.fleet.scan_interval,
            has_operator=parts.has_operator,
        )()

    def approve(
        self, rollout: int, *, only: Collection[str] | None = None, reason: str | None = None
    ) -> DecidedRow:
        """Approve the push of a rollout."""
        return self._by_hand.approve(rollout, person(), only=only, reason=reason)

    def refuse(self, rollout: int, reason: str, *, only: Collection[str] | None = None) -> DecidedRow:
        """Refuse the push of a rollout."""
        return self._by_hand.refuse(rollout, person(), reason, only=only)

    def silences(self, limit: int) -> list[SilenceRow]:
        """Return the newest silences, newest first."""
        return silences.silences(self.parts.storage, self.parts.clock(), limit)

    def silence(self, what: str, until: datetime, reason: str) -> SilenceRow:
        """Silence a trouble that is known."""
        return self._by_hand.silence(what, until, reason, person())

    def end_silence(self, number: int) -> SilenceRow:
        """End a silence."""
        return self._by_hand.end_silence(number, person())

    def freezes(self, limit: int, *, counts: bool | None = None) -> list[FreezeRow]:
        """Return the newest freezes, newest first; those that count, or the others, where that is said."""
        storage = self.parts.storage
        return freezes.freezes(storage, storage.fleet.load(), self.parts.clock(), limit, counts=counts)

    def freeze(self, what: str, until: datetime | None, reason: str) -> FreezeRow:
        """Have nothing updated of something."""
        return self._by_hand.freeze(what, until, reason, person())

    def thaw(self, number: int) -> FreezeRow:
        """End a freeze."""
        return self._by_hand.thaw(number, person())

    def messages(self, limit: int) -> list[MessageRow]:
        """Return the newest messages to receivers, newest first."""
        return messages.messages(self.parts.storage, limit)

    def receivers(self) -> list[ReceiverRow]:
        """Return who is told of what."""
        return messages.receivers(self.parts.storage, self.parts.settings.notifications.as_core)

    def send_sample(self, receiver: str, channel: str | None) -> SampleRow:
        """Send a sample to a receiver, on one channel or on all that it has."""
        parts = self.parts
        variables = notification_policy(parts.settings).variables
        sender = SampleSender(parts.storage, parts.playbooks, parts.runs, variables, person())
        result = sender.send(receiver, channel, parts.clock())
        return {
            "receiver": receiver,
            "results": dict(result.results),
            "error": result.error or result.nobody,
        }

    def story(self, rollout: int) -> list[EntryRow]:
        """Return all that the trail says of a rollout."""
        return trail.story(self.parts.storage, rollout)

    def _overview(self, known: Fleet) -> Overview:
        """Return how the fleet stands as it is ``known``."""
        parts, hosts = self.parts, self.parts.registry_hosts
        return overview_of(parts.storage, hosts, DesiredImages(hosts), known, parts.clock)

    @property
    def _by_hand(self) -> ByHand:
        parts = self.parts
        return ByHand(parts.storage, parts.registry_hosts, parts.storage.fleet.load, parts.clock)


def person() -> Person:
    """Return who gives the command, and on which machine; and from where, as far as SSH says so."""
    # `SSH_CONNECTION` (ssh(1)) begins with the address of the client. What runs under sudo has none mostly.
    client = os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
    place = f"command line on {socket.gethostname()}{', by SSH from ' + client if client else ''}"
    return Person(os.environ.get("SUDO_USER") or getpass.getuser(), place)
