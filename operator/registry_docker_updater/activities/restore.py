"""Restoring a backup into a state directory without a database: all of it, or nothing, at whatever instant we are killed.

It is unpacked and verified in a private folder of the state directory. Then the runs are moved into place, and the database last:
as long as that is missing, the next restore or start takes the runs back.
"""

import logging
import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from registry_docker_updater.activities.evidence import Progress, verify_all
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.audit.backups import (
    COPYING,
    DATABASE,
    DESCRIPTION,
    RESTORING,
    RUNS,
    Backup,
    read_description,
)
from registry_docker_updater.core.audit.canonical import moment_text
from registry_docker_updater.core.audit.entries import Person, Step
from registry_docker_updater.core.audit.kinds import DATABASE_RESTORED
from registry_docker_updater.core.audit.runs import RunsTold
from registry_docker_updater.edges.archive import is_sealed, may_be_archive, unpack
from registry_docker_updater.edges.workplaces import abandoned, see_to_disk, workplace
from registry_docker_updater.errors import NewerDatabase, NotAsKept, UpdaterError
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage

_log = logging.getLogger(__name__)
_CHANGED = "the file was changed or cut: its SHA-256 is not the one at its end"


@dataclass(frozen=True)
class Restored:
    """A backup that was restored: what it says of itself, how many runs it has, and what is wrong with what it holds."""

    backup: Backup
    runs: int
    flaws: tuple[str, ...]


def restore(  # noqa: PLR0913 - what, where to, who, and how
    file: Path,
    state: Path,
    who: Person,
    clock: Clock,
    *,
    even_if_broken: bool = False,
    progress: Progress = lambda *_: None,
) -> Restored:
    """Restore the backup in ``file`` into ``state``, which is held, with an entry that says who did.

    Raises :class:`NotAsKept` where something is wrong with what it holds, unless it is to be restored ``even_if_broken``, and
    :class:`UpdaterError` where it is no backup that can be restored, or where something is there already. Nothing is changed
    then.
    """
    clean_up(state)
    _refuse_what_is_there(state)
    try:
        with workplace(state, RESTORING) as place:
            try:
                found = _prepare(file, place, who, clock, progress, even_if_broken=even_if_broken)
                _move(place, state)
            finally:
                _end(place, state)
    except OSError as error:
        raise UpdaterError(f"cannot restore into {state}: {error.strerror or error}") from None
    return found


def clean_up(state: Path) -> None:
    """Remove what a backup or a restore that was killed left in ``state``, which is held; what cannot be is named in the log."""
    for name in (COPYING, RESTORING):
        for place in abandoned(state, name):
            try:
                _end(place, state)
            except OSError as error:
                _log.warning(
                    "%s was left by one that was killed, and cannot be removed: %s", place, error.strerror
                )


def _refuse_what_is_there(state: Path) -> None:
    if state.stat().st_uid != os.geteuid():
        raise UpdaterError(f"{state} belongs to another user; run this as the operator's user")
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", RUNS):
        path = state / name
        is_empty = path.is_dir() and not any(path.iterdir())
        if os.path.lexists(path) and not is_empty:
            raise UpdaterError(f"{path} is there already; move it away first: nothing is restored over it")


def _prepare(  # noqa: PLR0913 - as above
    file: Path, place: Path, who: Person, clock: Clock, progress: Progress, *, even_if_broken: bool
) -> Restored:
    """Unpack a backup into a private folder, verify it, and append the entry that it was restored."""
    if not may_be_archive(file):
        raise UpdaterError(f"{file} is no backup: `backup` writes those that can be restored")
    flaws = [] if is_sealed(file) else [_CHANGED]
    _refuse(file, flaws, even_if_broken=even_if_broken)
    (place / RUNS).mkdir(mode=0o700)
    # Whose runs they are, also where they have been moved.
    (place / RUNS / place.name).touch()
    backup, gathered = _unpack(file, place), RunsTold()
    try:
        database = Database(place / DATABASE, clock=clock)
    except NewerDatabase as error:
        raise UpdaterError(
            f"{file} cannot be restored: its database is {error.whose}: {error.install}, and restore it with that"
        ) from None
    except UpdaterError as error:
        raise UpdaterError(f"{file} cannot be restored: {error}") from None
    with closing(database):
        storage = Storage(database)
        # Before there was a trail it had no head.
        if backup.head.sequence and storage.trail.hash_of(backup.head.sequence) != backup.head.hash:
            flaws.append(f"its trail does not have the head that {DESCRIPTION} names")
        found = verify_all(storage, place / RUNS, clock(), progress=progress, gathered=gathered)
        flaws += [flaw.sentence for flaw in found]
        _refuse(file, flaws, even_if_broken=even_if_broken)
        facts = {
            "file": file.name,
            "created_at": moment_text(backup.created_at),
            "head": backup.head.sequence,
            "hash": backup.head.hash,
            "flaws": len(flaws),
            "name": who.name,
            "place": who.place,
        }
        storage.trail.append(Step(DATABASE_RESTORED, facts), clock())
    return Restored(
        backup, sum((place / RUNS / where).exists() for where, _, _ in gathered.kept()), tuple(flaws)
    )


def _refuse(file: Path, flaws: list[str], *, even_if_broken: bool) -> None:
    if flaws and not even_if_broken:
        what = f"nothing is restored, for not all in {file} is as it was kept (--even-if-broken restores it all the same)"
        raise NotAsKept(what, flaws)


def _unpack(file: Path, place: Path) -> Backup:
    backup: Backup | None = None
    for name in unpack(file, place):
        if name == DESCRIPTION:
            try:
                backup = read_description((place / DESCRIPTION).read_bytes())
            except UpdaterError as error:
                raise UpdaterError(f"{file} cannot be restored: {error}") from None
    if backup is None or not (place / DATABASE).exists():
        raise UpdaterError(f"{file} is no backup: it holds no {DATABASE}")
    return backup


def _move(place: Path, state: Path) -> None:
    """Move what was unpacked into place, the database last."""
    if (place / f"{DATABASE}-wal").exists():
        raise UpdaterError(f"the database in {place} was not closed")
    see_to_disk(place / DATABASE)
    for folder, _, _ in os.walk(place):
        see_to_disk(Path(folder))
    (place / RUNS).rename(state / RUNS)
    see_to_disk(state)
    # A link never takes the place of one that another command made meanwhile.
    (state / DATABASE).hardlink_to(place / DATABASE)
    see_to_disk(state)


def _end(place: Path, state: Path) -> None:
    """Remove a private folder, with the runs of its backup where they were moved into place and the database was not."""
    mark, database, there = state / RUNS / place.name, place / DATABASE, state / DATABASE
    if mark.exists():
        if there.exists() and database.exists() and there.samefile(database):
            mark.unlink()
        else:
            (state / RUNS).rename(place / RUNS)
            see_to_disk(place)
    shutil.rmtree(place)
