"""Logging in at registries: passwords, tokens, Docker's configuration, and who is never shown a password."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from integration.receivers import certificate
from integration.registries import (
    PASSWORD,
    USER,
    htpasswd,
    image,
    needs_registry,
    played,
    registry,
    token_server,
)
from integration.registry.conftest import ACCOUNT, client
from lab.distribution import RegistryClient as Pusher
from registry_docker_updater.edges.registry.client import RegistryClient
from registry_docker_updater.edges.registry.login import Login, login_of
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable
from unit.builders import NEW


@needs_registry
def test_a_password_is_given_where_it_is_wanted_and_at_once_the_next_time(
    stack: ExitStack, tmp_path: Path
) -> None:
    folder = tmp_path / "registry"
    real = stack.enter_context(registry(folder, auth=htpasswd(folder)))
    digest = Pusher(real.host, USER, PASSWORD).push("test/app", "1", image("1"))
    asking = client(f"http://{real.host}", ACCOUNT)
    assert asking.find("test/app", "1").digest == digest
    before = len(real.asked())
    assert asking.find("test/app", "1").digest == digest
    assert len(real.asked()) == before + 1


@needs_registry
@pytest.mark.parametrize(
    ("login", "why"),
    [
        (Login(USER, "hunter2"), "does not let the user 'updater' in"),
        (None, "wants a user and a password"),
        (Login(identity_token="hunter2"), "wants a user and a password"),
    ],
)
def test_a_wrong_or_missing_password_is_told_with_user_and_remedy(
    stack: ExitStack, tmp_path: Path, login: Login | None, why: str
) -> None:
    folder = tmp_path / "registry"
    real = stack.enter_context(registry(folder, auth=htpasswd(folder)))
    asking = client(f"http://{real.host}", login)
    said = (
        f"registry production (http://{real.host}) {why}: set registries.production.credentials, or do"
        " `docker login` as the operator's user"
    )
    with pytest.raises(RepositoryUnavailable) as refused:
        asking.find("test/app", "1")
    assert str(refused.value) == said
    if login is None:
        asking.check()  # nobody knows whether one is wanted for what is needed
        return
    with pytest.raises(RegistryUnavailable) as wrong:
        asking.check()
    assert str(wrong.value) == said


@needs_registry
def test_a_password_that_was_changed_is_read_again(stack: ExitStack, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    real = stack.enter_context(registry(folder, auth=htpasswd(folder)))
    logins = [Login(USER, "old")]
    asking = RegistryClient("production", f"http://{real.host}", lambda: logins[0])
    with pytest.raises(RegistryUnavailable):
        asking.check()
    logins[0] = ACCOUNT
    asking.check()
    assert asking.find("test/app", "1").digest is None


@needs_registry
@pytest.mark.parametrize(("login", "method"), [(ACCOUNT, "GET"), (Login(identity_token="identity"), "POST")])
def test_a_token_is_fetched_once_for_each_repository(
    stack: ExitStack, tmp_path: Path, login: Login, method: str
) -> None:
    """By password, or by an identity token."""
    tokens = stack.enter_context(token_server(tmp_path / "tokens"))
    folder = tmp_path / "registry"
    with registry(folder) as open_to_all:
        digest = open_to_all.client.push("test/app", "1", image("1"))
        open_to_all.client.push("other/app", "1", image("1"))
    real = stack.enter_context(registry(folder, auth=tokens.auth))
    asking = client(f"http://{real.host}", login)
    for repository in ("test/app", "test/app", "other/app", "test/app"):
        assert asking.find(repository, "1").digest == digest
    assert [(how, asked["service"], asked["scope"]) for how, asked in tokens.asked] == [
        (method, "a shop, with a comma", "repository:test/app:pull"),
        (method, "a shop, with a comma", "repository:other/app:pull"),
    ]
    asking.check()


@needs_registry
def test_a_token_that_has_expired_is_fetched_anew(stack: ExitStack, tmp_path: Path) -> None:
    tokens = stack.enter_context(token_server(tmp_path / "tokens"))
    tokens.seconds = 1
    real = stack.enter_context(registry(tmp_path / "registry", auth=tokens.auth))
    asking = client(f"http://{real.host}", ACCOUNT)
    assert asking.find("test/app", "1").digest is None
    assert asking.find("test/app", "1").digest is None
    assert len(tokens.asked) == 2


@needs_registry
def test_a_repository_that_may_not_be_pulled_hinders_no_other(stack: ExitStack, tmp_path: Path) -> None:
    tokens = stack.enter_context(token_server(tmp_path / "tokens"))
    tokens.denied.add("secret/app")
    real = stack.enter_context(registry(tmp_path / "registry", auth=tokens.auth))
    asking = client(f"http://{real.host}", ACCOUNT)
    with pytest.raises(
        RepositoryUnavailable, match="does not let the user 'updater' pull secret/app: give the"
    ):
        asking.find("secret/app", "1")
    assert asking.find("test/app", "1").digest is None
    with pytest.raises(RepositoryUnavailable, match="does not let us, without a login, pull test/app: "):
        client(f"http://{real.host}").find("test/app", "1")
    with pytest.raises(RepositoryUnavailable, match="does not let the user 'updater' in: set registries"):
        client(f"http://{real.host}", Login(USER, "hunter2")).find("test/app", "1")


def test_a_password_does_not_follow_a_redirect_to_another_server(stack: ExitStack) -> None:
    sent: list[Mapping[str, str]] = []

    def elsewhere(_method: str, _path: str, headers: Mapping[str, str], _: bytes) -> tuple[int, Any, bytes]:
        sent.append(headers)
        return 200, {"Docker-Content-Digest": NEW}, b""

    other = stack.enter_context(played(elsewhere))

    def here(_method: str, path: str, headers: Mapping[str, str], _: bytes) -> tuple[int, Any, bytes]:
        if "Authorization" not in headers:
            return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""
        return 307, {"Location": other + path}, b""

    url = stack.enter_context(played(here))
    assert client(url, ACCOUNT).find("test/app", "1").digest == NEW
    assert [headers.get("Authorization") for headers in sent] == [None]


@pytest.mark.parametrize(
    ("challenge", "why"),
    [
        ('Bearer realm="ftp://tokens.example.com"', "sends us for a token to 'ftp://tokens.example.com'"),
        ("Bearer nonsense", "sends us for a token to ''"),
        ("Negotiate", "wants neither a password"),
        (None, "wants neither a password"),
        ("Bearer realm=", "sends us for a token to ''"),
        ('Bearer realm="http://["', "sends us for a token to 'http://\\['"),
    ],
)
def test_a_way_to_log_in_that_is_none_is_told(stack: ExitStack, challenge: str | None, why: str) -> None:
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    url = stack.enter_context(played(lambda *_: (401, headers, b"")))
    with pytest.raises(RepositoryUnavailable, match=why):
        client(url, ACCOUNT).find("test/app", "1")


def test_a_password_is_not_sent_in_the_clear_because_a_registry_with_tls_says_so(
    stack: ExitStack, tmp_path: Path
) -> None:
    context, trusted = certificate(tmp_path)
    asked: list[str] = []

    def tokens(_method: str, path: str, *_: Any) -> tuple[int, Any, bytes]:
        asked.append(path)
        return 200, {}, b"{}"

    overheard = stack.enter_context(played(tokens))
    refusal = {"WWW-Authenticate": f'Bearer realm="{overheard}/token"'}
    url = stack.enter_context(played(lambda *_: (401, refusal, b""), context))
    with pytest.raises(RegistryUnavailable, match="where it could be overheard"):
        client(url, ACCOUNT, trusted).check()
    assert asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"token": 7}',
        b'{"token": "a\\r\\nX: y"}',
        b'{"token": ""}',
        b'{"token": "\xff"}',
        b'{"token": ' + b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_token_that_is_none_is_told_and_not_sent(stack: ExitStack, body: bytes) -> None:
    def answer(_method: str, path: str, headers: Mapping[str, str], _: bytes) -> tuple[int, Any, bytes]:
        if path.startswith("/token"):
            return 200, {}, body
        assert "Authorization" not in headers
        return 401, {"WWW-Authenticate": f'Bearer realm="{url}/token",service="x"'}, b""

    url = stack.enter_context(played(answer))
    with pytest.raises(RepositoryUnavailable, match="gives no token at 'http"):
        client(url, ACCOUNT).find("test/app", "1")


def test_a_token_that_is_taken_no_more_is_fetched_anew(stack: ExitStack) -> None:
    """As after the token server got another key."""
    good = "first"

    def answer(_method: str, path: str, headers: Mapping[str, str], _: bytes) -> tuple[int, Any, bytes]:
        if path.startswith("/token"):
            return 200, {}, json.dumps({"token": good, "expires_in": 300}).encode()
        if headers.get("Authorization") == f"Bearer {good}":
            return 200, {"Docker-Content-Digest": NEW}, b""
        return 401, {"WWW-Authenticate": f'Bearer realm="{url}/token",service="x"'}, b""

    url = stack.enter_context(played(answer))
    asking = client(url, ACCOUNT)
    assert asking.find("test/app", "1").digest == NEW
    good = "second"
    assert asking.find("test/app", "1").digest == NEW


def test_a_wrong_password_is_not_tried_with_every_question(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Directories lock users out who try too often; after some minutes it may have become right."""
    tries: list[str] = []

    def answer(_method: str, _path: str, headers: Mapping[str, str], _: bytes) -> tuple[int, Any, bytes]:
        tries.extend(value for name, value in headers.items() if name == "Authorization")
        return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""

    asking = client(stack.enter_context(played(answer)), ACCOUNT)
    for repository in ("test/app", "test/app", "other/app"):
        with pytest.raises(RepositoryUnavailable, match="does not let the user 'updater' in"):
            asking.find(repository, "1")
    assert len(tries) == 1
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 600)
    with pytest.raises(RepositoryUnavailable, match="does not let the user 'updater' in"):
        asking.find("test/app", "1")
    assert len(tries) == 2


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Write Docker's configuration of the operator's user."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    def write(content: Any) -> None:
        (tmp_path / "config.json").write_text(json.dumps(content))

    return write


def test_the_login_is_that_of_dockers_configuration_under_any_name_of_the_registry(
    docker: Callable[[Any], None],
) -> None:
    hosts = ("registry.example.com", "registry.internal:5000")
    assert login_of(hosts, None) is None
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    docker({"auths": {"registry.internal:5000": {"auth": auth}, "other.example.com": {"auth": "eDp5"}}})
    assert login_of(hosts, None) == ACCOUNT
    docker({"auths": {"registry.example.com": {"identitytoken": "it"}}})
    assert login_of(hosts, None) == Login(identity_token="it")
    assert login_of(hosts, {"username": "given", "password": "too"}) == Login("given", "too")
    assert "too" not in repr(login_of(hosts, {"username": "given", "password": "too"}))


def test_a_configuration_of_docker_that_cannot_be_used_is_told_by_the_sweep(
    docker: Callable[[Any], None], stack: ExitStack
) -> None:
    docker({"credsStore": "of-nobody"})
    url = stack.enter_context(played(lambda *_: (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")))
    asking = RegistryClient("production", url, lambda: login_of(["registry.example.com"], None))
    with pytest.raises(
        RegistryUnavailable, match="cannot be asked: credential helper docker-credential-of-nob"
    ):
        asking.check()
