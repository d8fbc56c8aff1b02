"""What every activity needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from registry_docker_updater.activities.workers import Submit
from registry_docker_updater.clock import Clock
from registry_docker_updater.edges.runs.port import PlaybookRunner
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.storage.storage import Storage


class Health(Protocol):
    """Whether something that all else needs can be done."""

    def trouble(self) -> str | None:
        """Return why not, in a sentence, as far as that is known."""

    def probe(self) -> None:
        """Try it; raises :class:`~registry_docker_updater.errors.UpdaterError`."""


@dataclass(frozen=True)
class Healths:
    """Whether several things can be done: each by what to say where it cannot."""

    by_what: Mapping[str, Health]

    def trouble(self) -> str | None:
        """Return what cannot be done, and why, as far as that is known."""
        found = ((what, one.trouble()) for what, one in self.by_what.items())
        return "; ".join(f"{what}: {why}" for what, why in found if why) or None

    def probe(self) -> None:
        """Try what could not be done."""
        for one in self.by_what.values():
            if one.trouble():
                one.probe()


@dataclass(frozen=True)
class Context:
    """Where things are kept, whether all that is needed can be done, what runs playbooks, the folder of the kept ``runs``, and threads to ``submit`` work to.

    ``clock`` says what time it is; waiting is measured by ``steady``, which nobody sets. What happens is counted in ``metrics``.
    """

    storage: Storage
    health: Health
    playbooks: PlaybookRunner
    runs: Path
    submit: Submit
    clock: Clock
    steady: Clock
    metrics: Metrics = field(default_factory=Metrics)
