"""What can be asked over HTTP: paths, what can be given with them, and what they answer, as one table.

The application routes by it, and the OpenAPI description is made of it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from bottle import HTTPResponse
from typing_extensions import TypedDict

from registry_docker_updater.http.access import Right

T = TypeVar("T")
API = "/api/v1/"
# Where in a request's environment it is left which endpoint it is for.
ENDPOINT = "registry_docker_updater.endpoint"
DEFAULT_LIMIT, MOST = 100, 1000


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
class Parameter:
    """What can be given with a request: in its path, or in its query, and there it need not be; its schema is JSON Schema."""

    name: str
    schema: Mapping[str, Any]
    description: str
    is_in_path: bool = False


class BadQuery(ValueError):
    """A query that cannot be read; the message says what is wrong with it."""


@dataclass(frozen=True)
class Endpoint:
    """A path with its method, what answers it, and with which status and content; and as what it may be refused.

    It is answered to those who have the right that it ``needs``. Names in braces in ``path`` are given to ``answers``. What ``takes`` a body has what that is in words.
    ``refuses`` makes the answer to who has not the right; without it, that is JSON. ``kinds`` are the media types of
    the answer.
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
    kinds: Sequence[str] = ("application/json",)

    @property
    def is_strict(self) -> bool:
        """Whether it takes no query but what it knows, and says what is wrong as problem details."""
        return self.path.startswith(API)

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


LIMIT = Parameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
    "How many items a page has at most.",
)
BEFORE = Parameter(
    "before",
    {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    "Only items that are older than the one with this id.",
)
AFTER_NUMBER = Parameter(
    "after",
    {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
    "Only items that come after the one with this number.",
)
AFTER = Parameter(
    "after", {"type": "string", "minLength": 1}, "Only items whose name or key comes after this one."
)


def read_query(text: str, parameters: Sequence[Parameter]) -> dict[str, int | str]:
    """Return what a query gives, by its names, which are to be those of ``parameters``; raises :class:`BadQuery`."""
    known = {one.name: one for one in parameters if not one.is_in_path}
    given: dict[str, int | str] = {}
    try:
        fields = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError:
        raise BadQuery("the query is not name=value, joined by &, in UTF-8") from None
    for name, value in fields:
        if name not in known:
            raise BadQuery(f"{name!r:.50} is not known here; known are: {', '.join(known) or 'none'}")
        if name in given:
            raise BadQuery(f"{name} is given twice")
        given[name] = _read(known[name], value)
    return given


def _read(one: Parameter, value: str) -> int | str:
    if one.schema["type"] == "string":
        if not value:
            raise BadQuery(f"{one.name} is empty")
        return value
    lowest, highest = one.schema["minimum"], one.schema["maximum"]
    if not re.fullmatch(r"[0-9]{1,19}", value) or not lowest <= int(value) <= highest:
        raise BadQuery(
            f"{one.name} is to be a whole number from {lowest} to {highest}, and not {value!r:.50}"
        )
    return int(value)
