"""Which kept runs the trail tells of, and of which files each is."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from registry_docker_updater.core.audit.entries import Entry
from registry_docker_updater.core.audit.flaws import Flaw
from registry_docker_updater.core.audit.kinds import PRUNED
from registry_docker_updater.core.audit.sentences import content_of

# The files of a run that is over, in its directory.
MANIFEST, PACKED_EVENTS = "manifest.json", "events.jsonl.gz"
# Few entries tell of a run, and reading what each of a hundred thousand says takes seconds.
_KEPT_IN = '"kept_in"'


@dataclass
class RunsTold:
    """Goes through a trail, entry by entry, and gathers the runs that are to be there.

    What is told first of a place counts, until that is removed: who changes a run could have it told of again.
    """

    _entries: dict[str, tuple[str | None, Entry]] = field(default_factory=dict)
    _removed: set[str] = field(default_factory=set)
    _flaws: list[Flaw] = field(default_factory=list)
    last: int = 0

    @property
    def names(self) -> frozenset[str]:
        """Where all runs are, or were, kept that the trail tells of."""
        return frozenset(self._entries) | self._removed

    @property
    def flaws(self) -> tuple[Flaw, ...]:
        """Of which runs it tells twice, and not the same."""
        return tuple(self._flaws)

    def see(self, entry: Entry) -> None:
        """Take in the next entry; ``last`` is its number then."""
        self.last = max(self.last, entry.sequence)
        if _KEPT_IN not in (entry.content or "") and entry.kind != PRUNED:
            return
        facts = (content_of(entry) or {}).get("facts", {})
        where, manifest = facts.get("kept_in"), facts.get("manifest")
        if isinstance(where, str):
            self._tell(where, manifest if isinstance(manifest, str) else None, entry)
        removed = facts.get("runs") if entry.kind == PRUNED else None
        if isinstance(removed, list):
            self._removed.update(one for one in removed if isinstance(one, str))

    def kept(self) -> Iterator[tuple[str, str, Entry]]:
        """Yield the runs that are to be there: where each is, the hash of its manifest, and the entry that says so."""
        for where, (manifest, entry) in self._entries.items():
            if manifest and where not in self._removed:
                yield where, manifest, entry

    def _tell(self, where: str, manifest: str | None, entry: Entry) -> None:
        known, _ = self._entries.get(where, (None, None))
        if where in self._removed or known is None:
            self._entries[where] = (manifest, entry)
            self._removed.discard(where)
        elif manifest and manifest != known:
            self._flaws.append(
                Flaw(f"run {where}: it is another than the trail told of before", entry.sequence, entry.at)
            )
