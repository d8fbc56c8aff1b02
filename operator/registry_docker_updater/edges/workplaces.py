"""Private folders to work in, each in hand of one process while it works there; and what is on the disk for good."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def workplace(parent: Path, name: str) -> Iterator[Path]:
    """Give a new private folder in ``parent`` that is called ``<name>-…``, and remove it at the end.

    Raises :class:`OSError`.
    """
    place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
    opened = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield place
    finally:
        # Unless it is gone already.
        shutil.rmtree(place, ignore_errors=True)
        os.close(opened)


def abandoned(parent: Path, name: str) -> Iterator[Path]:
    """Yield the folders of that name whose processes were killed, each in hand until the next is asked for."""
    for place in sorted(parent.glob(f"{name}-*")):
        with suppress(OSError):
            opened = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield place
            finally:
                os.close(opened)


def see_to_disk(path: Path) -> None:
    """See that a file's content, or the names in a folder, are found there after the power has failed."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
