"""What every activity needs."""

from dataclasses import dataclass
from pathlib import Path

from registry_docker_updater.activities.workers import Submit
from registry_docker_updater.clock import Clock
from registry_docker_updater.edges.runs.port import PlaybookRunner
from registry_docker_updater.storage.storage import Storage


@dataclass(frozen=True)
class Context:
    """Where things are kept, what runs playbooks, the folder of the kept ``runs``, and threads to ``submit`` work to.

    ``clock`` says what time it is; waiting is measured by ``steady``, which nobody sets.
    """

    storage: Storage
    playbooks: PlaybookRunner
    runs: Path
    submit: Submit
    clock: Clock
    steady: Clock
