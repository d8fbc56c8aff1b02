"""The module that posts to webhooks: what a peer does, the run goes on, and nobody sees where to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.answers import Answer
from ansible_collections.registry.docker_updater.plugins.modules.notification_post import send

from integration.receivers import Webhook, certificate, free_port, webhook

TOKEN = "T0SECRET0TOKEN"


def options(url: str, **more: Any) -> dict[str, Any]:
    return {
        "url": url,
        "body": '{"text": "hello"}',
        "headers": {},
        "answer": "any",
        "secret": None,
        "message_id": None,
        "content_type": "application/json; charset=utf-8",
        "timeout": 10,
        **more,
    }


@pytest.fixture
def peer() -> Iterator[Webhook]:
    with webhook(f"/services/{TOKEN}") as receiver:
        yield receiver


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def test_a_message_is_posted_as_it_is_given_with_its_media_type_and_headers(peer: Webhook) -> None:
    said = send(
        options(
            peer.url, headers={"Authorization": "Bearer x"}, body=' {"text": "hellö"}\n', content_type="a/b"
        )
    )

    assert said == Answer(sent=True)
    assert peer.bodies == ['{"text": "hellö"}'.encode()]
    assert peer.paths == [f"/services/{TOKEN}"]
    (headers,) = peer.headers
    assert (headers["Content-Type"], headers["Authorization"]) == ("a/b", "Bearer x")
    assert headers["User-Agent"] == "registry-docker-updater"


def test_what_json_is_made_of_is_posted_as_json(peer: Webhook) -> None:
    assert send(options(peer.url, body={"text": ["hello", None, True]})).sent
    assert peer.messages == [{"text": ["hello", None, True]}]


@pytest.mark.parametrize(
    ("answer", "status", "text", "reason"),
    [
        ("slack", 200, "invalid_blocks", "HTTP 200, but the answer is an error (invalid_blocks)"),
        ("slack", 404, "no_service", "HTTP 404 (no_service)"),
        (
            "teams",
            200,
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413",
            "HTTP 200, and in it the error 413 of Microsoft Teams",
        ),
        ("any", 500, "<html>", "HTTP 500"),
    ],
)
def test_an_error_is_told_even_where_it_comes_with_200(
    peer: Webhook, answer: str, status: int, text: str, reason: str
) -> None:
    peer.status, peer.answer = status, text
    assert send(options(peer.url, answer=answer)) == Answer(sent=False, reason=reason)


def test_a_busy_peer_says_when_to_come_again(peer: Webhook) -> None:
    peer.status, peer.answer, peer.more = 429, "rate_limited", {"Retry-After": "30"}
    assert send(options(peer.url, answer="slack")) == Answer(
        sent=False, reason="HTTP 429 (rate_limited)", retry_after=30
    )


@pytest.mark.parametrize("manner", ["mute", "drip"])
def test_a_peer_that_does_not_come_to_an_end_is_given_up_in_time(peer: Webhook, manner: Any) -> None:
    """A drop now and then keeps a socket's own timeout from ever being reached."""
    peer.manner = manner
    with within(3):
        said = send(options(peer.url, timeout=0.5))
    assert (said.sent, said.reason) in (
        (False, "it has not answered within 0.5 seconds"),
        (False, "it has not answered in time"),
    )


def test_an_answer_without_end_is_read_no_further_than_its_beginning(peer: Webhook) -> None:
    peer.manner = "endless"
    with within(5):
        assert send(options(peer.url)).sent


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_peer_that_sends_us_elsewhere_is_not_followed(peer: Webhook, status: int) -> None:
    with webhook("/elsewhere") as other:
        peer.status, peer.more = status, {"Location": other.url}
        assert (
            send(options(peer.url)).reason == f"HTTP {status}: it redirects elsewhere, which is not followed"
        )
        assert other.bodies == []


