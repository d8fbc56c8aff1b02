"""Commands that ask a server which does not answer as an operator does: a line says what is wrong, and what to do."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.bounded_http import (
    BoundedResponse,
)
from urllib3 import Timeout

from registry_docker_updater.cli.main import main
from registry_docker_updater.cli.server import Server
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.views.pushes import PushRow
from unit.builders import HOST, NEW

TOKEN = "a-token-to-operate"
PUSH = ("push", f"{HOST}/test/app:1@{NEW}")
# What is told of a push of which nobody knows whether it was done.
PERHAPS = "it may have been done all the same: see `events` and `rollouts` before it is asked again"
Answer = bytes | None


def answer(status: str, body: bytes = b"", kind: str = "application/json", **headers: str) -> bytes:
    """All that a server sends, as it stands on the wire."""
    given = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _request(connection: socket.socket) -> str:
    """A whole request: whoever closes before all of it was read has the other end thrown out, and not answered."""
    asked = b""
    while not (found := re.fullmatch(rb"(?s)(.*?)\r\n\r\n(.*)", asked)) or len(found[2]) < _length(found[1]):
        part = connection.recv(65536)
        if not part:
            break
        asked += part
    return asked.decode()


def _length(head: bytes) -> int:
    given = re.search(rb"(?i)content-length: *(\d+)", head)
    return int(given[1]) if given else 0


class Played:
    """A socket that answers each connection with the next of some bytes, the last of them again and again, or never (None)."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)
        self._kept: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.asked.append(_request(connection))
                said = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if said is None:
                    self._kept.append(connection)
                    continue
                connection.sendall(said)
                connection.close()

    def close(self) -> None:
        for one in (self._listening, *self._kept):
            one.close()


