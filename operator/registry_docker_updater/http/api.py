"""The API: what is known, as JSON."""

from collections.abc import Callable
from dataclasses import dataclass

from bottle import HTTPResponse

from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.http.answers import answer, refusal
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import events, ignored
from registry_docker_updater.views.fleet import fleet
from registry_docker_updater.views.rollouts import rollout, rollouts

_LISTED = 200


@dataclass(frozen=True)
class Api:
    """Shows what is kept in ``storage``; ``not_ready`` says why the operator does not work, None where it does."""

    storage: Storage
    not_ready: Callable[[], str | None]

    def events(self) -> HTTPResponse:
        """Answer with the newest events."""
        return answer(200, events(self.storage, _LISTED))

    def ignored(self) -> HTTPResponse:
        """Answer with how many events were ignored, and why."""
        return answer(200, ignored(self.storage))

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
        """Answer whether the operator works, and can keep what it is sent."""
        why = self.not_ready()
        return answer(503 if why else 200, {"status": why or "ready"})