def test_a_peer_that_is_not_there_is_told_by_its_cause() -> None:
    assert send(options(f"http://127.0.0.1:{free_port()}/{TOKEN}")).reason == "Connection refused"
    assert send(options(f"http://no-such-host.invalid/{TOKEN}")).reason == "Name or service not known"
    assert (
        send(options(f"http://127.0.0.1/{TOKEN} x")).reason
        == "the webhook URL is not of the form https://host/path"
    )
    assert send(options(f"http://127.0.0.1:99999/{TOKEN}")).sent is False


def test_only_a_certificate_that_is_trusted_is_spoken_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = certificate(tmp_path)
    with webhook(f"/{TOKEN}", context) as peer:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        assert send(options(peer.url)).reason.startswith(
            "it shows a certificate that is not trusted: self-signed"
        )
        assert peer.bodies == []
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert send(options(peer.url)).sent


def test_what_speaks_no_tls_or_no_http_is_told(peer: Webhook) -> None:
    assert (
        send(options(peer.url.replace("http:", "https:"))).reason
        == "no encrypted connection: WRONG_VERSION_NUMBER"
    )


def test_the_proxy_of_the_environment_is_asked(peer: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", peer.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert send(options("http://hooks.example.com/x")).sent
    assert peer.paths == ["http://hooks.example.com/x"]
    monkeypatch.setenv("no_proxy", "hooks.invalid")
    assert send(options("http://hooks.invalid/x")).reason == "Name or service not known"


def test_nothing_of_an_address_is_told_by_a_peer_that_echoes_it(peer: Webhook) -> None:
    peer.echoes = True
    for status in (200, 400, 500):
        peer.status, peer.answer = status, f"no_service {TOKEN}"
        said = send(options(peer.url, answer="slack", secret="s3cret-key", headers={"X-Key": "s3cret"}))
        assert not said.sent
        assert TOKEN not in said.reason
        assert "s3cret" not in said.reason
    peer.echoes, peer.answer = False, TOKEN
    assert send(options(peer.url, answer="slack")).reason == "HTTP 500"


def test_a_signed_message_is_verified_as_the_specification_says(peer: Webhook) -> None:
    """With the steps of standardwebhooks.com, and none of our own code."""
    secret = "whsec_" + base64.b64encode(b"24 bytes that are secret").decode()
    assert send(options(peer.url, secret=secret, message_id="m12 ü\r\n")).sent

    (headers,), (body,) = peer.headers, peer.bodies
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert headers["Webhook-Signature"].split() == [f"v1,{expected}"]
    assert headers["Webhook-Id"] == "m12----"
    assert abs(int(headers["Webhook-Timestamp"]) - time.time()) < 60


def test_a_message_has_an_id_that_stays_the_same_or_one_of_its_own(peer: Webhook) -> None:
    for message_id in ("m1", "m1", None, None):
        assert send(options(peer.url, message_id=message_id)).sent
    ids = [one["Webhook-Id"] for one in peer.headers]
    assert ids[:2] == ["m1", "m1"]
    assert len(set(ids)) == 3
    assert send(options(peer.url, answer="teams", message_id="m1")).sent
    assert "Webhook-Id" not in peer.headers[-1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"body": '{"a":\n'}, "the message is no JSON, line 2: Expecting value"),
        ({"body": "[" * 100_000}, "the message is no JSON"),
        ({"headers": {"X": "a\r\nY: b"}}, "a header has a name or a value that cannot be sent"),
        ({"headers": {"X Y": "a"}}, "a header has a name or a value that cannot be sent"),
        ({"secret": "whsec_!"}, "the webhook's secret cannot be used: behind whsec_ there is no base64"),
    ],
)
def test_what_cannot_be_sent_is_told_and_not_sent(
    peer: Webhook, changes: dict[str, Any], reason: str
) -> None:
    assert send(options(peer.url, **changes)) == Answer(sent=False, reason=reason)
    assert peer.bodies == []
