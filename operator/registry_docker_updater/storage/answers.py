"""What was answered to what people and programs asked for once, so that the same is not done twice."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.statements import put

# For how long they are.
KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class KeptAnswer:
    """What ``person`` was answered at ``at``, to what they asked for under a ``key`` of theirs.

    ``fingerprint`` tells what that was from everything else, ``content`` is JSON text.
    """

    person: str
    key: str
    fingerprint: str
    status: int
    content: str
    at: datetime


class AnswerStore:
    """Keeps answers for a while; they are no evidence: what was done is in the trail."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def find(self, person: str, key: str) -> KeptAnswer | None:
        """Return what a person was answered under a key, None where nothing is kept."""
        a = tables.answers.c
        query = select(tables.answers).where(a.person == person, a.key == key)
        with self._connections.reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return KeptAnswer(**row) if row else None

    def keep(self, answer: KeptAnswer) -> None:
        """Keep an answer, in the place of the one with its person and key."""
        with self._connections.writing() as connection:
            put(connection, tables.answers, asdict(answer))

    def remove(self, before: datetime) -> None:
        """Remove answers that were given before a time."""
        with self._connections.writing() as connection:
            connection.execute(delete(tables.answers).where(tables.answers.c.at < before))
