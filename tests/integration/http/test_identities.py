"""Senders that prove themselves by keys that they publish: tokens of OpenID Connect, and what Amazon SNS signs."""

import base64
import datetime as dt
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from urllib3 import HTTPHeaderDict

from integration.conftest import until
from integration.http.conftest import LIMIT, PAYLOADS, Listener, listening
from integration.receivers import of_itself
from registry_docker_updater.clock import steady_clock
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.edges.identity.keys import Keys
from registry_docker_updater.edges.identity.oidc import Expected, TokenIdentity, read_keys
from registry_docker_updater.edges.identity.sns import TopicIdentity, read_certificate, to_sign
from registry_docker_updater.edges.web import NoReply, Reply, Web
from registry_docker_updater.http.guard import Source
from registry_docker_updater.http.limits import Limits
from registry_docker_updater.views.events import events, ignored

KEY, OTHER = (rsa.generate_private_key(65537, 2048) for _ in range(2))
PUSH = (PAYLOADS / "gar-pubsub-insert-tag.json").read_bytes()
AUDIENCE = "https://updater.example.com/events/google"
ISSUER, ACCOUNT = "https://issuer.example.com", "pubsub@project.example.com"
TOPIC = "arn:aws:sns:eu-west-1:210987654321:pushes"
CERTIFICATE = (
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
)
SUBSCRIBE = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=42"


def jwk(key: rsa.RSAPrivateKey, name: str) -> dict[str, Any]:
    return {**jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig"}


@dataclass
class Issuer:
    """Publishes keys over HTTP, as long as it ``answers``."""

    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk(KEY, "one")])
    answers: bool = True
    asked: int = 0
    url: str = ""


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked += 1
            body = json.dumps({"keys": made.keys}).encode()
            self.send_response(200 if made.answers else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/certs"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with listening(tmp_path, Limits(slowed=0)) as made:
        yield made


def with_tokens(listener: Listener, issuer: Issuer, **more: Any) -> None:
    expected = Expected(ISSUER, issuer.url, AUDIENCE, {"email": ACCOUNT})
    identity = TokenIdentity(expected, Keys(Web(), read_keys, steady_clock()))
    listener.guard.change({"google": Source("google", FORMATS["gar"], identity=identity, **more)}, LIMIT)


def token(key: rsa.RSAPrivateKey = KEY, name: str | None = "one", **claims: Any) -> str:
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "email": ACCOUNT,
        "email_verified": True,
        "iat": now,
        "exp": now + 300,
        **claims,
    }
    said = {claim: value for claim, value in said.items() if value is not None}
    return jwt.encode(said, key, "RS256", {"kid": name} if name else {})


def send(listener: Listener, given: str, path: str = "/events/google") -> int:
    return listener.ask("POST", path, PUSH, {"Authorization": f"Bearer {given}"})[0]


def test_a_token_of_the_right_issuer_for_us_and_of_the_right_account_opens_the_door(
    listener: Listener, issuer: Issuer
) -> None:
    with_tokens(listener, issuer, secrets=())
    until(lambda: issuer.asked == 1)
    until(lambda: send(listener, token()) == 202)
    assert [row["registry"] for row in events(listener.store, 10)] == ["google"]


@pytest.mark.parametrize(
    "given",
    [
        token(OTHER),
        token(aud="https://elsewhere.example.com"),
        token(iss="https://another.example.com"),
        token(email="somebody@project.example.com"),
        token(email_verified=False),
        token(email_verified=None),
        token(exp=int(time.time()) - 100),
        token(exp=None),
        token(iat=None),
        token(name="none such"),
        token(name=None),
        jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "email": ACCOUNT}, "", "none"),
        jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "email": ACCOUNT}, "s" * 32, "HS256", {"kid": "one"}),
        "e30.e30.e30",
        "a.b.c",
        "..",
        "x" * 10_000,
        "",
    ],
)
def test_any_other_token_is_refused(listener: Listener, issuer: Issuer, given: str) -> None:
    with_tokens(listener, issuer, secrets=())
    until(lambda: send(listener, token()) == 202)
    assert send(listener, given) == 401
    assert len(events(listener.store, 10)) == 1


