"""The lock on the state directory: two operators on one would update the same targets."""

import fcntl
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from registry_docker_updater.errors import UpdaterError

_log = logging.getLogger(__name__)
LOCK = "operator.lock"
# What stands in it while a command holds it to bring the database up to date; an operator that starts then waits for that.
UPGRADING = "upgrading"
# A command that asks whether somebody holds the state directory holds it itself for that instant.
_TRIES, _PAUSE_SECONDS = 10, 0.05


@dataclass(frozen=True)
class Held:
    """The lock on a state directory, held until the process ends."""

    path: Path
    descriptor: int

    def lost(self) -> str | None:
        """Return what is wrong with it, in a sentence; None where nobody else can hold the state directory, too."""
        ours = os.fstat(self.descriptor)
        try:
            there = self.path.stat()
        except OSError:
            return f"{self.path} was removed while it was in use; restart the operator"
        if (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            return f"{self.path} was replaced while it was in use; restart the operator"
        return None

    def release(self) -> None:
        """Let others hold it."""
        os.close(self.descriptor)


def hold(state: Path, purpose: str = "") -> Held:
    """Hold ``state`` until the process ends, for an operator or for a ``purpose``.

    A command that is :data:`UPGRADING` is waited for. Raises :class:`UpdaterError` when another process holds it.
    """
    path = state / LOCK
    descriptor, tries, has_said = _open(path, os.O_CREAT), _TRIES, False
    while tries:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if os.pread(descriptor, len(UPGRADING), 0) != UPGRADING.encode():
                tries -= 1
            elif not has_said:
                has_said = True
                _log.info("a command brings the database in %s up to date; waiting for its end", state)
            time.sleep(_PAUSE_SECONDS)
        else:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, purpose.encode(), 0)
            return Held(path, descriptor)
    os.close(descriptor)
    raise UpdaterError(f"another operator works with {state}; two would update the same targets")


def is_held(state: Path) -> bool:
    """Tell whether an operator works with ``state``."""
    try:
        descriptor = _open(state / LOCK)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _open(lock: Path, flags: int = 0) -> int:
    try:
        return os.open(lock, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UpdaterError(
            f"cannot open {lock}: {error.strerror}; run this as the operator's user, to whom all in {lock.parent} is"
            " to belong"
        ) from None
