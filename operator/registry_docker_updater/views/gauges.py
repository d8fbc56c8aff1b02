"""What metrics show of the fleet, and of what is kept, at the moment at which somebody asks."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from registry_docker_updater.core.notifications.receivers import Receivers
from registry_docker_updater.core.notifications.schedule import OK
from registry_docker_updater.core.policy.freezes import Scope
from registry_docker_updater.core.rollouts.outlook import UPDATING, Overview
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts import APPROVAL, BY_NAME, CURRENT, DUE
from registry_docker_updater.core.schedules.registries import RegistryStanding
from registry_docker_updater.core.status.trouble import TroubleKind
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.readings import Reading
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.outlook import behind_by_verdict, oldest_answer

_OTHERS = "others"
_VERDICTS = (UPDATING, *(one for one in BY_NAME.values() if one is not CURRENT))


@dataclass(frozen=True)
class Watched:
    """What is read: ``broken`` says by part why it does not work, None where it does.

    ``troubles`` has the kind of each trouble that nobody has silenced, ``busy`` is how many of the ``workers`` roll something out, ``receivers``
    are who is told.
    """

    storage: Storage
    overview: Callable[[], Overview]
    registries: Callable[[], Sequence[RegistryStanding]]
    troubles: Callable[[], Sequence[str]]
    broken: Callable[[], Mapping[str, str | None]]
    workers: int
    busy: Callable[[], int]
    receivers: Callable[[], Receivers] = Receivers

    def readings(self) -> Iterator[Reading]:
        """Yield what is known; nothing of what is kept while the database does not answer."""
        for part, trouble in self.broken().items():
            yield Reading("ready", 0 if trouble else 1, (part,))
        yield Reading("rollout_workers", self.workers)
        yield Reading("rollout_workers_busy", self.busy())
        try:
            standings, overview = self.registries(), self.overview()
            kept = [
                *self._kept([one.name for one in standings], overview.at),
                *(reading for one in standings for reading in _of_registry(one)),
                *_of_fleet(overview),
                *_of_troubles(self.troubles()),
            ]
        except StoreUnavailable:
            return
        yield from kept

    def _kept(self, registries: Iterable[str], now: datetime) -> Iterator[Reading]:
        with self.storage.snapshot() as kept:
            frozen = Counter(one.scope for one in kept.freezes.counting(now))
            claims = kept.claims.counts()
            states = kept.rollouts.counts()
            waiting, failing = kept.notifications.counts()
            channels = kept.notifications.standing_of_channels()
        for registry in registries:
            yield Reading("claims_waiting", claims.get(registry, 0), (registry,))
        for state in RolloutState:
            yield Reading("rollouts", states.get(state, 0), (state.value,))
        for scope in Scope:
            yield Reading("frozen", frozen[scope], (scope.value,))
        yield Reading("notifications_waiting", waiting)
        yield Reading("notifications_failing", failing)
        yield from self._of_channels(channels)

    def _of_channels(self, channels: Mapping[tuple[str, str], tuple[str, datetime]]) -> Iterator[Reading]:
        """Yield whether channels work; receivers that only labels of targets name are one, however many they are."""
        known = {one.name for one in self.receivers().all}
        works: dict[tuple[str, str], bool] = {}
        for (receiver, channel), (result, _) in channels.items():
            labels = (receiver if receiver in known else _OTHERS, channel)
            works[labels] = works.get(labels, True) and result == OK
        for labels, is_working in works.items():
            yield Reading("notification_channel_works", int(is_working), labels)


def _of_troubles(kinds: Sequence[str]) -> Iterator[Reading]:
    for kind in TroubleKind:
        yield Reading("troubles", kinds.count(kind), (kind.value,))


def _of_registry(one: RegistryStanding) -> Iterator[Reading]:
    labels = (one.name,)
    yield Reading("missed_pushes", one.heard.missed, labels)
    if one.heard.heard_at:
        yield Reading("last_event_timestamp_seconds", one.heard.heard_at.timestamp(), labels)
    if one.poll and one.poll.at:
        yield Reading("last_poll_timestamp_seconds", one.poll.at.timestamp(), labels)
        yield Reading("registry_answers", 0 if one.poll.error else 1, labels)


def _of_approvals(overview: Overview) -> Iterator[Reading]:
    since: dict[int, datetime] = {}
    for alike, (first, *_) in overview.alike.items():
        if alike.verdict == APPROVAL.name and (desired := first.desired):
            waited = first.rollout.waiting_since if first.rollout else None
            since[alike.push] = min(waited or desired.received_at, desired.received_at)
    yield Reading("waiting_for_approval", len(since))
    if since:
        oldest = min(since.values())
        yield Reading("oldest_waiting_for_approval_timestamp_seconds", oldest.timestamp())


def _of_fleet(overview: Overview) -> Iterator[Reading]:
    hosts, fleet = overview.fleet.hosts, overview.fleet
    reachable = sum(one.is_reachable for one in hosts.values())
    yield Reading("hosts", reachable, ("reachable",))
    yield Reading("hosts", len(hosts) - reachable, ("unreachable",))
    yield Reading("targets", len(fleet.targets))
    counts, pushes = behind_by_verdict(overview), dict[str, dict[int, datetime]]()
    for alike, some in overview.alike.items():
        if desired := some[0].desired:
            pushes.setdefault(alike.verdict, {})[alike.push] = desired.received_at
    for verdict in {one.name for one in _VERDICTS} | counts.keys():
        yield Reading("targets_behind", counts.get(verdict, 0), (verdict,))
    for verdict, received in pushes.items():
        oldest = min(received.values())
        yield Reading("oldest_behind_timestamp_seconds", oldest.timestamp(), (verdict,))
    yield Reading("rollouts_due", len(pushes.get(DUE.name, ())))
    yield from _of_approvals(overview)
    if asked := oldest_answer(overview):
        yield Reading("oldest_answer_timestamp_seconds", asked.timestamp())
