"""Holding what is kept against the trail, all of it from one state of the database."""

from collections.abc import Callable, Iterator

from registry_docker_updater.core.audit.chain import ChainCheck
from registry_docker_updater.core.audit.entries import Entry
from registry_docker_updater.core.audit.flaws import Flaw
from registry_docker_updater.core.audit.heads import KeptHeads
from registry_docker_updater.core.audit.replay import Replay
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.storage.written import LATER, RECORDED

# Is called with the number of the entry that was reached.
Progress = Callable[[int], None]
_KEYS = {name: [column.name for column in table.primary_key] for name, table in RECORDED.items()}


def verify(
    storage: Storage,
    heads: KeptHeads | None = None,
    progress: Progress = lambda _: None,
    on_entry: Callable[[Entry], None] = lambda _: None,
) -> Iterator[Flaw]:
    """Go through the trail, and through every row that it tells of; yield what is wrong.

    ``heads`` are those that were kept elsewhere. ``on_entry`` is called with each entry.
    """
    chained, replay = ChainCheck(heads=heads), Replay(_KEYS, LATER)
    with storage.snapshot() as kept:
        for entry in kept.trail.entries():
            yield from chained.see(entry)
            yield from replay.see(entry)
            on_entry(entry)
            progress(entry.sequence)
        yield from chained.end(kept.trail.last_given(), replay.removed)
        yield from replay.compare(kept.trail.recorded_rows(), kept.trail.entry)
        yield from replay.compare_claims(kept.trail.open_claims())
