"""Backing up: one file with a copy of the database, made while the operator works, and with every run that its trail tells of."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from registry_docker_updater import __version__
from registry_docker_updater.activities.evidence import Progress, verify_all
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.audit.backups import (
    COPYING,
    DATABASE,
    DESCRIPTION,
    RUNS,
    Backup,
    description,
    members_of_run,
)
from registry_docker_updater.core.audit.entries import TrailHead
from registry_docker_updater.core.audit.kinds import PRUNED
from registry_docker_updater.core.audit.runs import RunsTold
from registry_docker_updater.edges.archive import Archive, new_archive
from registry_docker_updater.edges.workplaces import workplace
from registry_docker_updater.errors import NotAsKept, UpdaterError
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.migrations import has_trail
from registry_docker_updater.storage.standing import Standing
from registry_docker_updater.storage.storage import Storage

_TRIES = 3
_EXAMINED = "examined.db"


@dataclass(frozen=True)
class Kept:
    """What is backed up: a database, and the state directory that it and the kept runs are in.

    Where the database is opened as it is, and its tables are those of a version before, ``older`` says how it stands.
    """

    database: Database
    state: Path
    older: Standing | None = None


@dataclass(frozen=True)
class BackedUp:
    """A backup that was made: its size in bytes, the head of its trail, how many runs, and what is wrong with what it holds."""

    size: int
    head: TrailHead
    runs: int
    flaws: tuple[str, ...]


class _PrunedMeanwhileError(Exception):
    """Runs of which the copy tells were removed while it was made."""


def back_up(  # noqa: PLR0913 - what, where to, and how
    kept: Kept,
    file: Path,
    clock: Clock,
    *,
    may_replace: bool = False,
    even_if_broken: bool = False,
    progress: Progress = lambda *_: None,
) -> BackedUp:
    """Back all up to ``file``, which is there as a whole in the end, or not at all.

    Raises :class:`NotAsKept` where something is wrong with what would be in it, unless it is to be made ``even_if_broken``, and
    :class:`UpdaterError` where it cannot be made, or ``file`` is there already and it ``may_replace`` none.
    """
    for _ in range(_TRIES):
        try:
            with new_archive(file, may_replace=may_replace) as archive:
                head, runs, flaws = _fill(archive, kept, clock, progress, even_if_broken=even_if_broken)
        except _PrunedMeanwhileError:
            continue
        return BackedUp(file.stat().st_size, head, runs, flaws)
    raise UpdaterError("again and again, runs were removed while they were to be backed up; try it later")


def _fill(
    archive: Archive, kept: Kept, clock: Clock, progress: Progress, *, even_if_broken: bool
) -> tuple[TrailHead, int, tuple[str, ...]]:
    """Add everything; return the head, how many runs, and what is wrong."""
    runs, gathered, now = kept.state / RUNS, RunsTold(), clock()
    with workplace(kept.state, COPYING) as place:
        copy = examined = place / DATABASE
        kept.database.copy_to(copy)
        if kept.older:
            # What was to be read by an older version must stay so; what reads it here knows the tables of today only.
            examined = shutil.copyfile(copy, place / _EXAMINED)
        with closing(Database(examined, clock=clock)) as database:
            storage = Storage(database)
            head = storage.trail.head() if has_trail(kept.older) else TrailHead()
            flaws = [
                flaw.sentence for flaw in verify_all(storage, runs, now, progress=progress, gathered=gathered)
            ]
        _refuse(kept, head, flaws, even_if_broken=even_if_broken)
        archive.add_content(DESCRIPTION, description(Backup(__version__, now, head)), now.timestamp())
        with copy.open("rb") as opened:
            archive.add(DATABASE, opened)
    count = 0
    for where, _, _ in gathered.kept():
        missing = list(_add_run(archive, runs, where))
        if missing:
            _refuse(kept, head, missing, even_if_broken=even_if_broken)
            flaws += (one for one in missing if one not in flaws)
        else:
            count += 1
            progress("runs backed up", count)
    return head, count, tuple(flaws)


def _refuse(kept: Kept, head: TrailHead, flaws: list[str], *, even_if_broken: bool) -> None:
    if not flaws:
        return
    pruned = Storage(kept.database).trail.last_of(PRUNED)
    if pruned and pruned.sequence > head.sequence:
        raise _PrunedMeanwhileError
    if not even_if_broken:
        raise NotAsKept(
            "nothing is backed up, for not all is as it was kept (--even-if-broken backs it up all the same)",
            flaws,
        )


def _add_run(archive: Archive, runs: Path, where: str) -> Iterator[str]:
    """Add a run as a whole, or what can be read of it; yield what cannot."""
    members = members_of_run(where)
    if members is None:
        yield f"run {where}: no run is kept under such a name"
        return
    with ExitStack() as stack:
        for member in members:
            try:
                opened = stack.enter_context((runs.parent / member).open("rb"))
            except OSError as error:
                yield f"run {where}: {member.rpartition('/')[2]} cannot be read: {error.strerror}"
            else:
                archive.add(member, opened)
