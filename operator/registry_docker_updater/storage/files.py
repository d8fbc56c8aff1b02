"""The files of an open database: whether what is written there is what the next process will find."""

from pathlib import Path

_Identity = tuple[int, int]


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
