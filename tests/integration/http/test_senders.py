"""Who may send, on the running server: every format's proof, right, wrong, missing, rotated; and from where."""

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from integration.http.conftest import LIMIT, PAYLOADS, PUSH, Listener, counts, listening
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.http.guard import Source
from registry_docker_updater.http.limits import Limits
from registry_docker_updater.views.events import events

Sent = tuple[str, Mapping[str, str]]


@dataclass(frozen=True)
class Example:
    """A delivery of one format: what ``proves`` its sender is an end of the path, and headers."""

    body: bytes
    proves: Callable[[str, bytes], Sent]
    headers: Mapping[str, str] = field(default_factory=dict)


def sample(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def bearer(secret: str, _: bytes) -> Sent:
    return "", {"Authorization": f"Bearer {secret}"}


def at_the_end(secret: str, _: bytes) -> Sent:
    return f"/{secret}", {}


def signature(header: str, algorithm: str = "sha256", prefix: str = "") -> Callable[[str, bytes], Sent]:
    def proves(secret: str, body: bytes) -> Sent:
        digest = hmac.new(secret.encode(), body, getattr(hashlib, algorithm)).hexdigest()
        return "", {header: f"{prefix}{digest}"}

    return proves


GENERIC = json.dumps(
    {"repository": "team/app", "tag": "1", "digest": f"sha256:{'a' * 64}", "id": "1"}
).encode()
BINARY = {
    "Ce-Id": "1",
    "Ce-Source": "here",
    "Ce-Specversion": "1.0",
    "Ce-Time": "2026-11-22T10:59:05Z",
    "Ce-Type": "com.example.image.pushed",
}
EXAMPLES = {
    "distribution": Example(PUSH, bearer),
    "harbor": Example(sample("harbor28-push-artifact"), bearer),
    "gitlab": Example(sample("gitlab-push-tag"), bearer),
    "zot": Example(
        sample("zot-image-updated"), bearer, {**BINARY, "Ce-Type": "zotregistry.repository.image.updated"}
    ),
    "quay": Example(sample("quay-repo-push"), at_the_end),
    "dockerhub": Example(sample("dockerhub-push"), at_the_end),
    "github": Example(
        sample("github-package-published"),
        signature("X-Hub-Signature-256", prefix="sha256="),
        {"X-GitHub-Event": "package"},
    ),
    "gitea": Example(sample("gitea-package-created-tag"), signature("X-Gitea-Signature")),
    "acr": Example(sample("acr-push"), bearer),
    "ecr": Example(sample("ecr-eventbridge-push-index-tag"), lambda secret, _: ("", {"X-Api-Key": secret})),
    "gar": Example(sample("gar-pubsub-insert-tag"), at_the_end),
    "jfrog": Example(sample("jfrog-docker-pushed"), signature("X-JFrog-Event-Auth")),
    "nexus": Example(
        sample("nexus-component-created"),
        signature("X-Nexus-Webhook-Signature", "sha1"),
        {"X-Nexus-Webhook-ID": "rm:repository:component"},
    ),
    "cloudevents": Example(GENERIC, bearer, BINARY),
    "generic": Example(GENERIC, bearer),
}


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    with listening(tmp_path_factory.mktemp("senders"), Limits(slowed=0)) as made:
        sources = {
            name: Source(name, sender, ("the old one", "the-new-one")) for name, sender in FORMATS.items()
        }
        made.guard.change(sources, LIMIT)
        yield made


def send(listener: Listener, name: str, sent: Sent, body: bytes | None = None) -> int:
    example = EXAMPLES[name]
    in_path, proof = sent
    headers = {"Content-Type": "application/json", **example.headers, **proof}
    path = f"/events/{name}{in_path.replace(' ', '%20')}"
    return listener.ask("POST", path, example.body if body is None else body, headers)[0]


def test_there_is_an_example_of_every_format() -> None:
    assert set(EXAMPLES) == set(FORMATS)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_each_of_two_secrets_opens_the_door_and_nothing_else_does(listener: Listener, name: str) -> None:
    example = EXAMPLES[name]
    before = len(events(listener.store, 100))
    for secret in ("wrong", "", "the old one x", "THE OLD ONE"):
        assert send(listener, name, example.proves(secret, example.body)) in (401, 404)
    assert send(listener, name, ("", {})) == 401
    assert len(events(listener.store, 100)) == before
    for secret in ("the old one", "the-new-one"):
        assert send(listener, name, example.proves(secret, example.body)) == 202
    kept = events(listener.store, 100)[: len(events(listener.store, 100)) - before]
    assert kept
    assert {row["kind"] for row in kept} <= {"push", "unresolved"}
    assert {row["registry"] for row in kept} == {name}


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.is_signed and name != "jfrog"])
def test_a_signature_is_of_this_body_and_no_other(listener: Listener, name: str) -> None:
    sent = EXAMPLES[name].proves("the old one", EXAMPLES[name].body)
    assert send(listener, name, sent, EXAMPLES[name].body + b" ") == 401
    assert send(listener, name, sent, b"") == 401


