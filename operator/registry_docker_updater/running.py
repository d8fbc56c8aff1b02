"""A running operator: what goes on in it, and what of changed settings it takes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from registry_docker_updater.activities.heads import TrailHeads
from registry_docker_updater.activities.notify import Notifier
from registry_docker_updater.activities.poll import RegistryPoll
from registry_docker_updater.activities.reconcile import Reconciler
from registry_docker_updater.activities.scan import Scanner
from registry_docker_updater.activities.workers import Alarm, Workers
from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import OPERATOR_STARTED, SETTINGS_CHANGED
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.access import AccessGuard
from registry_docker_updater.http.guard import DeliveryGuard, Source
from registry_docker_updater.http.server import Server
from registry_docker_updater.parts import Parts
from registry_docker_updater.settings import door
from registry_docker_updater.settings.changes import needing_restart
from registry_docker_updater.settings.model import Settings
from registry_docker_updater.settings.notifying import notification_policy

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Operator:
    """A running operator: the reconciler, and the servers and the poll of registries that feed it.

    The first of the servers is where registries send to.
    """

    parts: Parts
    servers: Sequence[Server]
    guard: DeliveryGuard
    access: AccessGuard
    poll: RegistryPoll
    reconciler: Reconciler
    scanner: Scanner
    notifier: Notifier
    workers: Workers
    alarm: Alarm
    identities: door.Identities
    heads: TrailHeads

    def run(self) -> None:
        """Work until :meth:`stop`; what is left undone is done after the next start."""
        self.parts.storage.trail.append(Step(OPERATOR_STARTED, self.parts.evidence()), self.parts.clock())
        self.heads.start()
        self.reconciler.run()
        self.workers.finish()
        self.heads.stop()

    def stop(self) -> None:
        """Take no more events, and end the reconciler and every run that goes on."""
        for server in self.servers:
            server.stop()
        self.poll.stop()
        self.end()

    def change(self, settings: Settings) -> Sequence[str]:
        """Take what can be changed while it works: who may send events, with what, the certificate, and who is told.

        Return the paths of those settings that are different, and need a restart. Raises :class:`UpdaterError`.
        """
        # Who asks registries has been told of them at the start: claims of others would wait for the next.
        sources = {
            name: replace(one, verify=one.verify and self._asks(name, settings))
            for name, one in door.sources(settings, self.identities).items()
        }
        access, ends = door.access(settings), door.certificate_ends(settings)
        if settings.listen.tls and self.parts.settings.listen.tls:
            for server in self.servers:
                server.change_certificate(door.certificate(settings))
        # Nothing fails from here on: what is wrong changes nothing.
        self.guard.change(sources, settings.listen.body_limit)
        self.access.change(access)
        self.notifier.change(notification_policy(settings))
        self.parts.policies.change(settings.policies_as_core)
        if self.parts.metrics:
            self.parts.metrics.served(ends)
        for name, registry in settings.registries.items():
            self.poll.believe_events(name, believes=registry.believes_events)
        restart = tuple(needing_restart(self.parts.settings, settings))
        try:
            step = Step(SETTINGS_CHANGED, {**self.parts.settings_evidence(), "need_a_restart": restart})
            self.parts.storage.trail.append(step, self.parts.clock())
            close_unasked(self.parts, sources)
        except StoreUnavailable as error:
            _log.error(
                "what waits for a registry that is not asked any more waits for the next start: %s", error
            )
        self.alarm.ring()
        return restart

    def _asks(self, name: str, settings: Settings) -> bool:
        """Tell whether claims of a registry are asked for; what is never believed waits for that until the next start."""
        return self.poll.asks(name) or settings.registries[name].verify is True

    def end(self) -> None:
        """End the reconciler, and every run that goes on."""
        self.alarm.stop()
        self.parts.playbooks.stop()
        self.scanner.stop()


def close_unasked(parts: Parts, sources: Mapping[str, Source]) -> None:
    """Believe the open claims of registries whose events are not verified any more: nobody would ask for them."""
    for name, source in sources.items():
        if not (source.verify and source.can_be_asked):
            reason = None if source.can_be_asked else "the registry is not asked: its sweep_interval is never"
            believes = not source.sender.is_signed
            parts.storage.claims.close_all(name, parts.clock(), believes=believes, reason=reason)
