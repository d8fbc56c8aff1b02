"""Holding all that is kept against the trail: the database, and the kept runs."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from registry_docker_updater.core.audit.flaws import Flaw
from registry_docker_updater.core.audit.heads import KeptHeads
from registry_docker_updater.core.audit.kinds import PRUNED, RUN_ENDED, RUN_KEPT, TEAM_NOT_TOLD, TEAM_TOLD
from registry_docker_updater.core.audit.runs import RunsTold
from registry_docker_updater.edges.runs.kept_runs import digest_of, packed_runs, verify_run
from registry_docker_updater.edges.runs.port import kept_in
from registry_docker_updater.storage.evidence import verify
from registry_docker_updater.storage.storage import Storage

# Is called with what is checked, ``entries`` or ``runs``, and how many of them have been.
Progress = Callable[[str, int], None]
# Between the end of a run and its entry there is a moment.
MOMENT = timedelta(seconds=30)
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
        if one.ended_at < now - MOMENT and not _is_scan(one.directory)
    }
    yield from verify(storage, heads, lambda count: progress("entries", count), gathered.see)
    yield from gathered.flaws
    wrong: list[tuple[str, Flaw]] = []
    for count, (where, manifest, entry) in enumerate(gathered.kept(), start=1):
        wrong += (
            (where, Flaw(f"run {where}: {sentence}", entry.sequence, entry.at))
            for sentence in _wrong(runs / where, manifest)
        )
        progress("runs", count)
    wrong += ((where, Flaw(f"run {where}: no entry tells of it")) for where in sorted(there - gathered.names))
    if wrong:
        # What was removed, and what ended, while all this was looked at.
        for entry in storage.trail.entries(gathered.last):
            gathered.see(entry)
        since = {where for where, _, _ in gathered.kept()}
        yield from (flaw for where, flaw in wrong if where in since or where not in gathered.names)


def told_runs(storage: Storage) -> RunsTold:
    """Return the runs that the trail tells of."""
    gathered = RunsTold()
    for entry in storage.trail.of_kinds((RUN_ENDED, RUN_KEPT, TEAM_TOLD, TEAM_NOT_TOLD, PRUNED)):
        gathered.see(entry)
    return gathered


def unrecorded_runs(
    storage: Storage, runs: Path, known: RunsTold, before: datetime | None = None
) -> list[tuple[str, str]]:
    """Return the runs that are over and of which the trail does not tell, as of those that ended just before the operator did.

    Where each is, and the hash of its manifest; of those that ended ``before`` a time, where it is given. Runs that no rollout
    can have had are none.
    """
    late = [
        kept_in(one.directory)
        for one in packed_runs(runs)
        if not _is_scan(one.directory) and (before is None or one.ended_at < before)
    ]
    found = (
        (where, digest_of(runs / where))
        for where in late
        if where not in known.names and _can_have_been(storage, where)
    )
    return [(where, manifest) for where, manifest in found if manifest]


def _can_have_been(storage: Storage, where: str) -> bool:
    folder, _, name = where.partition("/")
    playbook, _, number = name.rpartition("-")
    if playbook != "update":
        return True
    rollout = storage.rollouts.kept(int(folder)) if folder.isdecimal() else None
    return rollout is not None and int(number) <= rollout.rollout.runs


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
