"""Who may see what is known: tokens, a proxy that is trusted, the names under which the operator is asked."""

import ipaddress
import time

import pytest

from integration.http.conftest import PUSH, Listener
from registry_docker_updater.http.access import Access, Proxy, Right

TOKENS = {"a-token-to-read": Right.READ, "a-token-to-operate": Right.OPERATE}
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
        assert status(either, Authorization=f"Bearer {token}") == 200
        assert status(either, Authorization=token) == 200


def test_events_and_probes_need_no_token(either: Listener) -> None:
    either.access.change(Access(TOKENS, names=("updater.example.com",)))
    assert either.send(PUSH)[0] == 202
    assert either.ask("GET", "/healthz")[0] == 200
    assert either.ask("GET", "/readyz")[0] == 200


@pytest.mark.parametrize(("network", "seen"), [("127.0.0.0/8", 200), ("10.0.0.0/8", 401)])
def test_the_header_of_a_proxy_is_believed_from_its_networks_only(
    listener: Listener, network: str, seen: int
) -> None:
    listener.access.change(Access({}, Proxy("X-Remote-User", (ipaddress.ip_network(network),))))
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
    listener.access.change(Access({}, names=("updater.example.com", "::1")))
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
