"""Lists of tags, which a registry is asked for one page after the other, with other questions between."""

from collections.abc import Collection, Iterator, Sequence

from registry_docker_updater.edges.registry.port import RegistryApi


class TagLists:
    """The lists of one registry, as far as they have been told."""

    def __init__(self, client: RegistryApi) -> None:
        """Ask through ``client``."""
        self._client = client
        self._begun: dict[str, tuple[Iterator[tuple[str, ...]], list[str]]] = {}

    def ask(self, repository: str) -> Sequence[str] | None:
        """Ask for the next page; return all tags once the list is whole, and None before.

        After an error, which is as of the client's, it begins again.
        """
        if repository not in self._begun:
            self._begun[repository] = (self._client.tags(repository), [])
        pages, tags = self._begun.pop(repository)
        page = next(pages, None)
        if page is None:
            return tags
        self._begun[repository] = (pages, [*tags, *page])
        return None

    def keep(self, repositories: Collection[str]) -> None:
        """Forget what was told of all but these ``repositories``."""
        self._begun = {one: begun for one, begun in self._begun.items() if one in repositories}
