"""What can be asked over HTTP: paths, what can be given with them, and what they answer, as one table.

The application routes by it, and the OpenAPI description is made of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from bottle import HTTPResponse
from typing_extensions import TypedDict

from registry_docker_updater.http.access import Right
from registry_docker_updater.http.bodies import Body
from registry_docker_updater.http.head import API
from registry_docker_updater.http.query import Parameter

T = TypeVar("T")
# As what every endpoint that needs a right may refuse.
GUARDED: Mapping[int, str] = {
    401: "A token with the right is needed.",
    403: "Reading is allowed, and this is not.",
    421: "This is not a name of the operator.",
    503: "What is kept cannot be read now.",
}
# Where in a request's environment it is left which endpoint it is for.
ENDPOINT = "registry_docker_updater.endpoint"


class Page(TypedDict, Generic[T]):
    """Part of a listing; ``next`` is the address of the part after it, null where there is none."""

    items: list[T]
    next: str | None


class Status(TypedDict):
    """How it is."""

    status: str


class Counts(TypedDict):
    """What became of the events of a delivery."""

    accepted: int
    ignored: int
    duplicates: int
    unreadable: int


class Error(TypedDict):
    """What is wrong, where nothing more is said of it."""

    error: str


class Problem(TypedDict):
    """What is wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


@dataclass(frozen=True)
class Endpoint:
    """A path with its method, what answers it, and with which status and content; and as what it may be refused.

    It is answered to those who have the right that it ``needs``. Names in braces in ``path`` are given to ``answers``. What ``takes`` a
    body has what that is in words; of the ``body`` of who has the right, ``body_limit`` bytes are read, and given to ``answers`` as what was
    ``asked``. ``refuses`` makes the answer to who has not the right; without it, that is JSON. ``kinds`` are the media types of the answer.
    """

    method: str
    path: str
    summary: str
    answers: Callable[..., HTTPResponse | str]
    content: Any
    parameters: Sequence[Parameter] = ()
    status: int = 200
    takes: str | None = None
    refusals: Mapping[int, str] = field(default_factory=dict)
    needs: Right = Right.READ
    refuses: Callable[[int, str], HTTPResponse] | None = None
    body: type[Body] | None = None
    body_limit: int = 0
    kinds: Sequence[str] = ("application/json",)

    @property
    def is_strict(self) -> bool:
        """Whether it takes no query but what it knows, and says what is wrong as problem details."""
        return self.path.startswith(API)

    @property
    def is_conditional(self) -> bool:
        """Whether what it answers has an entity tag."""
        return self.is_strict and self.method == "GET"

    @property
    def rule(self) -> str:
        """The path as Bottle routes it."""
        rule = self.path
        for one in self.parameters:
            kind = {"integer": ":int", "path": ":path"}.get(
                one.schema.get("format") or one.schema["type"], ""
            )
            rule = rule.replace(f"{{{one.name}}}", f"<{one.name}{kind}>")
        return rule
