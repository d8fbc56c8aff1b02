"""Bodies of requests that have something done: JSON objects of which every field is known."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from registry_docker_updater.core.reasons import LONGEST_REASON
from registry_docker_updater.core.silences import LONGEST
from registry_docker_updater.http.query import read_moment

# More is not taken of anybody.
LARGEST = 64 * 1024


class Unfit(ValueError):
    """A body that is not taken: the ``status`` to answer, and a sentence that says why."""

    def __init__(self, status: int, why: str) -> None:
        """Keep both."""
        super().__init__(why)
        self.status, self.why = status, why


class Body(BaseModel):
    """A JSON object in which nothing else stands, and nothing is taken for what it is not."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Keys = Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=100)]


class RetryAsked(Body):
    """A rollout is to run again, now."""

    force: bool = Field(
        False, description="Also on targets that refused the digest, or were left alone for another reason."
    )
    targets: Keys | None = Field(
        None, description="Of the targets that force is for, only those with these keys."
    )


class ApprovalAsked(Body):
    """The push of a rollout is to be approved."""

    targets: Keys | None = Field(
        None,
        description="Only for the targets with these keys; null: for all on which the person may decide.",
    )
    reason: str | None = Field(None, max_length=LONGEST_REASON, description="Why, for others.")


class RefusalAsked(ApprovalAsked):
    """The push of a rollout is to be refused."""

    reason: str = Field(
        max_length=1000,
        description="Why, for others.",
        json_schema_extra={"minLength": 1, "maxLength": LONGEST_REASON},
    )


class PushAsked(RetryAsked):
    """A push is to be recorded."""

    image: str = Field(
        min_length=1,
        max_length=1000,
        description="A name with its tag and digest, such as registry.example.com/test/app:1@sha256:….",
    )


def _moment(value: Any) -> Any:
    return read_moment(value if isinstance(value, str) else repr(value))


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]


class SilenceAsked(Body):
    """A trouble that is known is to be heard of no more for a while."""

    what: str = Field(
        min_length=1,
        max_length=1000,
        description="What `silence` of the command line takes, such as a host's name.",
    )
    until: Moment = Field(description=f"When that ends, in {LONGEST.days} days at the latest.")
    # Said of them here, so that programs know; who breaks them is told so in the words of the command line.
    reason: str = Field(
        max_length=1000,
        description="Why, for others.",
        json_schema_extra={"minLength": 1, "maxLength": LONGEST_REASON},
    )


class FreezeAsked(Body):
    """Nothing is to be updated of something, for a while."""

    what: str = Field(
        "everything",
        min_length=1,
        max_length=1000,
        description="What `freeze` of the command line takes, such as everything, or a group's name.",
    )
    until: Moment | None = Field(None, description="When that ends; null: when somebody ends it.")
    reason: str = Field(
        max_length=1000,
        description="Why, for others.",
        json_schema_extra={"minLength": 1, "maxLength": LONGEST_REASON},
    )


class EndAsked(Body):
    """Something is to end now."""


def read_body(content: bytes, headers: Mapping[str, str], model: type[Body]) -> Body:
    """Return what a body asks for, by the headers of its request; raises :class:`Unfit`.

    One that is empty asks for what is so where nothing is said.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and (content or kind):
        # A browser sends other types for any page, without asking whether it may.
        raise Unfit(415, f"the body is to be application/json, and not {kind or 'of no type'!r:.80}")
    try:
        return model.model_validate(_json(content) if content else {})
    except ValidationError as error:
        said = (f"{_place(one['loc'])}: {_said(one)}" for one in error.errors(include_url=False)[:5])
        raise Unfit(422, "; ".join(said)) from None


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode(), parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Unfit(400, f"the body is no JSON: {error}"[:200]) from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _place(where: tuple[int | str, ...]) -> str:
    return ascii(".".join(map(str, where)))[1:-1][:80] or "the body"


def _said(error: Mapping[str, Any]) -> str:
    words: Mapping[str, Callable[[], str]] = {
        "extra_forbidden": lambda: "is not known here",
        "missing": lambda: "is missing",
        "model_type": lambda: "is to be a JSON object",
    }
    return words.get(error["type"], lambda: str(error["msg"]))()
