"""What pages follow: how new each of it is, told by what is cheap to look at."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.runs.progress import RunProgress
from registry_docker_updater.storage.storage import Storage

KEPT, FLEET, NOW, ROLLOUT = "kept", "fleet", "now", "rollout:"


@dataclass
class _Counted:
    """How many times something known was another than before: what is known is never changed, but put in its place."""

    count: int = 0
    last: object = None


@dataclass
class Topics:
    """Tells how new what is kept, known and going on is. Safe for use by several threads."""

    storage: Storage
    known: Callable[[], Fleet]
    running: Callable[[], Mapping[int, RunProgress]]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _counted: dict[str, _Counted] = field(default_factory=dict)

    def version(self, topic: str) -> str | None:
        """Return a text that is another when a topic has changed; None where there is no such topic.

        Raises :class:`~registry_docker_updater.errors.StoreUnavailable`.
        """
        if topic.startswith(ROLLOUT):
            number = topic.removeprefix(ROLLOUT)
            return self._of_rollout(int(number)) if number.isdecimal() and len(number) < 19 else None
        # Every change of what is kept is in the trail.
        kept = self.storage.trail.last_given()
        match topic:
            case "kept":
                return f"{kept}"
            case "fleet":
                return f"{kept}-{self._count(FLEET, self.known())}"
            case "now":
                return f"{kept}-{self._count(FLEET, self.known())}-{self._count(NOW, self.running())}"
        return None

    def _of_rollout(self, number: int) -> str:
        return f"{self.storage.trail.last_of_rollout(number)}-{self._count(f'{ROLLOUT}{number}', self.running().get(number))}"

    def _count(self, name: str, found: object) -> int:
        with self._lock:
            one = self._counted.setdefault(name, _Counted())
            if one.last is not found:
                self._counted[name] = one = _Counted(one.count + 1, found)
            return one.count
