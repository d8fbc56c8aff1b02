"""What is kept of pushes that were too young for a target: how long newer ones have made it wait."""

from collections.abc import Collection, Mapping

from sqlalchemy import delete, insert, select

from registry_docker_updater.core.rollouts.desired import DesiredImage, PushedName
from registry_docker_updater.core.rollouts.history import Delay
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.database import Connections

_d = tables.delays.c


class DelayStore:
    """Keeps delays."""

    def __init__(self, connections: Connections) -> None:
        """Keep them through ``connections``."""
        self._connections = connections

    def all(self) -> Mapping[PushedName, tuple[Delay, ...]]:
        """Return them by the names of the pushes, the oldest first."""
        found: dict[PushedName, list[Delay]] = {}
        with self._connections.reading() as connection:
            for row in connection.execute(select(tables.delays).order_by(_d.push)):
                name = PushedName(row.registry, row.repository, row.tag)
                found.setdefault(name, []).append(Delay(row.push, row.at))
        return {name: tuple(some) for name, some in found.items()}

    def add(self, push: DesiredImage) -> None:
        """Keep that a push was too young."""
        row = {**push.name._asdict(), "push": push.push, "at": push.received_at}
        with self._connections.writing() as connection:
            if connection.execute(select(_d.push).where(_d.push == push.push)).first() is None:
                connection.execute(insert(tables.delays).values(row))

    def forget(self, names: Collection[PushedName]) -> None:
        """Forget those of some names."""
        with self._connections.writing() as connection:
            for name in names:
                itself = (
                    (_d.registry == name.registry) & (_d.repository == name.repository) & (_d.tag == name.tag)
                )
                connection.execute(delete(tables.delays).where(itself))
