"""Streams of the server: who follows is called when something changed, and who does not listen is not waited for."""

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import until
from integration.http.conftest import HURRIED, received
from integration.test_metrics import samples
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.entrance import Listening
from registry_docker_updater.http.followers import BEAT, CHANGED, FOLLOWED, Following
from registry_docker_updater.http.guard import NoDeliveries
from registry_docker_updater.http.server import Server
from registry_docker_updater.http.together import Together
from registry_docker_updater.metrics import Metrics
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage

pytestmark = pytest.mark.slow

FOLLOW = b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n"


class Versions:
    """How new the one topic is."""

    def __init__(self) -> None:
        self.newest = "1"
        self.asked = 0
        self.fails = self.bug = False

    def __call__(self, topic: str) -> str | None:
        self.asked += 1
        if self.fails:
            raise StoreUnavailable("the disk is full")
        if self.bug:
            raise RuntimeError("a bug")
        return self.newest if topic == "known" else None


def follow(environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    environment[FOLLOWED].append(Following("known", "1", environment["REMOTE_ADDR"]))
    start("200 OK", [("Content-Type", "text/event-stream")])
    return [b""]


@pytest.fixture
def versions() -> Versions:
    return Versions()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def server(tmp_path: Path, versions: Versions, metrics: Metrics) -> Iterator[Server]:
    database = Database(tmp_path / "updater.db")
    together = Together(follow, Storage(database).events.record_all)
    server = Server(
        together,
        NoDeliveries(),
        Listening("127.0.0.1", 0, None),
        HURRIED,
        version=versions,
        metrics=metrics,
    )
    server.start()
    yield server
    server.stop()
    database.close()


def following(server: Server, request: bytes = FOLLOW, address: str = "127.0.0.1") -> socket.socket:
    follower = socket.create_connection(("127.0.0.1", server.port), 20, (address, 0))
    follower.sendall(request)
    return follower


def answered(stack: ExitStack, server: Server, address: str) -> bytes:
    """What somebody is answered who begins to follow from an address."""
    return read_until(stack.enter_context(following(server, address=address)), b"\r\n\r\n")


def counted(metrics: Metrics) -> dict[str, float]:
    """How many requests were answered with which status."""
    text = metrics.exposition(is_open=False)[1].decode()
    return {
        labels[2]: count for (name, labels), count in samples(text).items() if name == "http_requests_total"
    }


def read_until(follower: socket.socket, end: bytes) -> bytes:
    said = b""
    while end not in said:
        part = follower.recv(65536)
        assert part, said
        said += part
    return said


def test_a_stream_has_no_length_and_ends_with_its_connection(server: Server) -> None:
    with following(server) as follower:
        head = read_until(follower, b"\r\n\r\n").lower()
        assert b"content-length" not in head
        assert b"connection: close" in head
        server.stop()
        assert received(follower) == b""


def test_who_follows_is_called_once_for_each_change(server: Server, versions: Versions) -> None:
    with following(server) as follower:
        read_until(follower, b"\r\n\r\n")
        for newest in ("2", "3"):
            versions.newest = newest
            assert read_until(follower, b"\n\n") == CHANGED


def test_that_nothing_can_be_read_is_told_once_and_when_it_can_be_again(
    server: Server, versions: Versions
) -> None:
    with following(server) as follower:
        read_until(follower, b"\r\n\r\n")
        versions.fails = True
        assert read_until(follower, b"\n\n") == CHANGED
        follower.settimeout(2.5)
        with pytest.raises(TimeoutError):
            follower.recv(100)
        follower.settimeout(20)
        versions.fails = False
        assert read_until(follower, b"\n\n") == CHANGED


def test_a_bug_in_looking_leaves_pages_followed(
    server: Server, versions: Versions, caplog: pytest.LogCaptureFixture
) -> None:
    with following(server) as follower:
        read_until(follower, b"\r\n\r\n")
        versions.bug = True
        until(lambda: "a bug of the operator" in caplog.text)
        versions.bug, versions.newest = False, "2"
        assert read_until(follower, b"\n\n") == CHANGED


def test_who_takes_what_is_sent_late_gets_the_change_that_came_meanwhile(server: Server) -> None:
    with following(server) as follower:
        read_until(follower, b"\r\n\r\n")
        until(lambda: len(server._followers._following) == 1)
        (connection,) = server._followers._following
        for data in (b"x" * 16 * 2**20, CHANGED):
            server._loop.call_soon_threadsafe(connection.send_more, data)
        read = b""
        while not read.endswith(CHANGED):
            read = (read + follower.recv(2**20))[-100:]
            assert BEAT not in read


def test_a_stream_begins_anew_after_a_while(tmp_path: Path, versions: Versions) -> None:
    """Whoever follows is to be let in again."""
    database = Database(tmp_path / "updater.db")
    together = Together(follow, Storage(database).events.record_all)
    limits = replace(HURRIED, stream=0.5)
    server = Server(together, NoDeliveries(), Listening("127.0.0.1", 0, None), limits, version=versions)
    server.start()
    with following(server) as follower:
        assert received(follower).startswith(b"HTTP/1.1 200")
    server.stop()
    database.close()


def test_who_does_not_take_what_is_sent_is_ended_and_no_other(server: Server, versions: Versions) -> None:
    with following(server) as sleeper, following(server) as follower:
        read_until(follower, b"\r\n\r\n")
        until(lambda: len(server._followers._following) == 2)
        sleeping = next(
            one for one in server._followers._following if one.peer.port == sleeper.getsockname()[1]
        )
        server._loop.call_soon_threadsafe(sleeping.send_more, b"x" * 16 * 2**20)
        versions.newest = "2"
        assert read_until(follower, b"\n\n").startswith(b"event: changed")
        until(lambda: len(server._followers._following) == 1)
        versions.newest = "3"
        assert read_until(follower, b"\n\n").startswith(b"event: changed")


def test_a_stream_outlives_what_any_answer_may_take(server: Server, versions: Versions) -> None:
    with following(server) as follower:
        read_until(follower, b"\r\n\r\n")
        end = time.monotonic() + 3 * HURRIED.taken + 3 * HURRIED.idle
        until(lambda: time.monotonic() > end)
        versions.newest = "2"
        assert read_until(follower, b"\n\n").startswith(b"event: changed")


def test_nobody_takes_all_places_and_what_is_refused_is_counted_as_it_was_answered(
    server: Server, metrics: Metrics
) -> None:
    with ExitStack() as stack:
        for _ in range(50):
            assert answered(stack, server, "127.0.0.1").startswith(b"HTTP/1.1 200 ")
        last = FOLLOW.replace(b"Host: x", b"Host: x\r\nConnection: close")
        with following(server, last) as one_more:
            said = read_until(one_more, b"\r\n\r\n")
            assert said.startswith(b"HTTP/1.1 429 ")
            assert b"50 pages of 127.0.0.1 follow" in said + received(one_more)
        for _ in range(50):
            assert answered(stack, server, "127.0.0.2").startswith(b"HTTP/1.1 200 ")
        assert answered(stack, server, "127.0.0.3").startswith(b"HTTP/1.1 503 ")
        assert counted(metrics) == {"200": 100, "429": 1, "503": 1}
    until(lambda: not server._followers._following)
    with ExitStack() as stack:
        assert answered(stack, server, "127.0.0.1").startswith(b"HTTP/1.1 200 ")


def test_head_is_answered_and_follows_nothing(server: Server) -> None:
    with following(server, FOLLOW.replace(b"GET", b"HEAD")) as follower:
        assert b"content-length: 0" in read_until(follower, b"\r\n\r\n").lower()
    assert not server._followers._following


def test_nobody_is_looked_for_while_nobody_follows(server: Server, versions: Versions) -> None:
    with following(server) as follower:
        read_until(follower, b"\r\n\r\n")
        until(lambda: versions.asked)
    until(lambda: not server._followers._following)
    asked = versions.asked
    with pytest.raises(AssertionError):
        until(lambda: versions.asked > asked + 1, 2.5)
