"""The API: what is known, as JSON."""

from collections.abc import Callable
from dataclasses import dataclass

from bottle import HTTPResponse

from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.http.answers import answer, refusal
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import events
from registry_docker_updater.views.fleet import fleet
from registry_docker_updater.views.rollouts import rollout, rollouts

_LISTED = 200


@dataclass(frozen=True)
class Api:
    """Shows what is kept in ``storage``; ``is_ready`` tells whether the operator works."""

    storage: Storage
    is_ready: Callable[[], bool]

    def events(self) -> HTTPResponse:
        """Answer with the newest events."""
        return answer(200, events(self.storage, _LISTED))

    def rollouts(self) -> HTTPResponse:
        """Answer with the newest rollouts."""
        return answer(200, rollouts(self.storage, _LISTED))

    def rollout(self, number: int) -> HTTPResponse:
        """Answer with one rollout and every target of it."""
        try:
            return answer(200, rollout(self.storage, number))
        except NothingKnown as error:
            return refusal(404, str(error))

    def fleet(self) -> HTTPResponse:
        """Answer with hosts and targets."""
        return answer(200, fleet(self.storage.fleet.load()))

    def alive(self) -> HTTPResponse:
        """Answer that the process answers."""
        return answer(200, {"status": "alive"})

    def ready(self) -> HTTPResponse:
        """Answer whether the operator works."""
        ready = self.is_ready()
        return answer(200 if ready else 503, {"status": "ready" if ready else "starting or stopping"})