def test_a_token_changed_anywhere_is_refused(listener: Listener, issuer: Issuer) -> None:
    with_tokens(listener, issuer, secrets=())
    until(lambda: send(listener, token()) == 202)
    head, said, signature = token().split(".")
    for wrong in (f"{head}.{said}.", f"{head}.{said}.{signature[::-1]}", f"{head}.{said[:-2]}.{signature}"):
        assert send(listener, wrong) == 401


def test_a_key_that_took_the_place_of_another_is_fetched_when_it_is_first_used(
    listener: Listener, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry_docker_updater.edges.identity.keys._PAUSE", dt.timedelta())
    with_tokens(listener, issuer, secrets=())
    until(lambda: send(listener, token()) == 202)
    issuer.keys = [jwk(OTHER, "two")]
    assert send(listener, token(OTHER, "two")) == 503
    until(lambda: send(listener, token(OTHER, "two")) == 202)
    assert send(listener, token(KEY, "one")) in (401, 503)


def test_while_the_keys_cannot_be_fetched_nothing_is_lost(
    listener: Listener, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("registry_docker_updater.edges.identity.keys._PAUSE", dt.timedelta())
    issuer.answers = False
    with_tokens(listener, issuer, secrets=())
    until(lambda: "it answers 500" in caplog.text)
    status, content = listener.ask("POST", "/events/google", PUSH, {"Authorization": f"Bearer {token()}"})
    assert status == 503
    assert "send it again" in content["error"]
    issuer.answers = True
    until(lambda: send(listener, token()) == 202)


def test_keys_that_are_here_are_used_though_their_issuer_is_away(
    listener: Listener, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_tokens(listener, issuer, secrets=())
    until(lambda: send(listener, token()) == 202)
    monkeypatch.setattr("registry_docker_updater.edges.identity.keys._GOOD_FOR", dt.timedelta())
    issuer.answers, before = False, issuer.asked
    assert send(listener, token()) == 202
    until(lambda: issuer.asked > before)
    assert send(listener, token()) == 202


def test_a_secret_beside_the_token_is_as_good(listener: Listener, issuer: Issuer) -> None:
    with_tokens(listener, issuer, secrets=("s3cret",))
    assert send(listener, "", "/events/google/s3cret") == 202
    assert send(listener, "", "/events/google/wrong") == 401


@pytest.mark.parametrize("published", ["", "{}", '{"keys": 7}', '{"keys": [7]}', "[]", '{"keys": []}'])
def test_what_is_no_set_of_keys_is_said_to_be_none(published: str) -> None:
    with pytest.raises(ValueError, match="no JSON Web Key Set"):
        read_keys(published.encode())


def certificate_of(key: rsa.RSAPrivateKey, hours: float = 1) -> bytes:
    made = of_itself(key, "sns.amazonaws.com", hours).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


class PlayedSns(Web):
    """In the place of SNS, which is not to be had here: gives its certificate, and hears that somebody subscribes."""

    def __init__(self, certificate: bytes = certificate_of(KEY)) -> None:
        self.certificate = certificate
        self.confirmed: list[str] = []
        self.asked: list[str] = []
        self.is_away = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: str | None = None) -> Reply:
        assert (method, body) == ("GET", None)
        assert headers
        self.asked.append(url)
        assert self.may_answer.wait(30)
        if self.is_away:
            raise NoReply(ValueError("away"))
        if url == CERTIFICATE:
            return Reply(200, HTTPHeaderDict(), self.certificate)
        if url != SUBSCRIBE:
            return Reply(404, HTTPHeaderDict(), b"")
        self.confirmed.append(url)
        return Reply(200, HTTPHeaderDict(), b"<ConfirmSubscriptionResponse/>")


@pytest.fixture
def sns() -> PlayedSns:
    return PlayedSns()


@pytest.fixture
def subscribed(listener: Listener, sns: PlayedSns) -> Listener:
    with_topic(listener, sns)
    return listener


def with_topic(listener: Listener, sns: PlayedSns, *secrets: str) -> None:
    identity = TopicIdentity(TOPIC, Keys(sns, read_certificate, steady_clock()), sns)
    listener.guard.change({"amazon": Source("amazon", FORMATS["ecr"], secrets, identity=identity)}, LIMIT)


def message(version: str = "2", key: rsa.RSAPrivateKey = KEY, **changes: Any) -> dict[str, Any]:
    """A message as SNS signs it; what is changed is signed, too."""
    sent = {
        **json.loads((PAYLOADS / "ecr-sns-notification.json").read_text()),
        "Message": (PAYLOADS / "ecr-eventbridge-push-index-tag.json").read_text(),
        "TopicArn": TOPIC,
        "SigningCertURL": CERTIFICATE,
        "SignatureVersion": version,
        **changes,
    }
    sent = {name: value for name, value in sent.items() if value is not None}
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = key.sign(to_sign(sent) or b"", padding.PKCS1v15(), algorithm)
    return {**sent, "Signature": base64.b64encode(signature).decode()}


def confirmation(**changes: Any) -> dict[str, Any]:
    given = {"Type": "SubscriptionConfirmation", "Token": "42", "SubscribeURL": SUBSCRIBE, "Subject": None}
    return message(**{**given, **changes})


def tell(listener: Listener, content: Mapping[str, Any], in_path: str = "") -> int:
    body = json.dumps(content).encode()
    headers = {"Content-Type": "text/plain; charset=UTF-8"}
    return listener.ask("POST", f"/events/amazon{in_path}", body, headers)[0]


def test_the_text_that_is_signed_is_as_amazon_documents_it() -> None:
    sent = {"Type": "Notification", "MessageId": "1", "TopicArn": "t", "Message": "m", "Timestamp": "now"}
    expected = b"Message\nm\nMessageId\n1\nTimestamp\nnow\nTopicArn\nt\nType\nNotification\n"
    assert to_sign(sent) == expected
    with_subject = expected.replace(b"Timestamp\n", b"Subject\ns\nTimestamp\n")
    assert to_sign({**sent, "Subject": "s"}) == with_subject
    subscribe = {**sent, "Type": "SubscriptionConfirmation", "Token": "k", "SubscribeURL": "u"}
    assert to_sign(subscribe) == (
        b"Message\nm\nMessageId\n1\nSubscribeURL\nu\nTimestamp\nnow\nToken\nk\nTopicArn\nt\n"
        b"Type\nSubscriptionConfirmation\n"
    )
    assert to_sign({**sent, "Type": "Else"}) is None
    assert to_sign({**sent, "Message": 7}) is None


@pytest.mark.parametrize("version", ["1", "2"])
def test_what_the_topic_signed_opens_the_door_once_its_certificate_is_here(
    subscribed: Listener, sns: PlayedSns, version: str
) -> None:
    sns.may_answer.clear()
    assert tell(subscribed, message(version)) == 503
    assert tell(subscribed, message(version)) == 503
    sns.may_answer.set()
    until(lambda: tell(subscribed, message(version)) == 202)
    assert sns.asked == [CERTIFICATE]
    assert [row["repository"] for row in events(subscribed.store, 10)] == ["team/multi"]


@pytest.mark.parametrize(
    "content",
    [
        {**message(), "Message": message()["Message"].replace("v1", "v2")},
        message(key=OTHER),
        message(TopicArn="arn:aws:sns:eu-west-1:210987654321:another"),
        message(SigningCertURL=CERTIFICATE.replace("eu-west-1", "us-east-1")),
        message(SigningCertURL=CERTIFICATE.replace("https", "http")),
        message(SigningCertURL=CERTIFICATE.replace(".com/", ".com.example.com/")),
        message(SigningCertURL=CERTIFICATE.replace("https://", "https://user@")),
        message(SigningCertURL="https://sns.eu-west-1.amazonaws.com/elsewhere.pem"),
        message(SigningCertURL="https://[sns"),
        message(SigningCertURL=CERTIFICATE + "?1"),
        message(SigningCertURL=CERTIFICATE + "#1"),
        message(SigningCertURL=None),
        message(SigningCertURL=7),
        {**message(), "SignatureVersion": "3"},
        {**message(), "Signature": "bm9uZQ=="},
        {**message(), "Signature": 7},
        {**message(), "Type": "Else"},
        {"TopicArn": TOPIC},
        {},
    ],
)
def test_what_it_did_not_sign_is_refused_and_nobody_else_is_asked_for_a_certificate(
    subscribed: Listener, sns: PlayedSns, content: dict[str, Any]
) -> None:
    until(lambda: tell(subscribed, message()) == 202)
    assert tell(subscribed, content) == 401
    assert set(sns.asked) == {CERTIFICATE}
    assert len(events(subscribed.store, 10)) == 1


@pytest.mark.parametrize("signed_for", ["Notification", "SubscriptionConfirmation"])
def test_of_a_signed_message_nothing_is_read_but_what_is_signed(
    subscribed: Listener, signed_for: str
) -> None:
    """Else whoever saw one could put an event of their own beside it."""
    event = json.loads((PAYLOADS / "ecr-eventbridge-push-index-tag.json").read_text())
    event["detail"]["repository-name"] = "forged"
    other = json.dumps({**event, "detail-type": "Else"})
    signed = message(Message=other) if signed_for == "Notification" else confirmation(Message=other)
    until(lambda: tell(subscribed, {**event, **signed, "detail-type": "ECR Image Action"}) == 202)
    assert events(subscribed.store, 10) == []


def test_a_large_body_is_refused_before_anybody_parses_it(subscribed: Listener, sns: PlayedSns) -> None:
    assert tell(subscribed, message(Message="x" * 20_000)) == 413
    assert sns.asked == []


def test_a_subscription_that_cannot_be_confirmed_is_tried_again(
    listener: Listener, sns: PlayedSns, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        sns.is_away = len(pauses) < 3

    identity = TopicIdentity(TOPIC, Keys(sns, read_certificate, steady_clock()), sns, wait)
    listener.guard.change({"amazon": Source("amazon", FORMATS["ecr"], (), identity=identity)}, LIMIT)
    until(lambda: tell(listener, message()) == 202)
    sns.is_away = True
    assert tell(listener, confirmation()) == 202
    until(lambda: sns.confirmed == [SUBSCRIBE])
    assert pauses == [2, 10, 60]
    assert "Token" not in caplog.text


def test_a_certificate_that_is_not_valid_any_more_signs_nothing(listener: Listener) -> None:
    with_topic(listener, PlayedSns(certificate_of(KEY, hours=-1)))
    until(lambda: tell(listener, message()) == 401)


def test_the_subscription_is_confirmed_where_the_topic_asks_for_it(
    subscribed: Listener, sns: PlayedSns
) -> None:
    until(lambda: tell(subscribed, confirmation()) == 202)
    until(lambda: sns.confirmed == [SUBSCRIBE])
    assert [row["reason"] for row in ignored(subscribed.store)] == ["subscription to be confirmed"]


@pytest.mark.parametrize(
    "content",
    [
        confirmation(SubscribeURL="https://elsewhere.example.com/?Action=ConfirmSubscription"),
        confirmation(Type="UnsubscribeConfirmation"),
        {**message(), "Extra": "SubscriptionConfirmation"},
    ],
)
def test_nothing_else_is_confirmed(subscribed: Listener, sns: PlayedSns, content: dict[str, Any]) -> None:
    until(lambda: tell(subscribed, content) == 202)
    until(lambda: tell(subscribed, confirmation()) == 202)
    until(lambda: SUBSCRIBE in sns.confirmed)
    assert sns.confirmed == [SUBSCRIBE]


def test_who_knows_the_secret_only_has_nothing_confirmed(listener: Listener, sns: PlayedSns) -> None:
    with_topic(listener, sns, "s3cret")
    forged = {**confirmation(), "Signature": "bm9uZQ=="}
    sns.may_answer.clear()
    assert tell(listener, forged, "/s3cret") == 503
    sns.may_answer.set()
    until(lambda: tell(listener, forged, "/s3cret") == 202)
    until(lambda: tell(listener, confirmation(), "/s3cret") == 202)
    until(lambda: len(sns.confirmed) == 1)


def test_while_amazon_cannot_be_reached_a_message_is_to_be_sent_again(
    listener: Listener, sns: PlayedSns, caplog: pytest.LogCaptureFixture
) -> None:
    sns.is_away = True
    with_topic(listener, sns)
    assert tell(listener, message()) == 503
    until(lambda: "its key cannot be fetched" in caplog.text)
    assert tell(listener, message()) == 503


def test_what_is_no_certificate_is_said_to_be_none() -> None:
    with pytest.raises(ValueError, match="PEM"):
        read_certificate(b"garbage")


def test_no_more_addresses_of_keys_are_remembered_than_some() -> None:
    keys = Keys(PlayedSns(), read_certificate, steady_clock())
    keys._fetch(CERTIFICATE)
    for number in range(40):
        keys._fetch(f"https://sns.eu-west-1.amazonaws.com/{number}")
    assert len(keys._fetched) == 16
    assert keys.key(CERTIFICATE, "") is not None, "none of use gives way to what is of none"
