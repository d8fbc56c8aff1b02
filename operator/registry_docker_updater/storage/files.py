"""The files of a database: that nobody else can read them, and whether the next process will find what is written there."""

import os
import stat
from contextlib import suppress
from pathlib import Path

_Identity = tuple[int, int]


def make_private(path: Path, mode: int) -> None:
    """Give ``path``, where it is there and ours, the rights ``mode`` and no others, whoever made it with which.

    What belongs to another user is theirs to change, and a link leads to what may be none of ours.
    """
    with suppress(OSError):
        found = path.lstat()
        is_ours = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode)
        if is_ours and stat.S_IMODE(found.st_mode) != mode:
            path.chmod(mode)


def make_database_private(path: Path) -> None:
    """See that nobody else can read the database at ``path``; where there is none, make an empty one.

    SQLite would make it with rights for all, and gives its log and its shared memory those of the database.
    """
    with suppress(OSError):
        # Without opening it: closing a file of a database frees the locks that this process has on it.
        os.mknod(path, 0o600)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        make_private(path.with_name(name), 0o600)


class OpenFiles:
    """The database at ``path`` and its log, as they were when they were opened.

    A file that is removed or replaced can still be written by whoever has it open (POSIX, ``unlink``): nothing fails, and
    all of it is gone when the last one closes it.
    """

    def __init__(self, path: Path) -> None:
        """Remember which files are there now."""
        self._kept = {one: _identity(one) for one in (path, path.with_name(f"{path.name}-wal"))}

    def lost(self) -> str | None:
        """Return what is wrong with them, in a sentence; None where they are where they were."""
        for path, before in self._kept.items():
            now = _identity(path)
            if before is None:
                self._kept[path] = now
            elif now != before:
                what = "replaced by another" if now else "removed"
                return f"{path} was {what} while it was in use; put it back, and restart the operator"
        return None


def _identity(path: Path) -> _Identity | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
