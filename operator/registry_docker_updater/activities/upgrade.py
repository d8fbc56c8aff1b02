"""Upgrading: a database of a version before is brought to this one, once a backup of it as it is was made.

The backup is verified with a copy that was brought to this version, so a change that fails is found out before it counts. Killed at any instant, nothing is lost: the tables are changed in one transaction, and the next start begins again, with the backup
that is there.
"""

import logging
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from registry_docker_updater import __version__
from registry_docker_updater.activities.backup import Kept, back_up
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.audit.backups import DATABASE, RUNS
from registry_docker_updater.core.audit.entries import TrailHead
from registry_docker_updater.edges.archive import described, is_sealed
from registry_docker_updater.errors import NewerDatabase, NotAsKept, StoreUnavailable, UpdaterError
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.migrations import KNOWN, has_trail
from registry_docker_updater.storage.standing import Standing, standing_of
from registry_docker_updater.storage.storage import Storage

_log = logging.getLogger(__name__)
UPGRADES = "upgrades"
_KEPT = 3
# The copy that is backed up, that which is verified, and what the change of the tables itself writes beside it.
_COPIES = 3


@dataclass(frozen=True)
class Outdated:
    """A database of a version before, in the state directory ``state``; ``standing`` says which of its tables are to be changed."""

    state: Path
    standing: Standing

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.state / DATABASE


def outdated(state: Path) -> Outdated | None:
    """Return the database in ``state`` where it is of a version before; None where there is nothing to upgrade.

    Raises :class:`StoreUnavailable` where it is of a later version, and says what to do.
    """
    try:
        standing = standing_of(state / DATABASE, KNOWN)
    except NewerDatabase as error:
        raise StoreUnavailable(
            f"{state / DATABASE} is {error.whose}: {error.install}{_or_go_back(state)}"
        ) from None
    return Outdated(state, standing) if standing and standing.missing else None


def upgrade(
    old: Outdated, clock: Clock, *, free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
) -> None:
    """Back up what is in a state directory, which is held, and bring its database to this version.

    ``free`` tells how many bytes there is room for. Raises :class:`UpdaterError`; nothing is changed then.
    """
    if old.state.stat().st_uid != os.geteuid():
        raise UpdaterError(
            f"{old.path} is of a version before, and is to be brought to this one: {old.state} belongs to another user, so run this"
            " as the operator's user once"
        )
    _log.info("the database is of a version before (%s), and is brought to %s", old.standing.at, __version__)
    try:
        file = _backed_up(old, clock, free)
    except (UpdaterError, OSError) as error:
        raise UpdaterError(
            f"{old.path} is of a version before, and was not brought to this one, for a backup of it could not be made and"
            f" tried first: {error}"
        ) from None
    Database(old.path, clock=clock).close()
    _log.info(
        "the database was brought to %s; to go back, restore %s with the version before", __version__, file
    )


def backups_of_upgrades(state: Path) -> list[Path]:
    """Return the backups that upgrades made in ``state``, the oldest first."""
    return sorted((state / UPGRADES).glob("*-from-*.tar.gz"))


def _backed_up(old: Outdated, clock: Clock, free: Callable[[Path], int]) -> Path:
    """Return the backup of it as it is: the one that an upgrade made which did not end, or a new one."""
    with closing(Database(old.path, as_it_is=True, clock=clock)) as database:
        head = Storage(database).trail.head() if has_trail(old.standing) else None
        there = backups_of_upgrades(old.state)
        if there and head and _holds(there[-1], old.standing, head):
            _log.info("it was backed up already, to %s", there[-1])
            return there[-1]
        folder = old.state / UPGRADES
        folder.mkdir(mode=0o700, exist_ok=True)
        # What one was writing that was killed.
        for part in folder.glob(".*"):
            part.unlink()
        _see_room(old.state, free)
        file = folder / f"{clock():%Y%m%dT%H%M%SZ}-from-{old.standing.at}.tar.gz"
        _log.info("it is backed up first, to %s", file)
        kept = Kept(database, old.state, old.standing)
        # What is wrong with it is so with or without an upgrade, and `audit verify` says more of it.
        made = back_up(kept, file, clock, may_replace=True, even_if_broken=True)
    if made.flaws:
        for line in NotAsKept("the backup holds what is not as it was kept", made.flaws).lines:
            _log.warning("%s", line)
    for one in there[: -(_KEPT - 1)]:
        one.unlink(missing_ok=True)
    return file


def _holds(file: Path, standing: Standing, head: TrailHead) -> bool:
    """Tell whether a backup is of a database that stands so, whose trail has that head."""
    try:
        return _number(file) == standing.at and described(file).head == head and is_sealed(file)
    except UpdaterError:
        return False


def _number(file: Path) -> str:
    return file.name.removesuffix(".tar.gz").rpartition("-")[2]


def _see_room(state: Path, free: Callable[[Path], int]) -> None:
    kept = chain(state.glob(f"{DATABASE}*"), (state / RUNS).rglob("*"))
    sizes = [(path.stat().st_size, path.parent == state) for path in kept if path.is_file()]
    needed, there = (
        sum(size * (1 + _COPIES if is_database else 1) for size, is_database in sizes),
        free(state),
    )
    if there < needed:
        raise UpdaterError(
            f"there is no room in {state}: {needed:,} bytes may be needed, and {there:,} are free; make room, such as by"
            f" moving older backups out of {state / UPGRADES}, and start it again"
        )


def _or_go_back(state: Path) -> str:
    ours = max(KNOWN)[:4]
    usable = [file for file in backups_of_upgrades(state) if _number(file) <= ours]
    if not usable:
        return ", or restore a backup of before the upgrade"
    return (
        f"; or move {DATABASE} and {RUNS} away and `restore {usable[-1]}`, which was made before the upgrade"
    )
