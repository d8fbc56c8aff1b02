"""What people ask for, by the API and on pages, is done once under a key of theirs, however often it is sent.

Whoever gets no answer does not know whether it was done, and asks again: it is answered as it was. That is kept in the transaction of what
was done, so that no crash comes between.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar

from bottle import request

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.http.answers import visitor_of_request
from registry_docker_updater.storage.answers import KEPT_FOR, KeptAnswer
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.approvals import ApprovalRow, ApprovalsRow, DecidedRow
from registry_docker_updater.views.freezes import FreezeRow
from registry_docker_updater.views.pushes import JudgedRow, PushRow
from registry_docker_updater.views.silences import SilenceRow

T = TypeVar("T")


class UsedOtherwise(Exception):
    """A key that was used for something else."""


class ByHand(Protocol):
    """Does what people ask for, each in one transaction, and tells what it would mean.

    Everything raises :class:`~registry_docker_updater.errors.UpdaterError`.
    """

    def plan(self, image: str) -> list[JudgedRow]:
        """Return what a push of an image would mean."""

    def if_pushed(self, image: str) -> list[JudgedRow]:
        """Return the same of an image that names a digest, as a push is to."""

    def if_retried(self, rollout: int) -> PushRow:
        """Return what it would mean to run a rollout again."""

    def if_silenced(self, what: str, until: datetime, reason: str) -> tuple[str, str]:
        """Return of what a silence would be, and how that is called."""

    def if_frozen(self, what: str, until: datetime | None, reason: str) -> tuple[str, str]:
        """Return of what a freeze would be, and how that is called."""

    def approvals(self, rollout: int) -> ApprovalsRow:
        """Return the approvals that a rollout needs."""

    def standings(self, rollout: int) -> list[ApprovalRow]:
        """Return where these stand."""

    def standing(self, number: int) -> PushRow:
        """Return how a push stands."""

    def within(self, kept: Storage) -> Self:
        """Return what does the same in a transaction that is open."""

    def push(
        self, image: str, who: Person, *, force: bool = False, only: Collection[str] | None = None
    ) -> PushRow:
        """Record a push."""

    def retry(
        self, rollout: int, who: Person, *, force: bool = False, only: Collection[str] | None = None
    ) -> PushRow:
        """Have a rollout run again now."""

    def silence(self, what: str, until: datetime, reason: str, who: Person) -> SilenceRow:
        """Silence something that is known to be in trouble."""

    def end_silence(self, number: int, who: Person) -> SilenceRow:
        """End a silence."""

    def freeze(self, what: str, until: datetime | None, reason: str, who: Person) -> FreezeRow:
        """Have nothing updated of something."""

    def thaw(self, number: int, who: Person) -> FreezeRow:
        """End a freeze."""

    def approve(
        self,
        rollout: int,
        who: Person,
        *,
        only: Collection[str] | None = None,
        reason: str | None = None,
        seen: str | None = None,
    ) -> DecidedRow:
        """Approve the push of a rollout."""

    def refuse(
        self,
        rollout: int,
        who: Person,
        reason: str,
        *,
        only: Collection[str] | None = None,
        seen: str | None = None,
    ) -> DecidedRow:
        """Refuse the push of a rollout."""


@dataclass(frozen=True)
class Once:
    """Has done ``by_hand`` what is asked for, each thing once, and calls ``wake`` then."""

    storage: Storage
    by_hand: ByHand
    wake: Callable[[], None]
    clock: Clock

    def answer(self, key: str | None, asked: Any, does: Callable[[ByHand, Person], T]) -> T:
        """Return what ``does`` returns for who makes the request at hand, or what it returned when they ``asked`` the same with this key.

        Both are content of JSON. Raises :class:`UsedOtherwise`, and what ``does`` raises: then nothing was done, and the key is free.
        """
        who, fingerprint, now = visitor_of_request().person, _fingerprint(asked), self.clock()
        with self.storage.transaction() as kept:
            before = kept.answers.find(who.name, key) if key else None
            if before and now - before.at < KEPT_FOR:
                if before.fingerprint != fingerprint:
                    raise UsedOtherwise
                again: T = json.loads(before.content)
                return again
            done = does(self.by_hand.within(kept), who)
            if key:
                kept.answers.keep(KeptAnswer(who.name, key, fingerprint, json.dumps(done), now))
        self.wake()
        return done


def _fingerprint(asked: Any) -> str:
    return hashlib.sha256(json.dumps([request.path, asked], sort_keys=True).encode()).hexdigest()
