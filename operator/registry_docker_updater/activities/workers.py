"""The threads in which things are done beside the reconciler, and what wakes it."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from registry_docker_updater.errors import UpdaterError, WasStopped

_log = logging.getLogger(__name__)

Work = Callable[[], None]
Submit = Callable[[Work], None]


class Alarm:
    """Wakes whoever waits for news. Safe for use by several threads."""

    def __init__(self) -> None:
        """There is news to begin with: nobody has looked yet."""
        self._changed = threading.Condition()
        self._has_news, self.is_stopped = True, False

    def ring(self) -> None:
        """Tell of news."""
        with self._changed:
            self._has_news = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self.is_stopped = True
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait for news or the end, that many seconds at most; return whether there was either, and forget the news."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_news or self.is_stopped, max(seconds, 0.0))
            has_news, self._has_news = self._has_news, False
            return has_news or self.is_stopped

    def pause(self, seconds: float) -> None:
        """Wait that many seconds, whatever news there is, or until the end."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_stopped, seconds)


class Workers:
    """Threads that do what they are given, as many things at the same time as there are threads."""

    def __init__(self, count: int, done: Work) -> None:
        """Have ``count`` threads; call ``done`` whenever one has done something."""
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="run")
        self._done = done

    def submit(self, work: Work) -> None:
        """Have ``work`` done; what it logs is about what the caller's lines are about."""
        self._threads.submit(copy_context().run, do, work, self._done)

    def finish(self) -> None:
        """Wait until everything is done."""
        self._threads.shutdown(wait=True)


def do(work: Work, done: Work) -> None:
    """Do ``work``, log what goes wrong, and call ``done``."""
    try:
        work()
    except WasStopped as error:
        _log.info("%s", error)
    except UpdaterError as error:
        _log.error("%s", error)
    except Exception:  # a thread that ends silently would leave its work undone for ever
        _log.exception("a bug of the operator; what was begun is done again later")
    finally:
        done()
