"""What was answered to what people and programs asked for once, so that the same is not done twice."""

import zlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Connections
from registry_docker_updater.storage.statements import put

# For how long they are.
KEPT_FOR = timedelta(hours=24)
# What a push means for each of 10,000 targets has 5 MB, nearly all of it the same: packed fast, a fortieth, and sooner written.
_LEVEL = 1


@dataclass(frozen=True)
class KeptAnswer:
    """What ``person`` was answered at ``at``, to what they asked for under a ``key`` of theirs.

    ``fingerprint`` tells what that was from everything else, ``content`` is JSON text.
    """

    person: str
    key: str
    fingerprint: str
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
        return KeptAnswer(**{**row, "content": zlib.decompress(row["content"]).decode()}) if row else None

    def keep(self, answer: KeptAnswer) -> None:
        """Keep an answer, in the place of the one with its person and key."""
        packed = zlib.compress(answer.content.encode(), _LEVEL)
        with self._connections.writing() as connection:
            put(connection, tables.answers, {**asdict(answer), "content": packed})

    def remove(self, before: datetime) -> None:
        """Remove answers that were given before a time."""
        with self._connections.writing() as connection:
            connection.execute(delete(tables.answers).where(tables.answers.c.at < before))
