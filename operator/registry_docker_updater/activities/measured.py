"""Runs of playbooks, counted and timed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from registry_docker_updater.edges.runs.port import (
    FinishedRun,
    InventoryListing,
    OnResult,
    OnTask,
    Playbook,
    PlaybookRunner,
)
from registry_docker_updater.metrics import Metrics


@dataclass(frozen=True)
class MeasuredPlaybooks:
    """Has playbooks run by ``runner``, and notes how they ended in ``metrics``."""

    runner: PlaybookRunner
    metrics: Metrics

    def run(
        self,
        playbook: Playbook,
        folder: Path,
        timeout: timedelta,
        on_result: OnResult = lambda _: None,
        on_task: OnTask | None = None,
    ) -> FinishedRun:
        """Run ``playbook``, as the runner does."""
        begun = time.monotonic()
        ended = self.runner.run(playbook, folder, timeout, on_result, on_task)
        self.metrics.run_ended(playbook.name, ended.status, time.monotonic() - begun)
        return ended

    def hosts(self, pattern: str) -> InventoryListing:
        """Return the hosts of the inventory that match ``pattern``, as the runner does."""
        return self.runner.hosts(pattern)

    def inputs(self) -> Mapping[str, Any]:
        """Return what the next run is made of."""
        return self.runner.inputs()

    def stop(self) -> None:
        """End every run that goes on, and start no other."""
        self.runner.stop()
