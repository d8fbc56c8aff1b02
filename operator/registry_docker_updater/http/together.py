"""Deliveries that came at the same time are committed together: a commit waits for the disk, however much is in it.

The application reads each, and says what is to be kept and how it is answered then. While one commit goes on, the next
deliveries come together by themselves. Nobody is told that something is kept before it is.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.head import Answer
from registry_docker_updater.http.reader import Request
from registry_docker_updater.http.wsgi import Application, call
from registry_docker_updater.storage.arrivals import Arrived, Recorded

_log = logging.getLogger(__name__)
# Where in a request's environment the application leaves what is to be kept.
TO_KEEP = "registry_docker_updater.to_keep"


@dataclass(frozen=True)
class ToKeep:
    """What a delivery held, and how it is answered: once that is committed, or when it could not be."""

    arrived: Arrived
    kept: Callable[[Recorded], Answer]
    not_kept: Callable[[StoreUnavailable], Answer]


@dataclass(frozen=True)
class Together:
    """Has ``application`` read deliveries, and keeps what they held by ``keep``: several in one transaction."""

    application: Application
    keep: Callable[[Sequence[Arrived]], Sequence[Recorded]]

    def answers(self, requests: Sequence[Request]) -> list[Answer]:
        """Return the answer to each of several deliveries, once what they held is committed."""
        answers: list[Answer] = []
        to_keep: list[tuple[int, ToKeep]] = []
        for number, request in enumerate(requests):
            left: list[ToKeep] = []
            answers.append(call(self.application, request.head, bytes(request.body), {TO_KEEP: left}))
            to_keep += [(number, one) for one in left]
        for (number, _), answer in zip(to_keep, self._kept([one for _, one in to_keep]), strict=True):
            answers[number] = answer
        return answers

    def _kept(self, to_keep: Sequence[ToKeep]) -> list[Answer]:
        if not to_keep:
            return []
        try:
            recorded = self.keep([one.arrived for one in to_keep])
        except StoreUnavailable as error:
            return [one.not_kept(error) for one in to_keep]
        except Exception:  # what one of them holds must not keep the others out
            if len(to_keep) > 1:
                return [answer for one in to_keep for answer in self._kept([one])]
            _log.exception("cannot keep a delivery of %s", to_keep[0].arrived.registry)
            return [Answer.of_refusal(500, "internal error")]
        return [one.kept(each) for one, each in zip(to_keep, recorded, strict=True)]
