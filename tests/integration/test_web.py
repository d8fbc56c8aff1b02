"""How a server is asked: what follows a redirect and what does not, through which proxy, and for how long."""

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.bounded_http import (
    BoundedResponse,
)

from integration.receivers import certificate
from integration.registries import played
from registry_docker_updater.edges.registry.client import RegistryClient
from registry_docker_updater.edges.registry.login import Login
from registry_docker_updater.edges.web import NoReply, Web
from registry_docker_updater.errors import RepositoryUnavailable
from unit.builders import NEW

Reply = tuple[int, Mapping[str, str], bytes]
TOKEN = json.dumps({"token": "good", "expires_in": 300}).encode()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


class Keeper:
    """Answers everything alike, and keeps what it was asked."""

    def __init__(self, stack: ExitStack, reply: Reply) -> None:
        self.asked: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.reply = reply
        self.url = stack.enter_context(played(self._answer))

    def _answer(self, *asked: Any) -> Reply:
        self.asked.append(asked)
        return self.reply


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "login", [Login(identity_token="secret"), Login("ci", "secret")], ids=["identity token", "password"]
)
def test_a_token_server_that_sends_on_to_another_gets_no_secret_there(
    stack: ExitStack, status: int, login: Login
) -> None:
    other = Keeper(stack, (200, {}, TOKEN))

    def answer(_method: str, path: str, headers: Mapping[str, str], _: bytes) -> Reply:
        if path.startswith("/token"):
            return status, {"Location": other.url + "/token"}, b""
        if headers.get("Authorization") == "Bearer good":
            return 200, {"Docker-Content-Digest": NEW}, b""
        return 401, {"WWW-Authenticate": f'Bearer realm="{url}/token",service="x"'}, b""

    url = stack.enter_context(played(answer))
    client = RegistryClient("production", url, lambda: login)
    if login.identity_token:
        with pytest.raises(RepositoryUnavailable, match=r"it sends us on to 'http://127.*another server"):
            client.find("test/app", "1")
        assert other.asked == []
    else:
        assert client.find("test/app", "1").digest == NEW
        assert [headers.get("Authorization") for *_, headers, _ in other.asked] == [None]


def test_a_token_server_that_sends_on_to_itself_is_followed_with_all_that_was_sent(stack: ExitStack) -> None:
    asked: list[tuple[str, str, bytes]] = []

    def answer(method: str, path: str, _: Mapping[str, str], body: bytes) -> Reply:
        asked.append((method, path, body))
        return (200, {}, TOKEN) if path == "/here" else (307, {"Location": "/here"}, b"")

    url = stack.enter_context(played(answer))
    assert Web().ask("POST", url + "/token", {"Authorization": "x"}, "a=b").body == TOKEN
    assert asked == [("POST", "/token", b"a=b"), ("POST", "/here", b"a=b")]


def test_what_is_asked_with_tls_is_asked_without_by_no_redirect(stack: ExitStack, tmp_path: Path) -> None:
    context, trusted = certificate(tmp_path)
    other = Keeper(stack, (200, {}, b""))
    url = stack.enter_context(played(lambda *_: (302, {"Location": other.url}, b""), context))
    with pytest.raises(NoReply, match="where it could be overheard"):
        Web(trusted).ask("GET", url, {})
    assert other.asked == []


@pytest.mark.parametrize("location", ["/again", "http://[", "file:///etc/passwd", "http://127.0.0.1:99999/"])
def test_a_redirect_that_leads_nowhere_ends_with_a_sentence(stack: ExitStack, location: str) -> None:
    url = stack.enter_context(played(lambda *_: (302, {"Location": location}, b"")))
    with pytest.raises(NoReply, match=r"\w"):
        Web().ask("GET", url, {})


def test_a_redirect_leads_through_the_proxy_that_is_for_its_goal(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Keeper(stack, (200, {}, b"through"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("http://", "http://me:s%3At@"))
    url = stack.enter_context(played(lambda *_: (302, {"Location": "http://blobs.example.com/x"}, b"")))
    assert Web().ask("GET", url, {"Authorization": "secret"}).body == b"through"
    ((_, path, headers, _),) = proxy.asked
    assert path == "http://blobs.example.com/x"
    assert headers["proxy-authorization"] == "Basic bWU6czp0"
    assert "Authorization" not in headers


def test_an_excepted_network_is_asked_without_the_proxy(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """192.0.2.0/24 belongs to nobody: what is asked of it directly never gets to the proxy."""
    proxy = Keeper(stack, (200, {}, b""))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    Web().ask("GET", "http://192.0.2.7/v2/", {})
    assert len(proxy.asked) == 1
    monkeypatch.setenv("NO_PROXY", "192.0.0.0/16")
    reached: list[Any] = []

    def connect(address: Any, *_: Any, **__: Any) -> socket.socket:
        reached.append(address)
        raise OSError("not from here")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with pytest.raises(NoReply):
        Web().ask("GET", "http://192.0.2.7/v2/", {})
    assert reached == [("192.0.2.7", 80)]
    assert len(proxy.asked) == 1


def test_a_proxy_that_is_down_is_named_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:1")
    with pytest.raises(NoReply, match=r"^the proxy: .*refused"):
        Web().ask("GET", "http://registry.example.com/v2/", {})


@pytest.mark.parametrize(
    "beginning",
    [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"],
    ids=["headers", "body"],
)
def test_an_answer_that_never_ends_is_given_up(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    """Though a byte of it comes now and then, before any timeout of a read."""
    monkeypatch.setattr(BoundedResponse, "seconds", 0.2)
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    is_over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection:
            connection.sendall(beginning)
            while not is_over.wait(0.01):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    def serve() -> None:
        while not is_over.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    stack.callback(is_over.set)
    with pytest.raises(NoReply, match="timed out"):
        Web().ask("GET", f"http://127.0.0.1:{server.getsockname()[1]}/", {})


def test_an_answer_that_is_too_long_is_given_up(stack: ExitStack) -> None:
    url = stack.enter_context(played(lambda *_: (200, {}, b"x" * (8 * 2**20 + 1))))
    with pytest.raises(NoReply, match="more than 8388608 bytes"):
        Web().ask("GET", url, {})
