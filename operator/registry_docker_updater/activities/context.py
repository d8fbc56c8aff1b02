"""What every activity needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from registry_docker_updater.activities.workers import Submit
from registry_docker_updater.clock import Clock
from registry_docker_updater.edges.runs.port import PlaybookRunner
from registry_docker_updater.storage.storage import Storage


class Health(Protocol):
    """Whether anything can be kept."""

    def trouble(self) -> str | None:
        """Return why not, in a sentence, as far as that is known."""

    def probe(self) -> None:
        """Try it; raises :class:`~registry_docker_updater.errors.StoreUnavailable`."""


@dataclass(frozen=True)
class Context:
    """Where things are kept, whether they can be, what runs playbooks, the folder of the kept ``runs``, and threads to ``submit`` work to.

    ``clock`` says what time it is; waiting is measured by ``steady``, which nobody sets.
    """

    storage: Storage
    health: Health
    playbooks: PlaybookRunner
    runs: Path
    submit: Submit
    clock: Clock
    steady: Clock
