"""How far a run is that goes on: what each of its hosts is at, and what became of its targets so far."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from immutables import Map

from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.lifecycle import RunOutcome
from registry_docker_updater.core.rollouts.outcomes import TargetOutcome
from registry_docker_updater.core.runs.results import TaskStart


class TargetStage(StrEnum):
    """How far a run is with one target."""

    WAITS = "waits"
    UPDATING = "updating"
    LOST = "lost"
    ENDED = "ended"


STAGE_SENTENCES = {
    TargetStage.WAITS: "waits for its turn",
    TargetStage.UPDATING: "is being updated",
    TargetStage.LOST: "its hosts failed, or cannot be reached",
    TargetStage.ENDED: "has ended",
}


@dataclass(frozen=True)
class TargetProgress:
    """How far a run is with ``target``, ``since`` when; ``task`` is what its host is at, or was at last.

    ``ended`` is what became of it, ``trouble`` why nothing is to be expected of its hosts any more.
    """

    target: Target
    stage: TargetStage
    since: datetime
    task: str | None = None
    ended: RunOutcome | None = None
    trouble: str | None = None


@dataclass(frozen=True)
class RunProgress:
    """A run that goes on: of which rollout, since when, and for which ``targets``.

    ``tasks`` are those that its hosts began last, each with when, ``troubles`` why hosts are lost to it, ``ended`` what became of targets, by key. ``revision`` grows
    with everything that becomes known.
    """

    rollout: int
    run: int
    playbook: str
    desired: DesiredImage
    began_at: datetime
    targets: tuple[Target, ...]
    tasks: Map[str, tuple[datetime, str]] = field(default_factory=Map)
    troubles: Map[str, str] = field(default_factory=Map)
    ended: Map[str, RunOutcome] = field(default_factory=Map)
    revision: int = 0

    def at_task(self, task: TaskStart, now: datetime) -> Self:
        """Return it after a host began a task."""
        return replace(self, tasks=self.tasks.set(task.host, (now, task.task)), revision=self.revision + 1)

    def without_host(self, host: str, why: str) -> Self:
        """Return it after a host failed, or could not be reached."""
        return replace(self, troubles=self.troubles.set(host, why), revision=self.revision + 1)

    def after(self, one: TargetOutcome, now: datetime) -> Self:
        """Return it when it is known what became of a target."""
        ended = self.ended.set(one.key, RunOutcome(one, self.run, now))
        return replace(self, ended=ended, revision=self.revision + 1)

    def of_targets(self) -> Iterator[TargetProgress]:
        """Yield how far it is with each of its targets."""
        return map(self._of, self.targets)

    def counts(self) -> dict[TargetStage, int]:
        """Return how many targets are at each stage, of those at which any is."""
        found: dict[TargetStage, int] = {}
        for target in self.targets:
            stage = self._stage(target)
            found[stage] = found.get(stage, 0) + 1
        return found

    def _stage(self, target: Target) -> TargetStage:
        if target.key in self.ended:
            return TargetStage.ENDED
        if self.troubles and all(host in self.troubles for host in target.hosts):
            return TargetStage.LOST
        begun = any(host in self.tasks for host in target.hosts)
        return TargetStage.UPDATING if begun else TargetStage.WAITS

    def _of(self, target: Target) -> TargetProgress:
        begun = [self.tasks[host] for host in target.hosts if host in self.tasks]
        since, task = max(begun) if begun else (self.began_at, None)
        stage, ended = self._stage(target), self.ended.get(target.key)
        if ended:
            return TargetProgress(target, stage, ended.at, task, ended)
        if stage is TargetStage.LOST:
            trouble = "; ".join(f"{host}: {self.troubles[host]}" for host in target.hosts)
            return TargetProgress(target, stage, since, task, trouble=trouble)
        return TargetProgress(target, stage, since, task)
