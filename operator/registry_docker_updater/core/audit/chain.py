"""Whether a chain of entries is whole: each in its place, as it was written, and none missing."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate

from registry_docker_updater.core.audit.canonical import sha256
from registry_docker_updater.core.audit.entries import NOTHING_BEFORE, Entry, hash_of
from registry_docker_updater.core.audit.flaws import Flaw
from registry_docker_updater.core.audit.heads import KeptHeads


class ChainCheck:
    """Checks entries one by one, in the order of their numbers; ``after`` are the number and hash of the one before."""

    def __init__(self, after: int = 0, known: str = NOTHING_BEFORE, heads: KeptHeads | None = None) -> None:
        """Begin after an entry that is known to be right; ``heads`` are those that were kept elsewhere."""
        self._last = after
        self._since: datetime | None = None
        self._previous: tuple[str, ...] = (known,)
        self._heads = dict(heads or {})
        self._last_good_head: int | None = None
        self._without_content: list[tuple[int, str, datetime | None]] = []

    def see(self, entry: Entry) -> Iterator[Flaw]:
        """Check the next entry; yield what is wrong."""
        if entry.sequence != self._last + 1:
            yield self._gap(entry.sequence - 1)
        if entry.content is None:
            self._without_content.append((entry.sequence, entry.kind, self._since))
        elif sha256(entry.content) != entry.content_hash:
            yield self._flaw(entry, "what it says was changed")
        # Where only the hash of the one before was changed, this one still follows from the right one.
        right = [hash_of(entry, previous) for previous in self._previous]
        if entry.hash not in right:
            yield self._flaw(
                entry, "it was changed, or what comes before it was: it does not follow from that"
            )
        yield from self._hold_against_head(entry)
        self._previous = tuple(dict.fromkeys((entry.hash, *right)))[:2]
        self._last, self._since = entry.sequence, entry.at

    def end(self, last_given: int, removed: Iterable[tuple[int, int]]) -> Iterator[Flaw]:
        """Yield what is wrong at the end: ``last_given`` is the number of the last entry that there ever was.

        ``removed`` are the first and last numbers of entries whose content was removed as the settings say.
        """
        if self._last < last_given:
            yield self._gap(last_given)
        yield from self._taken_out(sorted(removed))
        for number in sorted(one for one in self._heads if one > self._last):
            yield Flaw(
                f"entry {number}, whose hash was kept elsewhere, is not there: the trail ends with entry {self._last}"
                f"{self._good()}",
                number,
                self._since,
            )

    def _taken_out(self, spans: Sequence[tuple[int, int]]) -> Iterator[Flaw]:
        """Yield the entries whose content is gone though no entry says so: ``spans`` are those of which one does, in order."""
        starts = [first for first, _ in spans]
        reach = list(accumulate((last for _, last in spans), max))
        for sequence, kind, since in self._without_content:
            begun = bisect_right(starts, sequence)
            if not begun or reach[begun - 1] < sequence:
                what = "what it says was removed, and no later entry says that it was"
                yield Flaw(f"entry {sequence} ({kind}): {what}", sequence, since)

    def _hold_against_head(self, entry: Entry) -> Iterator[Flaw]:
        kept = self._heads.pop(entry.sequence, None)
        if kept == frozenset((entry.hash,)):
            self._last_good_head = entry.sequence
        elif kept:
            yield self._flaw(
                entry,
                f"its hash is not the one that was kept elsewhere: the trail was written anew{self._good()}",
            )

    def _good(self) -> str:
        if self._last_good_head is None:
            return ""
        return f"; up to entry {self._last_good_head} it is as it was"

    def _gap(self, last: int) -> Flaw:
        first = self._last + 1
        if last < first:
            return Flaw(f"entry {last + 1} stands after entry {self._last}", last + 1, self._since)
        which = f"entry {first} is" if first == last else f"entries {first} to {last} are"
        return Flaw(f"{which} missing", first, self._since)

    def _flaw(self, entry: Entry, what: str) -> Flaw:
        return Flaw(f"entry {entry.sequence} ({entry.kind}): {what}", entry.sequence, self._since)
