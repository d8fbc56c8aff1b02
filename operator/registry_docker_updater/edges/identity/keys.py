"""Public keys that others publish: fetched beside what goes on, for nobody who waits at the door is kept waiting, and kept."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from registry_docker_updater.clock import Clock
from registry_docker_updater.edges.web import NoReply, Web
from registry_docker_updater.errors import NotKnownYet

_log = logging.getLogger(__name__)
# Keys are fetched again after this time, and may be used until then, and while they cannot be.
_GOOD_FOR = timedelta(hours=6)
# How long an address is left alone whose keys were fetched, or could not be.
_PAUSE = timedelta(seconds=30)
# Whoever may name an address must not fill the memory with them.
_MOST = 16


@dataclass(frozen=True)
class _Fetched:
    """The keys of one address by their names, when somebody asked for them last, and what was wrong then."""

    at: datetime
    keys: Mapping[str, Any]
    trouble: str | None = None


class Keys:
    """The keys that are published at some addresses. Safe for use by several threads."""

    def __init__(self, web: Web, read: Callable[[bytes], Mapping[str, Any]], steady: Clock) -> None:
        """Fetch them by ``web``; ``read`` returns those in an answer by their names, or raises :class:`ValueError`."""
        self._web, self._read, self._steady = web, read, steady
        self._fetched: dict[str, _Fetched] = {}
        self._lock, self._web_lock = threading.Lock(), threading.Lock()
        self._fetching: set[str] = set()

    def key(self, url: str, name: str) -> Any | None:
        """Return a key that is published at ``url``; None where there is none of that name.

        Raises :class:`NotKnownYet` while it is being fetched, or cannot be.
        """
        with self._lock:
            known, now = self._fetched.get(url), self._steady()
            is_there = known is not None and name in known.keys
            if known is None or now - known.at >= (_GOOD_FOR if is_there and not known.trouble else _PAUSE):
                self._begin(url)
        if known and is_there:
            return known.keys[name]
        if known and not known.trouble and now - known.at < _PAUSE:
            return None
        raise NotKnownYet((known and known.trouble) or "its key is being fetched")

    def _begin(self, url: str) -> None:
        if url in self._fetching or len(self._fetching) >= _MOST:
            return
        fetching = threading.Thread(target=self._fetch, args=(url,), name="keys", daemon=True)
        fetching.start()
        self._fetching.add(url)

    def _fetch(self, url: str) -> None:
        trouble: str | None = "its key cannot be fetched"
        keys: dict[str, Any] = {}
        try:
            with self._web_lock:
                reply = self._web.ask("GET", url, {"User-Agent": "registry-docker-updater"})
            if reply.status != 200:
                raise ValueError(f"it answers {reply.status}")  # noqa: TRY301
            keys, trouble = dict(self._read(reply.body)), None
        except (NoReply, ValueError) as error:
            trouble = f"its key cannot be fetched at {url}: {error}"
            _log.warning("%s", trouble)
        finally:
            self._keep(url, keys, trouble)

    def _keep(self, url: str, keys: Mapping[str, Any], trouble: str | None) -> None:
        with self._lock:
            before = self._fetched.pop(url, None)
            if trouble and before:
                keys = before.keys
            self._fetched[url] = _Fetched(self._steady(), keys, trouble)
            while len(self._fetched) > _MOST:
                # Those that are of no use go first.
                of_no_use = (known for known, one in self._fetched.items() if not one.keys)
                del self._fetched[next(of_no_use, next(iter(self._fetched)))]
            self._fetching.discard(url)
