"""What the inventory says of channels, and whether one of them takes a message: as ``check`` and ``notify --test`` ask."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.core.notifications.message import message_for_test, send_result
from registry_docker_updater.core.notifications.schedule import SendResult
from registry_docker_updater.edges.runs.port import Playbook, PlaybookRunner
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.storage.messages import keep_test
from registry_docker_updater.storage.storage import Storage

_LONGEST = timedelta(minutes=5)
# Of the runs in this folder the newest few are kept, as of scans.
_LOOKS = "scans"
_TESTS = "messages"


@dataclass(frozen=True)
class KnownChannels:
    """The channels that each receiver has, by its name, and what is wrong with what is set, in sentences."""

    receivers: Mapping[str, tuple[str, ...]]
    problems: tuple[str, ...]


def known_channels(
    playbooks: PlaybookRunner, runs: Path, variables: Mapping[str, object], names: Iterable[str]
) -> KnownChannels:
    """Return the channels that the inventory sets for the receivers with ``names`` and all others.

    Nobody is sent anything. Raises :class:`UpdaterError` when the playbook does not say.
    """
    asked = {**variables, "notification_asked_receivers": sorted(names)}
    ended = playbooks.run(Playbook("channels", asked), runs / _LOOKS, _LONGEST)
    report: Any = ended.statistics.get("notification_report")
    if not isinstance(report, dict) or not isinstance(report.get("receivers"), dict):
        raise UpdaterError(
            f"channels.yml did not say which channels are set: {ended.refusal or ended.status};"
            f" the run is kept in {ended.directory}"
        )
    receivers = {str(name): tuple(map(str, channels)) for name, channels in report["receivers"].items()}
    return KnownChannels(receivers, tuple(map(str, report.get("problems") or ())))


@dataclass(frozen=True)
class SampleSender:
    """Has samples sent by runs of ``notify.yml``, with these ``variables``, for a person (``who``)."""

    storage: Storage
    playbooks: PlaybookRunner
    runs: Path
    variables: Mapping[str, object]
    who: Person

    def send(self, receiver: str, channel: str | None, now: datetime) -> SendResult:
        """Send a sample to a receiver, on one channel or on all that it has, and return what came of it."""
        variables = {"notification_message": message_for_test(receiver, now), **self.variables}
        if channel:
            variables["notification_channels"] = [channel]
        ended = self.playbooks.run(Playbook("notify", variables), self.runs / _TESTS, _LONGEST)
        result = send_result(ended.statistics, ended.refusal or f"notify.yml ended as {ended.status}")
        keep_test(self.storage, receiver, result, ended.left, self.who, now)
        return result