def test_of_what_is_signed_only_a_small_body_is_read_before_its_sender_is_known(listener: Listener) -> None:
    body = EXAMPLES["github"].body + b" " * 300_000
    assert send(listener, "github", EXAMPLES["github"].proves("the old one", body), body) == 413


def test_a_secret_that_was_taken_away_is_none_any_more(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        connection = listener.connect()
        assert listener.send(PUSH, connection=connection) == (202, counts(accepted=1))
        sources = {"production": Source("production", FORMATS["distribution"], ("another",))}
        listener.guard.change(sources, LIMIT)
        assert listener.send(PUSH, connection=connection)[0] == 401
        headers = {"Authorization": "another"}
        assert listener.ask("POST", "/events/production", PUSH, headers)[0] == 202
        assert listener.send(PUSH, "harbor")[0] == 404


@pytest.mark.parametrize(
    ("networks", "status"),
    [
        ((), 202),
        (("127.0.0.0/8",), 202),
        (("127.0.0.1/32", "::/0"), 202),
        (("10.0.0.0/8",), 403),
        (("::1/128",), 403),
    ],
)
def test_a_registry_sends_from_its_networks(tmp_path: Path, networks: tuple[str, ...], status: int) -> None:
    with listening(tmp_path) as listener:
        allowed = tuple(ipaddress.ip_network(one) for one in networks)
        source = Source("production", FORMATS["distribution"], ("s3cret",), networks=allowed)
        listener.guard.change({"production": source}, LIMIT)
        assert listener.send(PUSH)[0] == status


@pytest.mark.parametrize("secret", ["ab/cd+e=", "a/../b", "//"])
def test_a_secret_in_the_address_may_hold_slashes(tmp_path: Path, secret: str) -> None:
    with listening(tmp_path) as listener:
        listener.guard.change({"quay": Source("quay", FORMATS["quay"], (secret,))}, LIMIT)
        for written in (secret, secret.replace("/", "%2F")):
            assert send(listener, "quay", (f"/{written}", {})) == 202
        assert send(listener, "quay", (f"/{secret}x", {})) == 401


def test_a_registry_that_is_open_needs_no_secret(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        sources = {name: Source(name, FORMATS[name], (), is_open=True) for name in ("distribution", "github")}
        listener.guard.change(sources, LIMIT)
        for name in sources:
            headers = EXAMPLES[name].headers
            assert listener.ask("POST", f"/events/{name}", EXAMPLES[name].body, headers)[0] == 202


def test_an_event_without_digest_of_a_registry_that_is_not_asked_is_refused(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        source = Source("generic", FORMATS["generic"], ("s3cret",), can_be_asked=False)
        listener.guard.change({"generic": source}, LIMIT)
        status, content = listener.send(b'{"repository": "team/app", "tag": "1"}', "generic")
        assert status == 400
        assert "sweep_interval is never" in content["error"]
