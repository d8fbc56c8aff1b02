"""Having the head of the trail kept elsewhere, and noticing that the chain is broken.

Whoever can write the database can write a whole new trail; that shows where the head of the one before was kept. Nothing of
this holds up an update, and a broken chain does not either: it is said loudly.
"""

import logging
import threading
from collections.abc import Sequence
from datetime import timedelta

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.audit.chain import ChainCheck
from registry_docker_updater.core.audit.entries import NOTHING_BEFORE, TrailHead
from registry_docker_updater.edges.heads.port import HeadKeeper
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.storage.storage import Storage

_log = logging.getLogger(__name__)
# Of many flaws, so many are said one by one.
_MOST_SAID = 5
# Others want the processor, too.
_CHECKED_TOGETHER, _REST_SECONDS = 500, 0.01
_PATIENCE_SECONDS = 2.0


class TrailHeads:
    """Checks what was appended to the trail, and has its head kept, in a thread of its own.

    ``flaw`` is the last that was found of the trail, None where none was.
    """

    def __init__(
        self,
        storage: Storage,
        keepers: Sequence[HeadKeeper],
        interval: timedelta,
        clock: Clock,
        metrics: Metrics | None = None,
    ) -> None:
        """Have the head kept by each of ``keepers`` at every ``interval``, and whenever :meth:`ring` is called."""
        self._storage, self._keepers, self._interval, self._clock = storage, keepers, interval, clock
        self._metrics = metrics or Metrics()
        self._wake, self._is_stopped = threading.Event(), threading.Event()
        self._checked = TrailHead(0, NOTHING_BEFORE)
        self._kept: dict[str, TrailHead] = {}
        self._troubles: dict[str, str] = {}
        self._going: dict[str, threading.Thread] = {}
        self.flaw: str | None = None
        self._thread = threading.Thread(target=self._run, name="trail", daemon=True)

    def start(self) -> None:
        """Begin, with a check of the whole chain."""
        self._thread.start()

    def ring(self) -> None:
        """Have the head kept now: a rollout has ended."""
        self._wake.set()

    def stop(self) -> None:
        """End, with the last head kept."""
        self._is_stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def step(self) -> None:
        """Check what is new, and have the head kept where it was not."""
        try:
            self._check()
        except UpdaterError as error:
            _log.error("the trail cannot be checked: %s", error)
        head = self._storage.trail.head()
        for keeper in self._keepers:
            if self._kept.get(keeper.name) != head:
                self._hand_on(keeper, head)
        # Those that hang are waited for no longer, and asked no more before they have ended.
        for going in self._going.values():
            going.join(_PATIENCE_SECONDS)

    def _run(self) -> None:
        while True:
            self._wake.clear()
            is_last = self._is_stopped.is_set()
            try:
                self.step()
            except UpdaterError as error:
                _log.error("%s", error)
            except Exception:  # a thread that ends silently would keep no head ever again
                _log.exception("a bug of the operator; the head of the trail is kept later")
            if is_last:
                return
            self._wake.wait(self._interval.total_seconds())

    def _hand_on(self, keeper: HeadKeeper, head: TrailHead) -> None:
        """Have a keeper keep a head, in a thread of its own: one that hangs holds up no other."""
        going = self._going.get(keeper.name)
        if going and going.is_alive():
            self._say(keeper, "it hangs")
            return
        name = f"heads {keeper.name}"
        self._going[keeper.name] = threading.Thread(
            target=self._keep, args=(keeper, head), name=name, daemon=True
        )
        self._going[keeper.name].start()

    def _keep(self, keeper: HeadKeeper, head: TrailHead) -> None:
        try:
            keeper.keep(head, self._clock())
        except (OSError, UpdaterError, ValueError) as error:
            self._say(keeper, (error.strerror if isinstance(error, OSError) else None) or str(error))
            return
        self._kept[keeper.name] = head
        if self._troubles.pop(keeper.name, None):
            _log.info("the head of the trail is kept at %s again", keeper.name)

    def _say(self, keeper: HeadKeeper, why: str) -> None:
        if self._troubles.get(keeper.name) != why:
            self._troubles[keeper.name] = why
            _log.error("the head of the trail cannot be kept at %s: %s; it is tried again", keeper.name, why)

    def _check(self) -> None:
        """Check the entries that were appended since the last time, and that the last of before is still there."""
        trail, before = self._storage.trail, self._checked
        check = ChainCheck(before.sequence, before.hash)
        found = []
        if before.sequence and trail.hash_of(before.sequence) != before.hash:
            found.append(f"entry {before.sequence} is not there any more, or not as it was")
            # Said once: what is appended from here on follows from what is there.
            self._checked = trail.head()
        for count, entry in enumerate(trail.entries(before.sequence), start=1):
            found += [flaw.sentence for flaw in check.see(entry)]
            self._checked = entry.head
            if count % _CHECKED_TOGETHER == 0 and self._is_stopped.wait(_REST_SECONDS):
                break
        for sentence in found[:_MOST_SAID]:
            _log.error("the trail was tampered with, or damaged: %s", sentence)
        self._metrics.flawed(len(found))
        if found:
            self.flaw = f"the trail was tampered with, or damaged: {found[0]}"
            _log.error(
                "the trail is broken at %d place(s), and goes on; `registry-docker-updater audit verify` tells all of it",
                len(found),
            )
