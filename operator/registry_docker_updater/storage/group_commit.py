"""Deliveries that come at the same time are committed together: a commit waits for the disk, however much is in it.

The first that comes commits what is there; who comes meanwhile waits, and one of these commits for all that wait. So
nobody waits for company, and nobody is told that something is kept before it is.
"""

import threading
from collections.abc import Callable, Sequence

from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.storage.arrivals import Arrived, Recorded


class _Waiting:
    """A delivery that waits to be kept, and what became of it."""

    def __init__(self, arrived: Arrived) -> None:
        self.arrived = arrived
        self.recorded: Recorded | None = None
        self.error: Exception | None = None
        self.leads = False
        # A lock is the lightest thing to wait for: it is released once, by whoever is done with this.
        self.turn = threading.Lock()
        self.turn.acquire()


class GroupCommit:
    """Keeps deliveries by ``keep``, which keeps several in one transaction. Safe for use by several threads."""

    def __init__(self, keep: Callable[[Sequence[Arrived]], Sequence[Recorded]]) -> None:
        """Begin with nobody waiting."""
        self._keep = keep
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._is_led = False

    def record(self, arrived: Arrived) -> Recorded:
        """Keep a delivery; return when it is committed. Raises :class:`StoreUnavailable`."""
        mine = _Waiting(arrived)
        with self._lock:
            self._waiting.append(mine)
            mine.leads = not self._is_led
            self._is_led = True
        if not mine.leads:
            mine.turn.acquire()
        if mine.leads:
            self._lead()
        if mine.error:
            raise mine.error
        if mine.recorded is None:
            raise AssertionError("a delivery was neither kept nor refused")
        return mine.recorded

    def _lead(self) -> None:
        """Keep all that wait, the leader's own among them, and hand over to one that came meanwhile."""
        with self._lock:
            together, self._waiting = self._waiting, []
        try:
            self._keep_all(together)
        finally:
            with self._lock:
                self._is_led = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].leads = True
                    self._waiting[0].turn.release()
            for one in together:
                if not one.leads:
                    one.turn.release()

    def _keep_all(self, together: Sequence[_Waiting]) -> None:
        try:
            for one, recorded in zip(together, self._keep([one.arrived for one in together]), strict=True):
                one.recorded = recorded
        except StoreUnavailable as error:
            for one in together:
                one.error = StoreUnavailable(str(error))
        except Exception as error:  # what one of them holds must not keep the others out
            if len(together) == 1:
                together[0].error = error
                return
            for one in together:
                self._keep_all([one])
