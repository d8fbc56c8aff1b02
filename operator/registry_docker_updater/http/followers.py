"""Who follows what: pages that are open are told when what they show has changed, and fetch it anew (server-sent events).

As the HTML standard has event streams. One thread looks for all of them, once a second, and only while somebody follows.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.guard import Refusal

_log = logging.getLogger(__name__)
# Where in a request's environment the application leaves what is to be followed.
FOLLOWED = "registry_docker_updater.followed"
_LOOK_SECONDS = 1.0
# Something now and then keeps those between us and a browser from ending what is silent, shows who is gone, and a page that we are not.
_BEAT_LOOKS = 15
CHANGED, BEAT = b"event: changed\ndata: \n\n", b"event: beat\ndata: \n\n"
# How new everything is that cannot be read: whoever has the page is to hear of that, too.
_UNREADABLE = "unreadable"
# Each keeps a connection of which there are few; a page that is not let in asks now and then instead. Nobody is to take all places.
_MOST, _MOST_EACH = 100, 50

K = TypeVar("K")


@dataclass(frozen=True)
class Following:
    """What is followed, the version of it that was seen, and ``by`` whom: their name, or the address that they come from."""

    topic: str
    version: str
    by: str


class Followers(Generic[K]):
    """Knows who follows what by its ``version``, and has them written to by ``write``. Safe for use by several threads."""

    def __init__(
        self, version: Callable[[str], str | None], write: Callable[[Sequence[K], bytes], None]
    ) -> None:
        """Begin with nobody; ``version`` returns another text whenever a topic has changed."""
        self._version, self._write = version, write
        self._changed = threading.Condition()
        self._following: dict[K, Following] = {}
        self._is_over = False

    def enter(self, who: K, following: Following) -> Refusal | None:
        """Tell ``who`` of changes from now on; where there is no room, return the status and the reason for which not."""
        with self._changed:
            if len(self._following) >= _MOST:
                return (
                    503,
                    f"{_MOST} pages follow what goes on, and no more can: fetch this page again now and then",
                )
            if sum(one.by == following.by for one in self._following.values()) >= _MOST_EACH:
                return (
                    429,
                    f"{_MOST_EACH} pages of {following.by} follow what goes on, and no more can: close some",
                )
            self._following[who] = following
            self._changed.notify()
            return None

    def leave(self, who: K) -> None:
        """Forget somebody."""
        with self._changed:
            self._following.pop(who, None)

    def end(self) -> None:
        """Have :meth:`watch` return."""
        with self._changed:
            self._is_over = True
            self._changed.notify()

    def watch(self) -> None:
        """Look what has changed, until the end."""
        looks = 0
        while self._waited():
            looks += 1
            with self._changed:
                following = dict(self._following)
            try:
                behind = self._behind(following)
            except Exception:  # a thread that ends would leave every page still
                _log.exception("a bug of the operator; pages are not told of a change")
                continue
            self._write(behind, CHANGED)
            if looks % _BEAT_LOOKS == 0:
                self._write([who for who in following if who not in behind], BEAT)

    def _waited(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._following or self._is_over)
            self._changed.wait_for(lambda: self._is_over, _LOOK_SECONDS)
            return not self._is_over

    def _behind(self, following: dict[K, Following]) -> list[K]:
        """Return who has not seen the newest of what they follow."""
        versions = {topic: self._newest(topic) for topic in {one.topic for one in following.values()}}
        behind = [who for who, one in following.items() if versions[one.topic] not in (None, one.version)]
        with self._changed:
            for who in behind:
                if who in self._following:
                    one = self._following[who]
                    self._following[who] = replace(one, version=versions[one.topic] or "")
        return behind

    def _newest(self, topic: str) -> str | None:
        try:
            return self._version(topic)
        except StoreUnavailable:
            return _UNREADABLE
