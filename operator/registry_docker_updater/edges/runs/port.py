"""Runs of playbooks, as those see them who want one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from registry_docker_updater.core.runs import reasons
from registry_docker_updater.core.runs.results import ModuleResult, TaskStart

OnResult = Callable[[ModuleResult], None]
OnTask = Callable[[TaskStart], None]


@dataclass(frozen=True)
class Playbook:
    """A playbook of the collection to run: its name, variables, and which hosts (None for all it names).

    ``forks`` says how many hosts at the same time, where that is not left to the shop's settings of Ansible; ``number`` how the
    run's directory is called, where that is free.
    """

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    limit: tuple[str, ...] | str | None = None
    forks: int | None = None
    number: int | None = None


def kept_in(directory: Path) -> str:
    """Return where a run is kept, below the folder of all runs."""
    return f"{directory.parent.name}/{directory.name}"


@dataclass(frozen=True)
class FinishedRun:
    """How a run ended: ``status`` is ansible-runner's (successful, failed, timeout, canceled) or ``died``.

    ``cost`` is what it took of a processor, in seconds; ``exit_code`` that of ansible-playbook, where it is known; ``manifest``
    the SHA-256 of the manifest of the packed run, None where it could not be packed. ``said`` is what the run's process had to
    say, and ``printed`` what Ansible printed where no host said anything.
    """

    status: str
    results: tuple[ModuleResult, ...]
    statistics: Mapping[str, Any]
    directory: Path
    cost: float = 0.0
    exit_code: int | None = None
    manifest: str | None = None
    said: str = ""
    printed: str = ""

    @property
    def left(self) -> dict[str, Any]:
        """What the trail says of it: where it is kept below the folder of all runs, and by which hash it can be checked."""
        return {
            "kept_in": kept_in(self.directory),
            "manifest": self.manifest,
            "status": self.status,
            "exit_code": self.exit_code,
        }

    @property
    def was_stopped(self) -> bool:
        """Whether the operator itself ended the run, because it was stopping."""
        return self.status == "canceled"

    @property
    def cut_short(self) -> str | None:
        """Why the run ended before its end, in a sentence, or None."""
        if self.status == "timeout":
            return "the run took longer than rollouts.timeout and was ended"
        if self.status != "died":
            return None
        # Such as that it cannot read the shop's ansible.cfg.
        why = reasons.of_run(self.said)
        return f"the process of the run died{': ' if why else ''}{why}"

    @property
    def refusal(self) -> str | None:
        """Why no host was asked, in Ansible's words where it has any, or None when one was."""
        if self.results or self.was_stopped:
            return None
        if self.status == "successful":
            return "the run ended well without asking any host: it found none, or nothing to do"
        return self.cut_short or reasons.of_run(self.printed) or None


@dataclass(frozen=True)
class InventoryListing:
    """The names of an inventory's hosts, and what listing them took of a processor, in seconds."""

    names: frozenset[str]
    cost: float = 0.0


class PlaybookRunner(Protocol):
    """Runs playbooks against one inventory; may be used by several threads."""

    def run(
        self,
        playbook: Playbook,
        folder: Path,
        timeout: timedelta,
        on_result: OnResult = lambda _: None,
        on_task: OnTask | None = None,
    ) -> FinishedRun:
        """Run ``playbook``, keep its output and events in a new directory in ``folder``, return how it ended.

        ``on_result`` is called with each result of a module as it comes, ``on_task``, where it is given, with each task that a
        host begins. Raises :class:`~registry_docker_updater.errors.UpdaterError` when the run cannot be kept there.
        """

    def hosts(self, pattern: str) -> InventoryListing:
        """Return the hosts of the inventory that match ``pattern``, as a playbook limited to it would have them.

        Raises :class:`~registry_docker_updater.errors.UpdaterError` when there are none, or when Ansible cannot read the
        inventory.
        """

    def inputs(self) -> Mapping[str, Any]:
        """Return what the next run is made of, as its manifest says: ``code``, ``versions``, ``inventory`` and ``ansible_cfg``."""

    def stop(self) -> None:
        """End every run that goes on, and start no other."""
