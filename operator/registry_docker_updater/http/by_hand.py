"""What people have done over HTTP: pushes by hand, rollouts once more, and silences; and what a push would mean.

Who gives an ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header) can ask again when no answer came: what was done once is not done
twice, and is answered as it was. That is kept in the transaction of what was done, so that no crash comes between.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol, Self

from bottle import HTTPResponse, request

from registry_docker_updater.clock import Clock
from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.errors import NotAsked, NothingKnown, NotNow
from registry_docker_updater.http.access import Right
from registry_docker_updater.http.answers import answer, headers_of_request, refusal, visitor_of_request
from registry_docker_updater.http.bodies import (
    LARGEST,
    Body,
    EndAsked,
    PushAsked,
    RetryAsked,
    SilenceAsked,
)
from registry_docker_updater.http.endpoints import GUARDED, Endpoint, Page
from registry_docker_updater.http.head import API
from registry_docker_updater.http.listings import ID, or_unknown
from registry_docker_updater.http.query import Parameter
from registry_docker_updater.storage.answers import KEPT_FOR, KeptAnswer
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.pushes import JudgedRow, PushRow
from registry_docker_updater.views.silences import SilenceRow

_KEY = re.compile(r'[!#-~]{1,255}|"[ !#-~]{1,255}"')
_IDEMPOTENCY = Parameter(
    "Idempotency-Key",
    {"type": "string", "pattern": f"^({_KEY.pattern})$"},
    "A text of the client's own, such as a UUID, new for each thing that is asked for: asked again with it within a day, nothing is"
    " done twice.",
    "header",
)
_IMAGE = Parameter(
    "image",
    {"type": "string", "minLength": 1},
    "A name with its tag, such as registry.example.com/test/app:1, and a digest where it is to be another than all run.",
    is_required=True,
)
_REFUSALS = {
    **GUARDED,
    400: "The body is no JSON, or the query or a header cannot be read.",
    404: "There is no such thing.",
    409: "It cannot be done as things stand.",
    413: "The body is larger than 64 KiB.",
    415: "The body is no application/json.",
    422: "A field is missing, is not known, or is not what can be meant; or the key was used for something else.",
}


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


@dataclass(frozen=True)
class Pushes:
    """Has done ``by_hand`` what those ask for who may operate, and calls ``wake`` then."""

    storage: Storage
    by_hand: ByHand
    wake: Callable[[], None]
    clock: Clock

    def endpoints(self) -> Sequence[Endpoint]:
        """Return all that it answers."""
        unread = {400: "The query cannot be read."}
        return (
            Endpoint(
                "GET",
                f"{API}plan",
                "What a push would mean for each target that runs its name; nothing is changed",
                self.show_plan,
                Page[JudgedRow],
                (_IMAGE,),
                refusals={**GUARDED, **unread, 404: "No push is called so."},
            ),
            Endpoint(
                "GET",
                f"{API}pushes/{{id}}",
                "A push, what it means for each target, and its rollout",
                self.show,
                PushRow,
                (ID,),
                refusals={**GUARDED, **unread, 404: "There is none with this number."},
            ),
            _write("pushes", "Record a push by hand", self.push, PushRow, 201, PushAsked),
            _write(
                "rollouts/{id}/retry",
                "Have a rollout run again, now",
                self.retry,
                PushRow,
                202,
                RetryAsked,
                ID,
            ),
            _write(
                "silences", "Silence a trouble that is known", self.silence, SilenceRow, 201, SilenceAsked
            ),
            _write("silences/{id}/end", "End a silence", self.end_silence, SilenceRow, 202, EndAsked, ID),
        )

    def show_plan(self, image: str) -> HTTPResponse:
        """Answer with what a push would mean."""
        try:
            return answer(200, {"items": self.by_hand.plan(image), "next": None})
        except NotAsked as error:
            return refusal(404, str(error))

    def show(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with a push, and how it stands."""
        return or_unknown(lambda: self.by_hand.standing(id))

    def push(self, asked: PushAsked) -> HTTPResponse:
        """Record a push, and answer with it."""

        def does(by_hand: ByHand, who: Person) -> PushRow:
            return by_hand.push(asked.image, who, force=asked.force, only=asked.targets)

        return self._once(asked, HTTPStatus.CREATED, does)

    def retry(self, id: int, asked: RetryAsked) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Have a rollout run again, and answer with its push."""

        def does(by_hand: ByHand, who: Person) -> PushRow:
            return by_hand.retry(id, who, force=asked.force, only=asked.targets)

        return self._once(asked, HTTPStatus.ACCEPTED, does)

    def silence(self, asked: SilenceAsked) -> HTTPResponse:
        """Silence something, and answer with the silence."""

        def does(by_hand: ByHand, who: Person) -> SilenceRow:
            return by_hand.silence(asked.what, asked.until, asked.reason, who)

        return self._once(asked, HTTPStatus.CREATED, does)

    def end_silence(self, id: int, asked: EndAsked) -> HTTPResponse:  # noqa: A002 - as the path has it
        """End a silence, and answer with it."""

        def does(by_hand: ByHand, who: Person) -> SilenceRow:
            return by_hand.end_silence(id, who)

        return self._once(asked, HTTPStatus.ACCEPTED, does)

    def _once(
        self, asked: Body, status: HTTPStatus, does: Callable[[ByHand, Person], PushRow | SilenceRow]
    ) -> HTTPResponse:
        given = headers_of_request().get("idempotency-key")
        if given is not None and not _KEY.fullmatch(given):
            return refusal(400, "Idempotency-Key is to be 1 to 255 printable characters of ASCII")
        key = given and given.strip('"')
        who, fingerprint, now = visitor_of_request().person, _fingerprint(asked), self.clock()
        try:
            with self.storage.transaction() as kept:
                before = kept.answers.find(who.name, key) if key else None
                if before and now - before.at < KEPT_FOR:
                    return _again(before, fingerprint)
                row = does(self.by_hand.within(kept), who)
                if key:
                    content = json.dumps(row)
                    kept.answers.keep(KeptAnswer(who.name, key, fingerprint, status, content, now))
        except NothingKnown as error:
            return refusal(404, str(error))
        except NotNow as error:
            return refusal(409, str(error))
        except NotAsked as error:
            return refusal(422, f"{error.part}: {error}")
        self.wake()
        return _done(status, row)


def _write(  # noqa: PLR0913, PLR0917 - a row of the table
    path: str,
    summary: str,
    answers: Callable[..., HTTPResponse],
    content: Any,
    status: int,
    body: type[Body],
    *parameters: Parameter,
) -> Endpoint:
    return Endpoint(
        "POST",
        API + path,
        summary,
        answers,
        content,
        (*parameters, _IDEMPOTENCY),
        status=status,
        takes="What is asked for.",
        refusals=_REFUSALS,
        needs=Right.OPERATE,
        body=body,
        body_limit=LARGEST,
    )


def _fingerprint(asked: Body) -> str:
    content = json.dumps(asked.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(f"{request.environ['PATH_INFO']}\n{content}".encode()).hexdigest()


def _again(before: KeptAnswer, fingerprint: str) -> HTTPResponse:
    if before.fingerprint != fingerprint:
        return refusal(
            422, "Idempotency-Key: it was used for something else; each thing needs one of its own"
        )
    return _done(before.status, json.loads(before.content))


def _done(status: int, row: Mapping[str, Any]) -> HTTPResponse:
    done = answer(status, row)
    done.set_header("Location", API + _where(status, row))
    return done


def _where(status: int, row: Mapping[str, Any]) -> str:
    if "subject" in row:
        return f"silences/{row['id']}"
    is_of_rollout = status == HTTPStatus.ACCEPTED and row["rollout"]
    return f"rollouts/{row['rollout']['id']}" if is_of_rollout else f"pushes/{row['push']}"
