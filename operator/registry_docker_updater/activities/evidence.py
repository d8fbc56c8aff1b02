"""Holding all that is kept against the trail: the database, and the kept runs."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from registry_docker_updater.core.audit.flaws import Flaw
from registry_docker_updater.core.audit.heads import KeptHeads
from registry_docker_updater.core.audit.runs import RunsTold
from registry_docker_updater.edges.runs.kept_runs import digest_of, packed_runs, verify_run
from registry_docker_updater.edges.runs.port import kept_in
from registry_docker_updater.storage.evidence import verify
from registry_docker_updater.storage.storage import Storage

# Is called with what is checked, ``entries`` or ``runs``, and how many of them have been.
Progress = Callable[[str, int], None]
# Between the end of a run and its entry there is a moment.
_MOMENT = timedelta(seconds=30)
# How far back a run is looked for that ended just before the operator did.
_RECENT = timedelta(minutes=10)
# Of scans the newest few are kept, and nothing follows from them but what the next one says.
_SCANS = "scans"


def verify_all(  # noqa: PLR0913 - what, by what, and whom it tells
    storage: Storage,
    runs: Path,
    now: datetime,
    heads: KeptHeads | None = None,
    progress: Progress = lambda *_: None,
    *,
    gathered: RunsTold | None = None,
) -> Iterator[Flaw]:
    """Go through the trail, all rows and all kept ``runs`` that it tells of; yield what is wrong.

    ``heads`` are those of the trail that were kept elsewhere; ``gathered`` takes in the runs that it tells of.
    """
    gathered = gathered or RunsTold()
    # Before the trail is read: of each of these there is an entry by then, but for the newest.
    there = {
        kept_in(one.directory)
        for one in packed_runs(runs)
        if one.ended_at < now - _MOMENT and not _is_scan(one.directory)
    }
    yield from verify(storage, heads, lambda count: progress("entries", count), gathered.see)
    for count, (where, manifest, entry) in enumerate(gathered.kept(), start=1):
        for sentence in _wrong(runs / where, manifest):
            yield Flaw(f"run {where}: {sentence}", entry.sequence, entry.at)
        progress("runs", count)
    for where in sorted(there - gathered.names):
        yield Flaw(f"run {where}: no entry tells of it")


def unrecorded_runs(storage: Storage, runs: Path) -> list[tuple[str, str]]:
    """Return the runs that ended just before the operator did, so that the trail does not tell of them: where, and manifest."""
    head = storage.trail.head()
    if not head.sequence:
        return []
    last = storage.trail.entry(head.sequence).at
    late = [
        one.directory
        for one in packed_runs(runs)
        if one.ended_at > last - _MOMENT and not _is_scan(one.directory)
    ]
    if not late:
        return []
    gathered = RunsTold()
    for entry in storage.trail.newest(since=last - _RECENT):
        gathered.see(entry)
    found = ((kept_in(directory), digest_of(directory)) for directory in late)
    return [(where, manifest) for where, manifest in found if manifest and where not in gathered.names]


def _is_scan(directory: Path) -> bool:
    return directory.parent.name == _SCANS


def _wrong(directory: Path, manifest: str) -> Iterator[str]:
    digest = digest_of(directory)
    if digest is None:
        yield "it is gone, or its manifest is" if not directory.exists() else "its manifest is missing"
    elif digest != manifest:
        yield "its manifest was changed"
    else:
        yield from verify_run(directory)
