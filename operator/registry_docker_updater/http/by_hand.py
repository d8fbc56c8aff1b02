"""What people have done over HTTP: pushes by hand, rollouts once more, approvals, silences and freezes; and what a push would mean.

Who gives an ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header) can ask again when no answer came.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bottle import HTTPResponse

from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.errors import NotAsked, NothingKnown, NotNow
from registry_docker_updater.http.access import Right
from registry_docker_updater.http.answers import answer, headers_of_request, refusal
from registry_docker_updater.http.bodies import (
    LARGEST,
    ApprovalAsked,
    Body,
    EndAsked,
    FreezeAsked,
    PushAsked,
    RefusalAsked,
    RetryAsked,
    SilenceAsked,
)
from registry_docker_updater.http.endpoints import GUARDED, Endpoint, Page
from registry_docker_updater.http.head import API
from registry_docker_updater.http.listings import ID, or_unknown
from registry_docker_updater.http.once import ByHand, Once, UsedOtherwise
from registry_docker_updater.http.query import Parameter
from registry_docker_updater.views.approvals import ApprovalsRow, DecidedRow
from registry_docker_updater.views.freezes import FreezeRow
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
_UNKNOWN = "There is no such thing."
_REFUSALS = {
    **GUARDED,
    400: "The body is no JSON, or the query or a header cannot be read.",
    404: _UNKNOWN,
    409: "It cannot be done as things stand.",
    413: "The body is larger than 64 KiB.",
    415: "The body is no application/json.",
    422: "A field is missing, is not known, or is not what can be meant; or the key was used for something else.",
}


@dataclass(frozen=True)
class Pushes:
    """Has done ``once`` what those ask for who may operate."""

    once: Once

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
            Endpoint(
                "GET",
                f"{API}rollouts/{{id}}/approvals",
                "The approvals that a rollout needs, and what its push means for each target",
                self.show_approvals,
                ApprovalsRow,
                (ID,),
                refusals={**GUARDED, **unread, 404: _UNKNOWN, 409: _REFUSALS[409]},
            ),
            _write(
                "rollouts/{id}/approve",
                "Approve the push of a rollout",
                self.approve,
                DecidedRow,
                202,
                ApprovalAsked,
                ID,
            ),
            _write(
                "rollouts/{id}/refuse",
                "Refuse the push of a rollout",
                self.refuse,
                DecidedRow,
                202,
                RefusalAsked,
                ID,
            ),
            _write("freezes", "Have nothing updated of something", self.freeze, FreezeRow, 201, FreezeAsked),
            _write("freezes/{id}/end", "End a freeze", self.thaw, FreezeRow, 202, EndAsked, ID),
        )

    def show_plan(self, image: str) -> HTTPResponse:
        """Answer with what a push would mean."""
        try:
            return answer(200, {"items": self.once.by_hand.plan(image), "next": None})
        except NotAsked as error:
            return refusal(404, str(error))

    def show(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with a push, and how it stands."""
        return or_unknown(lambda: self.once.by_hand.standing(id))

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

    def show_approvals(self, id: int) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Answer with the approvals that a rollout needs."""
        try:
            return or_unknown(lambda: self.once.by_hand.approvals(id))
        except NotNow as error:
            return refusal(409, str(error))

    def approve(self, id: int, asked: ApprovalAsked) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Approve the push of a rollout, and answer with how its approvals stand."""

        def does(by_hand: ByHand, who: Person) -> DecidedRow:
            return by_hand.approve(id, who, only=asked.targets, reason=asked.reason)

        return self._once(asked, HTTPStatus.ACCEPTED, does)

    def refuse(self, id: int, asked: RefusalAsked) -> HTTPResponse:  # noqa: A002 - as the path has it
        """Refuse the push of a rollout, and answer with how its approvals stand."""

        def does(by_hand: ByHand, who: Person) -> DecidedRow:
            return by_hand.refuse(id, who, asked.reason, only=asked.targets)

        return self._once(asked, HTTPStatus.ACCEPTED, does)

    def freeze(self, asked: FreezeAsked) -> HTTPResponse:
        """Freeze something, and answer with the freeze."""

        def does(by_hand: ByHand, who: Person) -> FreezeRow:
            return by_hand.freeze(asked.what, asked.until, asked.reason, who)

        return self._once(asked, HTTPStatus.CREATED, does)

    def thaw(self, id: int, asked: EndAsked) -> HTTPResponse:  # noqa: A002 - as the path has it
        """End a freeze, and answer with it."""

        def does(by_hand: ByHand, who: Person) -> FreezeRow:
            return by_hand.thaw(id, who)

        return self._once(asked, HTTPStatus.ACCEPTED, does)

    def _once(
        self,
        asked: Body,
        status: HTTPStatus,
        does: Callable[[ByHand, Person], PushRow | SilenceRow | FreezeRow | DecidedRow],
    ) -> HTTPResponse:
        given = headers_of_request().get("idempotency-key")
        if given is not None and not _KEY.fullmatch(given):
            return refusal(400, "Idempotency-Key is to be 1 to 255 printable characters of ASCII")
        key = given and given.strip('"')
        try:
            row = self.once.answer(key, asked.model_dump(mode="json"), does)
        except UsedOtherwise:
            return refusal(
                422, "Idempotency-Key: it was used for something else; each thing needs one of its own"
            )
        except NothingKnown as error:
            return refusal(404, str(error))
        except NotNow as error:
            return refusal(409, str(error))
        except NotAsked as error:
            return refusal(422, f"{error.part}: {error}")
        done = answer(status, row)
        done.set_header("Location", API + _where(status, row))
        return done


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


def _where(status: int, row: Mapping[str, Any]) -> str:
    if "subject" in row:
        return f"silences/{row['id']}"
    if "decided" in row:
        return f"rollouts/{row['rollout']}"
    if "scope" in row:
        return f"freezes/{row['id']}"
    is_of_rollout = status == HTTPStatus.ACCEPTED and row["rollout"]
    return f"rollouts/{row['rollout']['id']}" if is_of_rollout else f"pushes/{row['push']}"
