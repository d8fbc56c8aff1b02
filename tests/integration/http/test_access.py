"""Who may see what is known: tokens, a proxy that is trusted, the names under which the operator is asked."""

import ipaddress
import time

import pytest

from integration.http.conftest import PUSH, Listener
from registry_docker_updater.http.access import Access, AccessGuard, Proxy, Right, Token, Visitor
from unit.builders import NOON

TOKENS = (
    Token("a reader", "a-token-to-read", Right.READ),
    Token("an operator", "a-token-to-operate", Right.OPERATE),
)
PATHS = ("/api/events", "/api/ignored", "/api/rollouts", "/api/rollouts/1", "/api/fleet")


def status(listener: Listener, path: str = "/api/events", **headers: str) -> int:
    return listener.ask("GET", path, None, headers)[0]


def test_without_access_in_the_settings_everybody_may_read(either: Listener) -> None:
    assert {status(either, path) for path in PATHS} == {200, 404}


def test_with_tokens_nothing_is_shown_without_one(either: Listener) -> None:
    either.access.change(Access(TOKENS))
    for given in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "\xff"},
    ):
        assert {status(either, path, **given) for path in PATHS} == {401}
    for token in TOKENS:
        assert status(either, Authorization=f"Bearer {token.secret}") == 200
        assert status(either, Authorization=token.secret) == 200


def test_events_and_probes_need_no_token(either: Listener) -> None:
    either.access.change(Access(TOKENS, names=("updater.example.com",)))
    assert either.send(PUSH)[0] == 202
    assert either.ask("GET", "/healthz")[0] == 200
    assert either.ask("GET", "/readyz")[0] == 200


@pytest.mark.parametrize(("network", "seen"), [("127.0.0.0/8", 200), ("10.0.0.0/8", 401)])
def test_the_header_of_a_proxy_is_believed_from_its_networks_only(
    listener: Listener, network: str, seen: int
) -> None:
    listener.access.change(Access((), Proxy("X-Remote-User", (ipaddress.ip_network(network),))))
    assert status(listener, **{"X-Remote-User": "alice"}) == seen
    assert status(listener, **{"X-Remote-User": ""}) == 401
    assert status(listener) == 401


@pytest.mark.parametrize(
    ("host", "seen"),
    [
        ("updater.example.com", 200),
        ("UPDATER.example.com:8080", 200),
        ("[::1]:8080", 200),
        ("updater.example.com.evil.example", 421),
        ("127.0.0.1", 421),
        ("", 421),
    ],
)
def test_the_api_answers_to_its_names(listener: Listener, host: str, seen: int) -> None:
    listener.access.change(Access((), names=("updater.example.com", "::1")))
    assert status(listener, Host=host) == seen


def test_an_answer_tells_a_browser_to_do_nothing_with_it(either: Listener) -> None:
    for path in ("/api/events", "/nothing", "/healthz"):
        connection = either.connect()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Cache-Control") == "no-store"
        assert "default-src 'none'" in (answer.getheader("Content-Security-Policy") or "")
        connection.close()


def test_who_tries_secrets_waits_and_who_knows_one_does_not(listener: Listener) -> None:
    for _ in range(14):
        assert listener.ask("POST", "/events/production", PUSH, {"Authorization": "wrong"})[0] == 401
    begun = time.monotonic()
    assert listener.ask("POST", "/events/production", PUSH, {"Authorization": "wrong"})[0] == 401
    slow = time.monotonic() - begun
    begun = time.monotonic()
    assert listener.send(PUSH)[0] == 202
    assert slow > 0.3
    assert time.monotonic() - begun < slow


PROXY = Proxy("X-Remote-User", (ipaddress.ip_network("10.0.0.0/8"),), ("alice", "zoë"))


def asking(access: Access, address: str = "10.0.0.9", **headers: str) -> Visitor:
    """Who asks with these headers, whose bytes are UTF-8."""
    given = {name.replace("_", "-"): value.encode().decode("latin-1") for name, value in headers.items()}
    return access.visitor(given, address, NOON)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("alice", Right.OPERATE),
        ("zoë", Right.OPERATE),
        ("zoe", Right.READ),
        ("Alice", Right.READ),
        ("alice, alice", Right.READ),
        ("bob", Right.READ),
        ("x" * 200, Right.READ),
    ],
)
def test_whom_the_proxy_names_operates_only_if_the_settings_say_so(name: str, right: Right) -> None:
    assert asking(Access((), PROXY), x_remote_user=name) == Visitor(name, right, "10.0.0.9")


def test_a_name_in_other_bytes_is_not_that_of_an_operator() -> None:
    visitor = Access((), PROXY).visitor({"x-remote-user": "zo\xeb"}, "10.0.0.9", NOON)
    assert visitor == Visitor("zo\\xeb", Right.READ, "10.0.0.9")


def test_a_name_that_is_endless_or_comes_from_elsewhere_is_nobodys() -> None:
    nobody = Visitor(None, Right.NONE, "10.0.0.9")
    assert asking(Access((), PROXY), x_remote_user="x" * 201) == nobody
    assert asking(Access((), PROXY), "192.0.2.1", x_remote_user="alice").right is Right.NONE


def test_who_is_known_twice_is_who_may_do_most() -> None:
    access = Access(TOKENS, PROXY)
    assert (
        asking(access, authorization="Bearer a-token-to-operate", x_remote_user="bob").name == "an operator"
    )
    assert asking(access, authorization="Bearer a-token-to-read", x_remote_user="alice").name == "alice"


def test_the_trail_has_the_name_and_the_address_and_no_token() -> None:
    visitor = asking(Access(TOKENS), authorization="Bearer a-token-to-operate")
    assert (visitor.person.name, visitor.person.place) == ("an operator", "HTTP from 10.0.0.9")
    assert "a-token" not in repr(TOKENS)


@pytest.mark.parametrize(
    ("access", "given", "status", "said"),
    [
        (Access(), {}, 403, "nobody operates over HTTP where nobody is told apart"),
        (Access(TOKENS), {}, 401, "a token with the right to operate is needed"),
        (
            Access(TOKENS),
            {"authorization": "Bearer a-token-to-read"},
            403,
            "a reader may read, and not operate",
        ),
        (Access((), PROXY), {"x_remote_user": "bob"}, 403, "bob may read, and not operate"),
    ],
)
def test_who_may_not_operate_is_told_what_is_missing(
    access: Access, given: dict[str, str], status: int, said: str
) -> None:
    headers = {name.replace("_", "-"): value for name, value in given.items()}
    refused = AccessGuard(access).decide(headers, "10.0.0.9", Right.OPERATE)
    assert isinstance(refused, tuple)
    assert refused[0] == status
    assert refused[1].startswith(said)
