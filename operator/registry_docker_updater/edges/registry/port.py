"""A registry, as those see it who ask it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Found:
    """What a tag names: its digest, or None where there is no such tag, and the registry's clock where it told it."""

    digest: str | None
    at: datetime | None


class RegistryApi(Protocol):
    """One registry, asked by one thread at a time."""

    def check(self) -> None:
        """See that there is a registry, and that it takes our login, if we have one.

        Raises :class:`~registry_docker_updater.errors.RegistryUnavailable`.
        """

    def find(self, repository: str, tag: str) -> Found:
        """Return which digest ``tag`` has now: that of the index where it names one, as a pull takes it.

        Raises :class:`~registry_docker_updater.errors.RegistryUnavailable` when nothing can be asked of the registry, and
        :class:`~registry_docker_updater.errors.RepositoryUnavailable` when it does not tell of this repository or tag.
        """

    def tags(self, repository: str) -> Iterator[tuple[str, ...]]:
        """Yield the tags of ``repository``, page by page, each asked for when it is wanted; errors are as of :meth:`find`."""
