"""What check mode reads of an image before it is pulled: as the engine would ask, and what it does not believe."""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.bounded_http import (
    BoundedResponse,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.registry import (
    NotReadable,
    Where,
    read_image,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

from integration.registries import played
from unit.builders import NEW, OLD

Reply = tuple[int, Mapping[str, str], bytes]
ACCOUNT = {"username": "ci", "password": "s3cret"}
MANIFEST = json.dumps({"config": {"digest": OLD}}).encode()
CONFIG = json.dumps({"config": {"Volumes": {"/data": {}}}, "architecture": "amd64", "os": "linux"}).encode()
INSECURE = {"RegistryConfig": {"InsecureRegistryCIDRs": ["127.0.0.0/8"]}}


@pytest.fixture(autouse=True)
def proxies_of_who_runs_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not the engine's: whoever asked them would fail."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "registry.example.com")


def read(url: str, account: Mapping[str, str] | None = None, **info: Any) -> dict[str, Any]:
    host = url.partition("://")[2]
    where = Where({**INSECURE, **info}, "amd64", account)
    return read_image(Reference.parse(f"{host}/test/app:1"), NEW, where)


def found(path: str) -> Reply:
    return 200, {}, CONFIG if "/blobs/" in path else MANIFEST


def test_an_image_is_read_as_it_would_be_after_a_pull(stack: ExitStack) -> None:
    url = stack.enter_context(played(lambda _, path, *__: found(path)))
    assert read(url) == {
        "Id": OLD,
        "Config": {"Volumes": {"/data": {}}},
        "Architecture": "amd64",
        "Os": "linux",
    }


def test_the_engines_proxy_is_asked_and_its_exceptions_are_heeded(stack: ExitStack) -> None:
    """And not those of the environment, which are of another process."""
    asked: list[tuple[str, str | None]] = []

    def proxy(_method: str, path: str, headers: Mapping[str, str], _: bytes) -> Reply:
        asked.append((path, headers.get("Proxy-Authorization")))
        return found(path)

    address = stack.enter_context(played(proxy)).replace("http://", "me:x@")
    config = {"IndexConfigs": {"registry.example.com": {"Secure": False}}}
    read("http://registry.example.com", RegistryConfig=config, HttpProxy=address)
    assert asked == [
        (f"http://registry.example.com/v2/test/app/manifests/{NEW}", "Basic bWU6eA=="),
        (f"http://registry.example.com/v2/test/app/blobs/{OLD}", "Basic bWU6eA=="),
    ]
    direct = stack.enter_context(played(lambda _, path, *__: found(path)))
    read(direct, HttpProxy="127.0.0.1:1", HttpsProxy="127.0.0.1:1", NoProxy="127.0.0.0/8")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"7", b"null", b'{"config": []}', b'{"config": {"digest": "\xff"}}', b"[" * 100_000, b'{"manifests": 7}',
     b'{"manifests": [7]}'],
    ids=lambda body: repr(body[:30]),
)  # fmt: skip
def test_a_manifest_or_configuration_that_is_none_is_told(stack: ExitStack, body: bytes) -> None:
    url = stack.enter_context(played(lambda *_: (200, {}, body)))
    with pytest.raises(NotReadable, match="did not tell about"):
        read(url)
    of_config = stack.enter_context(
        played(lambda _, path, *__: (200, {}, body) if "/blobs/" in path else found(path))
    )
    if b"config" not in body and b"manifests" not in body:
        with pytest.raises(NotReadable, match="did not tell about"):
            read(of_config)


def with_tokens(stack: ExitStack, realm: Callable[[str], str], token: bytes) -> tuple[str, list[str]]:
    """A registry with TLS of its own kind: played without, and told that its tokens are at ``realm``."""
    shown: list[str] = []

    def answer(_method: str, path: str, headers: Mapping[str, str], _: bytes) -> Reply:
        shown.append(headers.get("Authorization", ""))
        if path.startswith("/token"):
            return 200, {}, token
        if headers.get("Authorization", "").startswith("Bearer "):
            return found(path)
        return 401, {"WWW-Authenticate": f'Bearer realm="{realm(url)}",service="x"'}, b""

    url = stack.enter_context(played(answer))
    return url, shown


@pytest.mark.parametrize(
    "token", [b"[" * 100_000, b"[]", b'{"token": 7}', b'{"token": "a\\r\\nX: y"}', b"{}"], ids=lambda b: repr(b[:20])
)  # fmt: skip
def test_a_token_that_is_none_is_told(stack: ExitStack, token: bytes) -> None:
    url, shown = with_tokens(stack, lambda url: url + "/token", token)
    with pytest.raises(NotReadable, match="did not tell about"):
        read(url, ACCOUNT)
    assert not any(one.startswith("Bearer") for one in shown)


@pytest.mark.parametrize("realm", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_token_is_asked_for_over_http_only(stack: ExitStack, realm: str) -> None:
    url, shown = with_tokens(stack, lambda _: realm, b"{}")
    with pytest.raises(NotReadable, match="where it could be overheard"):
        read(url, ACCOUNT)
    assert set(shown) == {""}


def test_a_registry_token_is_shown_as_it_is(stack: ExitStack) -> None:
    url, shown = with_tokens(stack, lambda url: url + "/token", b"{}")
    assert read(url, {"registrytoken": "abc"})["Id"] == OLD
    assert shown == ["", "Bearer abc", "Bearer abc"]


def test_a_password_follows_no_redirect(stack: ExitStack) -> None:
    shown: list[str | None] = []

    def elsewhere(_method: str, path: str, headers: Mapping[str, str], _: bytes) -> Reply:
        shown.append(headers.get("Authorization"))
        return found(path)

    other = stack.enter_context(played(elsewhere))

    def here(_method: str, path: str, headers: Mapping[str, str], _: bytes) -> Reply:
        if "Authorization" not in headers:
            return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""
        return 307, {"Location": other + path}, b""

    assert read(stack.enter_context(played(here)), ACCOUNT)["Id"] == OLD
    assert shown == [None, None]


def test_an_answer_has_an_end_in_time(monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    monkeypatch.setattr(BoundedResponse, "seconds", 0)
    url = stack.enter_context(played(lambda _, path, *__: found(path)))
    with pytest.raises(NotReadable, match="within 0 seconds"):
        read(url)
