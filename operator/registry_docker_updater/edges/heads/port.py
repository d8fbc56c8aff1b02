"""Where a head of the trail is kept, as those see it who have one."""

from datetime import datetime
from typing import Protocol

from registry_docker_updater.core.audit.entries import TrailHead


class HeadKeeper(Protocol):
    """Keeps heads of the trail somewhere else; ``name`` says where, to people, without what is secret of it."""

    @property
    def name(self) -> str:
        """Where, for people."""

    def keep(self, head: TrailHead, at: datetime) -> None:
        """Keep ``head`` as it was ``at`` that time; raises :class:`OSError` or :class:`UpdaterError` where it cannot."""
