"""The thread that asks one registry: when it works, what wakes it, and how it ends."""

import logging
import threading

from registry_docker_updater.activities.questions import LOOK_SECONDS, Questions
from registry_docker_updater.clock import Clock
from registry_docker_updater.core.schedules.registries import LastPoll
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.log_context import about

_log = logging.getLogger(__name__)
# In a storm of news, each look is to see much of it: how many times as long as one took the next waits, and how long at
# most.
_REST, _LONGEST_REST_SECONDS = 3, 0.05


class Poller:
    """Asks one registry, until it is stopped."""

    def __init__(self, questions: Questions, steady: Clock) -> None:
        """Ask ``questions``; waiting is measured by ``steady``."""
        self._questions, self._steady = questions, steady
        self._news = threading.Condition()
        self._is_stopping = self._is_lost = self._has_news = False

    def run(self) -> None:
        """Ask what is due, until told to stop."""
        with about(registry=self._questions.registry):
            self._run()

    def _run(self) -> None:
        while not self._is_stopping:
            begun = self._steady()
            try:
                seconds = self.step()
            except UpdaterError as error:
                _log.error("the sweep of registry %s: %s", self._questions.registry, error)
                seconds = LOOK_SECONDS
            except Exception:  # a thread that ends silently would never ask again
                _log.exception("a bug of the sweep of registry %s; it goes on", self._questions.registry)
                seconds = LOOK_SECONDS
            self._rest((self._steady() - begun).total_seconds(), seconds)

    def _rest(self, took: float, seconds: float) -> None:
        """Wait for news, ``seconds`` at most; and a little while after a look that ``took`` so long."""
        with self._news:
            rest = min(took * _REST, _LONGEST_REST_SECONDS, seconds)
            self._news.wait_for(lambda: self._is_stopping, rest)
            self._news.wait_for(
                lambda: self._is_stopping or self._is_lost or self._has_news,
                min(seconds - rest, LOOK_SECONDS),
            )
            self._has_news = False

    def stop(self) -> None:
        """Ask no more."""
        with self._news:
            self._is_stopping = True
            self._news.notify_all()

    def outage(self) -> None:
        """Ask for everything again."""
        with self._news:
            self._is_lost = True
            self._news.notify_all()

    def news(self) -> None:
        """Look at what was pushed at once."""
        with self._news:
            self._has_news = True
            self._news.notify_all()

    def fleet_changed(self) -> None:
        """Look at the fleet at once, where a push waits for somebody who runs it."""
        if self._questions.awaits_somebody:
            self.news()

    @property
    def last_poll(self) -> LastPoll:
        """When the registry was asked last, and why it cannot be."""
        return self._questions.last_poll

    def believe_events(self, *, believes: bool) -> None:
        """Believe what events say where the registry cannot be asked, or do not, from now on."""
        self._questions.believes_events = believes

    def step(self) -> float:
        """Ask for the tag that is due, if any is; return how many seconds later something will be."""
        with self._news:
            is_lost, self._is_lost = self._is_lost, False
        return self._questions.step(is_lost=is_lost)