@pytest.fixture
def server() -> Iterator[Callable[..., Played]]:
    made: list[Played] = []

    def serve(*answers: Answer) -> Played:
        made.append(Played(answers))
        return made[-1]

    yield serve
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited before something was asked again; nothing is waited for."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "REGISTRY_DOCKER_UPDATER_SERVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REGISTRY_DOCKER_UPDATER_TOKEN", TOKEN)
    monkeypatch.setattr("registry_docker_updater.edges.web._TIMEOUT", Timeout(connect=5, read=1.0))
    waited: list[float] = []
    monkeypatch.setattr("registry_docker_updater.cli.server.time.sleep", waited.append)
    return waited


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command says of a server, in one line; it ends with 1, and prints nothing else."""

    def ask(url: str, *command: str) -> str:
        assert main(["--server", url, *command]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("registry-docker-updater: ")
        assert printed.err.count("\n") == 1
        assert TOKEN not in printed.err
        return printed.err

    return ask


Said = Callable[..., str]
Serve = Callable[..., Played]


def sent_on(location: str, status: str = "308 Permanent Redirect") -> bytes:
    return answer(status, Location=location)


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_a_server_that_sends_on_to_another_is_not_followed_and_the_token_stays_here(
    server: Serve, said: Said, status: str
) -> None:
    other = server(answer("200 OK", b'{"items": [], "next": null}'))
    for command, path in ((("events",), "/api/v1/events?limit=20"), (PUSH, "/api/v1/pushes")):
        here = server(sent_on(other.url + path, status))
        assert f"{here.url} sends you to {other.url}: use --server {other.url}\n" in said(here.url, *command)
        assert len(here.asked) == 1
    assert other.asked == []


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        (
            "https://updater.example.com/api/v1/events?limit=20",
            "sends you to https://updater.example.com: use --server https://updater.example.com, if that is the operator's",
        ),
        ("https://127.0.0.1/api/v1/events?limit=20", "sends you to https://127.0.0.1: use --server https://127.0.0.1\n"),
        ("/operator/api/v1/events?limit=20", "/operator: use --server http://127.0.0.1:"),
        ("https://sso.example.com/login?to=x", "sends you on to 'https://sso.example.com/login?to=x', which is no operator"),
        ("https://x;reboot/api/v1/events?limit=20", "sends you on to 'https://x;reboot/api/v1/events?limit=20', which is"),
        ("http://[x]/api/v1/events?limit=20", "sends you on to 'http://[x]/api/v1/events?limit=20', which is no operator"),
        ("http://[", "sends you on to 'http://[', which is no operator: --server is to be an address at which"),
    ],
)  # fmt: skip
def test_where_a_server_sends_on_to_is_named_with_what_to_do(
    server: Serve, said: Said, location: str, sentence: str
) -> None:
    assert sentence in said(server(sent_on(location)).url, "events")


CUT = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"items": ['
CUT_CHUNK = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"items": ['


@pytest.mark.parametrize(
    ("answered", "sentence"),
    [
        (CUT, "gives no answer that can be read: it closed the connection in the middle of its answer"),
        (CUT_CHUNK, "gives no answer that can be read: it closed the connection in the middle of its answer"),
        (b"", "gives no answer that can be read: Remote end closed connection without response"),
        (None, "gives no answer that can be read: it does not answer in time"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "gives no answer that can be read: SSH-2.0-OpenSSH_9.2"),
        (
            answer("503 Service Unavailable", b"<html>", "text/html"),
            "is no operator, or something before it answers: 503, 'text/html', and no JSON",
        ),
        (answer("503 Service Unavailable", b'{"detail": "no space left"}'), "answers 503: no space left"),
        (answer("502 Bad Gateway", b"[]"), "is no operator, or something before it answers: 502"),
    ],
)
def test_what_is_no_answer_is_told_and_a_push_is_asked_for_again_with_its_key(
    server: Serve, said: Said, answered: Answer, sentence: str
) -> None:
    assert sentence in said(server(answered).url, "events")
    pushed = server(answered)
    line = said(pushed.url, *PUSH)
    assert sentence in line
    assert PERHAPS in line
    keys = [part for one in pushed.asked for part in one.splitlines() if part.startswith("Idempotency-Key: ")]
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_server_that_sends_a_byte_now_and_then_is_not_waited_for_for_ever(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedResponse, "seconds", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            with suppress(OSError):
                connection, _ = listening.accept()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
                while connection.recv(1):
                    connection.sendall(b" ")

        threading.Thread(target=drip, daemon=True).start()
        before = time.monotonic()
        assert "it does not answer in time" in said(
            f"http://127.0.0.1:{listening.getsockname()[1]}", "events"
        )
        assert time.monotonic() - before < 5


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (
            "http://updater.invalid",
            "cannot reach http://updater.invalid: Failed to resolve 'updater.invalid'",
        ),
        (
            "https://updater.invalid",
            "cannot reach https://updater.invalid: Failed to resolve 'updater.invalid'",
        ),
        ("http://127.0.0.1:1", "Connection refused; is the address right, and does the operator work?"),
        ("http://[::1", "--server http://[::1 is no address such as https://updater.example.com"),
        ("http://127.0.0.1:99999", "is no address such as"),
        ("http://127.0.0.1:x", "is no address such as"),
        ("http://a b", "is no address such as"),
        ("http://ann:secret@[", "a user or password stands in the address"),
    ],
)
def test_a_server_that_nobody_reaches_was_asked_for_nothing(
    capsys: pytest.CaptureFixture[str], url: str, sentence: str
) -> None:
    for command in (("events",), PUSH):
        assert main(["--server", url, *command]) == 1
        # That a token would go in the clear is said before it is asked.
        line = capsys.readouterr().err.splitlines()[-1]
        assert sentence in line
        assert "may have been done" not in line
        assert "secret" not in line


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_says_when_to_ask_again_is_asked_then(
    server: Serve, said: Said, pauses: list[float], status: int
) -> None:
    busy = answer(f"{status} Later", b'{"detail": "busy"}', Retry_After="7")
    here = server(busy)
    line = said(here.url, *PUSH)
    assert f"answers {status}: busy; it says to ask again in 7 seconds" in line
    assert (pauses, len(here.asked)) == ([7.0, 7.0], 3)
    # One that asks for moderation did nothing.
    assert (PERHAPS in line) is (status == 503)


def test_a_server_that_wants_to_be_left_alone_for_long_is(
    server: Serve, said: Said, pauses: list[float]
) -> None:
    here = server(answer("503 Later", b"<html>", "text/html", Retry_After="3600"))
    assert "and no JSON; it says to ask again in 3600 seconds" in said(here.url, *PUSH)
    assert (pauses, len(here.asked)) == ([], 1)


@pytest.mark.parametrize(
    ("answered", "sentence"),
    [
        (answer("401 Unauthorized", b'{"detail": "x"}'), "does not know this token: give --token-file, or set"),
        (answer("403 Forbidden", b'{"detail": "bob may read"}'), "does not allow this: bob may read"),
        (answer("403 Forbidden", b"<html>", "text/html"), "something before it answers: 403, 'text/html', and no JSON"),
        (answer("200 OK", b"<html>Log in</html>", "text/html"), "answers: 200, 'text/html', and no JSON"),
        (answer("302 Found"), "something before it answers: 302"),
        (answer("304 Not Modified"), "something before it answers: 304"),
    ],
)  # fmt: skip
def test_what_is_refused_is_asked_once(server: Serve, said: Said, answered: Answer, sentence: str) -> None:
    here = server(answered)
    assert sentence in said(here.url, *PUSH)
    assert len(here.asked) == 1


def row(**changed: Any) -> bytes:
    return json.dumps(dict.fromkeys(PushRow.__annotations__) | changed).encode()


def test_what_is_followed_is_sent_again_only_where_it_has_changed(server: Serve) -> None:
    here = server(
        answer("200 OK", row(push=1), ETag='"one"'),
        answer("304 Not Modified"),
        answer("200 OK", row(push=2), ETag='"two"'),
        answer("304 Not Modified"),
    )
    asked = Server(here.url)
    assert [asked.followed("pushes/1", PushRow)["push"] for _ in range(4)] == [1, 1, 2, 2]
    known = [[part for part in one.splitlines() if part.startswith("If-None-Match")] for one in here.asked]
    assert known == [[], ['If-None-Match: "one"'], ['If-None-Match: "one"'], ['If-None-Match: "two"']]


def test_a_304_to_who_knows_nothing_is_no_answer(server: Serve) -> None:
    with pytest.raises(UpdaterError, match="answers: 304"):
        Server(server(answer("304 Not Modified")).url).followed("pushes/1", PushRow)
