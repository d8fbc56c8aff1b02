"""What can be given in a query, and what entity tags a header names."""

from datetime import UTC, datetime

import pytest

from registry_docker_updater.http.conditional import is_listed
from registry_docker_updater.http.query import BadQuery, moment, number, read_query, text, yes_or_no

PARAMETERS = (
    moment("since", "From when."),
    yes_or_no("waits", "Whether it waits."),
    text("kind", "What it is.", "push", "other"),
    text("text", "What is in it."),
    number("limit", "How many.", 1, 10),
)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-11-22T12:00:00Z", NOON),
        ("2026-11-22t12:00:00z", NOON),
        ("2026-11-22%2012:00:00Z", NOON),
        ("2026-11-22T13:30:00%2B01:30", NOON),
        ("2026-11-22T12:00:00.5-00:00", NOON.replace(microsecond=500_000)),
        ("2026-11-22T12:00:00.123456789Z", NOON.replace(microsecond=123_456)),
        ("2026-11-22T11:59:60Z", NOON.replace(hour=11, minute=59, second=59)),
        ("0001-01-01T00:00:00%2B01:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59-01:00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_time_is_one_of_rfc_3339(given: str, meant: datetime) -> None:
    assert read_query(f"since={given}", PARAMETERS) == {"since": meant}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("since=2026-11-22", "since is to be a time with its zone, such as 2026-11-22T12:00:00Z"),
        ("since=2026-11-22T12:00:00", "since is to be a time with its zone"),
        ("since=2026-11-22T12:00:00+01:00", "since is to be a time with its zone"),
        ("since=2026-13-22T12:00:00Z", "since is to be a time with its zone"),
        ("since=2026-11-22T12:00:61Z", "since is to be a time with its zone"),
        ("since=0000-01-01T00:00:00Z", "since is to be a time with its zone"),
        ("since=", "since is empty"),
        ("waits=yes", "waits is to be true or false, and not 'yes'"),
        ("waits=", "waits is to be true or false, and not ''"),
        ("kind=nonsense", "kind is to be one of push, other, and not 'nonsense'"),
        ("text=", "text is empty"),
        ("limit=11", "limit is to be a whole number from 1 to 10, and not '11'"),
    ],
)
def test_what_cannot_be_read_is_named_with_what_can(query: str, said: str) -> None:
    with pytest.raises(BadQuery) as wrong:
        read_query(query, PARAMETERS)
    assert str(wrong.value).startswith(said)


def test_what_is_given_is_read_by_its_kind() -> None:
    query = "waits=false&kind=other&text=%C3%A4%26&limit=7"
    assert read_query(query, PARAMETERS) == {"waits": False, "kind": "other", "text": "ä&", "limit": 7}


@pytest.mark.parametrize(
    ("header", "is_there"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", W/"a"', True),
        ('"b" ,\t"a",', True),
        (', "a"', True),
        ("*", True),
        (" * ", True),
        ("", False),
        ("a", False),
        ('"b"', False),
        ('"a" "b"', False),
        ('"a", b', False),
        ('w/"a"', False),
        ('"ba"', False),
    ],
)
def test_entity_tags_are_compared_weakly_and_what_names_none_is_of_nothing(
    header: str, *, is_there: bool
) -> None:
    assert is_listed("a", header) is is_there


def test_a_header_of_many_tags_takes_no_time() -> None:
    assert not is_listed("a", '"' + '", "'.join("b" * 8000) + '" x')
    assert not is_listed("a", ", " * 8000 + "x")
    assert not is_listed("a", '"a' + ", ," * 8000 + "x")
