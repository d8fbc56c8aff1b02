"""What the runs that go on are at, in memory: who looks at a rollout that runs sees it move."""

import threading
from collections.abc import Mapping
from datetime import datetime

from immutables import Map

from registry_docker_updater.core.rollouts.outcomes import TargetOutcome
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import Rollout
from registry_docker_updater.core.runs.progress import RunProgress
from registry_docker_updater.core.runs.results import TaskStart


class Progress:
    """Knows how far each run of a rollout is, until that ends. Safe for use by several threads."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._runs: Map[int, RunProgress] = Map()

    @property
    def running(self) -> Mapping[int, RunProgress]:
        """The runs that go on now, by the numbers of their rollouts."""
        return self._runs

    def begin(self, start: Start, rollout: Rollout, now: datetime) -> None:
        """Take up a run."""
        begun = RunProgress(rollout.id, rollout.runs, "update", start.desired, now, start.targets)
        with self._lock:
            self._runs = self._runs.set(rollout.id, begun)

    def task(self, rollout: int, task: TaskStart, now: datetime) -> None:
        """Note that a host began a task."""
        with self._lock:
            self._runs = self._runs.set(rollout, self._runs[rollout].at_task(task, now))

    def lost(self, rollout: int, host: str, why: str) -> None:
        """Note that a host failed, or could not be reached."""
        with self._lock:
            self._runs = self._runs.set(rollout, self._runs[rollout].without_host(host, why))

    def ended(self, rollout: int, one: TargetOutcome, now: datetime) -> None:
        """Note what became of a target."""
        with self._lock:
            self._runs = self._runs.set(rollout, self._runs[rollout].after(one, now))

    def end(self, rollout: int) -> None:
        """Forget a run: what became of it is kept."""
        with self._lock:
            self._runs = self._runs.delete(rollout)
