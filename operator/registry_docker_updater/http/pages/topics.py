"""What pages follow: how new each of it is, told by what is cheap to look at, and before a page is made of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.runs.progress import RunProgress
from registry_docker_updater.storage.storage import Storage

TRAIL, FLEET, NOW, ROLLOUT = "trail", "fleet", "now", "rollout:"
# Some is not well any more by the time alone: a host that nobody asks, a silence that ends.
_BY_ITSELF = timedelta(seconds=30)


@dataclass(frozen=True)
class Topics:
    """Tells how new what is kept, known and going on is: ``revision`` counts how often the overview of the fleet was another."""

    storage: Storage
    revision: Callable[[], int]
    running: Callable[[], Mapping[int, RunProgress]]
    clock: Clock

    def version(self, topic: str) -> str | None:
        """Return a text that is another when a topic has changed; None where there is no such topic.

        Raises :class:`~registry_docker_updater.errors.StoreUnavailable`.
        """
        version = self._version(topic)
        if version is None:
            return None
        # Every page says what is frozen, which ends by the time alone.
        frozen = (f"-frozen{one.id}" for one in self.storage.freezes.counting(self.clock()))
        return "".join((version, *frozen))

    def _version(self, topic: str) -> str | None:
        if topic.startswith(ROLLOUT):
            number = topic.removeprefix(ROLLOUT)
            is_number = number.isascii() and number.isdecimal() and len(number) < 19
            return self._of_rollout(int(number)) if is_number else None
        # Every change of what is kept is in the trail.
        trail = self.storage.trail.last_given()
        if topic == TRAIL:
            return f"{trail}"
        if topic == FLEET:
            return f"{trail}-{self.revision()}"
        if topic == NOW:
            runs = sum(one.revision for one in self.running().values())
            times = int(self.clock().timestamp() / _BY_ITSELF.total_seconds())
            return f"{trail}-{self.revision()}-{runs}-{times}"
        return None

    def _of_rollout(self, number: int) -> str:
        run = self.running().get(number)
        # What waits of it is read of the fleet's overview.
        return f"{self.storage.trail.last_of_rollout(number)}-{run.revision if run else 0}-{self.revision()}"
