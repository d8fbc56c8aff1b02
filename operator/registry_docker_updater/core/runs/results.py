"""What goes on in a run, as the run's process hands it on: results of modules, and the beginnings of tasks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COLLECTION = "registry.docker_updater"


@dataclass(frozen=True)
class ModuleResult:
    """One result of a module on one host, of a run's events: ``event`` is ansible-runner's name for it.

    ``action`` is the module's whole name, ``role`` the whole name of the role whose task it was, where it was a role's.
    """

    host: str
    event: str
    action: str
    result: Mapping[str, Any]
    role: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether the task failed; the items of a loop come first, and say more than the loop."""
        return self.event in ("runner_on_failed", "runner_item_on_failed")

    @property
    def is_unreachable(self) -> bool:
        """Whether the host could not be reached."""
        return self.event == "runner_on_unreachable"


@dataclass(frozen=True)
class TaskStart:
    """A host of a run begins a task, which has the name ``task``, or one that begins so."""

    host: str
    task: str
