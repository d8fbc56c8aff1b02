"""Which kept runs the trail tells of."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from registry_docker_updater.core.audit.entries import Entry
from registry_docker_updater.core.audit.kinds import PRUNED
from registry_docker_updater.core.audit.sentences import content_of

# Few entries tell of a run, and reading what each of a hundred thousand says takes seconds.
_KEPT_IN = '"kept_in"'


@dataclass
class RunsTold:
    """Goes through a trail, entry by entry, and gathers the runs that are to be there."""

    _entries: dict[str, tuple[str | None, Entry]] = field(default_factory=dict)
    _removed: set[str] = field(default_factory=set)

    @property
    def names(self) -> frozenset[str]:
        """Where all runs are, or were, kept that the trail tells of."""
        return frozenset(self._entries) | self._removed

    def see(self, entry: Entry) -> None:
        """Take in the next entry."""
        if _KEPT_IN not in (entry.content or "") and entry.kind != PRUNED:
            return
        facts = (content_of(entry) or {}).get("facts", {})
        where = facts.get("kept_in")
        if isinstance(where, str):
            self._entries[where] = (facts.get("manifest"), entry)
        if entry.kind == PRUNED:
            self._removed.update(facts.get("runs", ()))

    def kept(self) -> Iterator[tuple[str, str, Entry]]:
        """Yield the runs that are to be there: where each is, the hash of its manifest, and the entry that says so."""
        for where, (manifest, entry) in self._entries.items():
            if manifest and where not in self._removed:
                yield where, manifest, entry
