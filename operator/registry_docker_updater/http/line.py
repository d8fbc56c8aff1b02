"""Who waits for a thread, in order; whoever leaves loses the place, so that no more wait than are there."""

import itertools
import threading
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Line(Generic[K, V]):
    """What is to be done for each of those who wait. Safe for use by several threads."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._changed = threading.Condition()
        self._waiting: dict[K, V] = {}
        self._is_over = False

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def put(self, who: K, what: V) -> None:
        """Have ``what`` done for ``who``, who waits for nothing else."""
        with self._changed:
            self._waiting[who] = what
            self._changed.notify()

    def leave(self, who: K) -> None:
        """Forget what ``who`` waits for, if anything."""
        with self._changed:
            self._waiting.pop(who, None)

    def take(self, most: int = 1) -> list[tuple[K, V]]:
        """Return the first, when there is somebody, and who is behind: at most so many. Nobody: it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_over)
            taken = list(itertools.islice(self._waiting.items(), most))
            for who, _ in taken:
                del self._waiting[who]
            return taken

    def end(self) -> None:
        """Let nobody wait for work any more; who still waits for a thread is forgotten."""
        with self._changed:
            self._waiting.clear()
            self._is_over = True
            self._changed.notify_all()
