"""What of a list is asked for: filters, an order and a page, as they stand in its address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

T = TypeVar("T")
# No page of ours has a form with as many.
_MOST_FIELDS = 50
# How many rows a page has.
ROWS = 100


@dataclass(frozen=True)
class Asked:
    """The query of a list at ``path``: what is ``given`` in it.

    An address that was sent to somebody is still of use when a part of it is not: that is left out, and said so.
    """

    path: str
    given: Mapping[str, str]

    @classmethod
    def of(cls, path: str, query: str) -> "Asked":
        """Return what a query gives; fields of a form that were left empty are none."""
        return cls(path, {name: value.strip() for name, value in fields(query).items() if value.strip()})

    def text(self, name: str) -> str | None:
        """Return what is given by a name."""
        return self.given.get(name)

    def one_of(self, name: str, known: Sequence[str], otherwise: str | None = None) -> str | None:
        """Return what is given by a name, where it is one of those that are ``known``."""
        value = self.given.get(name)
        return value if value in known else otherwise

    def number(self, name: str, otherwise: int | None = None) -> int | None:
        """Return a whole number above 0."""
        value = self.given.get(name, "")
        is_number = value.isascii() and value.isdecimal() and 0 < len(value) < 19
        return int(value) if is_number and int(value) else otherwise

    def moment(self, name: str) -> datetime | None:
        """Return a moment, in UTC where it has no zone."""
        try:
            at = datetime.fromisoformat(self.given.get(name, ""))
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return None

    def unread(self, understood: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names under which something is given that is not among what was ``understood``."""
        return tuple(name for name in self.given if understood.get(name) is None)

    def href(self, **changes: Any) -> str:
        """Return the address of the same with these changes; what is None is left out."""
        query = {**self.given, **changes}
        kept = urlencode({name: value for name, value in query.items() if value is not None})
        return f"{self.path}?{kept}" if kept else self.path


def fields(text: str) -> dict[str, str]:
    """Return the fields of a form, as a query or a body gives them; none where there are more than any form of ours has."""
    try:
        return dict(parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


@dataclass(frozen=True)
class Pager:
    """Where the rows of a page are among ``count``, and the addresses of what is before and after it."""

    first: int
    last: int
    count: int
    previous: str | None
    following: str | None


def paged(asked: Asked, items: Sequence[T]) -> tuple[Sequence[T], Pager]:
    """Return the items of the page that is asked for; one beyond the last is the last."""
    last_page = max(1, -(-len(items) // ROWS))
    page = min(asked.number("page", 1) or 1, last_page)
    begin = (page - 1) * ROWS
    shown = items[begin : begin + ROWS]
    return shown, Pager(
        first=begin + 1 if shown else 0,
        last=begin + len(shown),
        count=len(items),
        previous=asked.href(page=page - 1) if page > 1 else None,
        following=asked.href(page=page + 1) if page < last_page else None,
    )


@dataclass(frozen=True)
class Older:
    """The addresses of the newest rows and of those that are older than the ones of a page, where there are any."""

    newest: str | None
    older: str | None


def older(asked: Asked, rows: Sequence[T], key: str) -> tuple[Sequence[T], Older]:
    """Return the rows of a page, of which there is one more where there are older ones; they have their numbers as ``key``."""
    shown = rows[:ROWS]
    return shown, older_than(asked, shown[-1][key] if len(rows) > ROWS else None)  # type: ignore[index]


def older_than(asked: Asked, number: int | None) -> Older:
    """Return where a page leads, with what is before the row with a number, where there may be any."""
    return Older(
        asked.href(before=None) if "before" in asked.given else None,
        asked.href(before=number) if number else None,
    )
