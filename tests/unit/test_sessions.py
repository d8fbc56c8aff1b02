"""Who is logged in, and which requests are of our own pages."""

from datetime import datetime

import pytest

from registry_docker_updater.http.access import Access, Right, Token, Visitor
from registry_docker_updater.http.origin import is_ours
from registry_docker_updater.http.sessions import COOKIE, LASTS, cookie, is_proven, session_in, session_of
from unit.builders import NOON

ANN, BOB = Token("ann", "s3cret", Right.OPERATE), Token("bob", "other", Right.READ)


def visitor(session: str, *tokens: Token, now: datetime = NOON) -> Visitor:
    return Access(tokens).visitor({"cookie": f"{COOKIE}={session}"}, "192.0.2.7", now)


def test_a_session_is_of_the_token_that_it_began_with_until_it_expires() -> None:
    session = session_of(ANN.secret, NOON)
    assert visitor(session, BOB, ANN) == Visitor("ann", Right.OPERATE, "192.0.2.7", is_logged_in=True)
    assert visitor(session, BOB, ANN, now=NOON + LASTS).right is Right.NONE


def test_a_session_ends_with_its_token() -> None:
    session = session_of(ANN.secret, NOON)
    assert visitor(session, BOB).right is Right.NONE
    assert visitor(session, Token("ann", "a new one", Right.OPERATE)).right is Right.NONE


@pytest.mark.parametrize("session", ["", ".", "1.2", "9" * 30 + ".ab", "x.\N{SNOWMAN}", "-1.", "1e9.x"])
def test_what_we_did_not_sign_is_no_session(session: str) -> None:
    assert not is_proven(session, ANN.secret, NOON)


def test_a_session_cannot_be_prolonged() -> None:
    expires, _, signature = session_of(ANN.secret, NOON).partition(".")
    assert not is_proven(f"{int(expires) + 1000}.{signature}", ANN.secret, NOON)


def test_no_token_is_in_the_cookie_and_no_script_reads_it() -> None:
    said = cookie(session_of(ANN.secret, NOON), is_secure=True)
    assert ANN.secret not in said
    assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/"} <= set(said.split("; "))
    assert "Secure" not in cookie("x", is_secure=False)
    assert "Max-Age=0" in cookie("", is_secure=False)


def test_the_cookie_is_found_among_others() -> None:
    assert session_in({"cookie": f"a=b; {COOKIE}=1.2; c"}) == "1.2"
    assert not session_in({"cookie": f"x{COOKIE}=1.2"})
    assert not session_in({})


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://updater.example.com"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://updater.example.com"}, True),
        ({"origin": "https://UPDATER.example.com"}, True),
        ({"origin": "http://updater.example.com.evil.example.com"}, False),
        ({"origin": "http://updater.example.com:8080"}, False),
        ({"origin": "null"}, False),
        ({"origin": "http://[x"}, False),
        ({}, False),
    ],
)
def test_only_what_a_browser_says_is_ours_is(headers: dict[str, str], expected: bool) -> None:
    assert is_ours({"host": "updater.example.com", **headers}) is expected
