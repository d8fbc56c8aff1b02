"""Peers that know no secret: they hold up nobody, cost next to nothing, and cannot fill the log."""

import http.client
import logging
import re
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from integration.conftest import until
from integration.http.conftest import LIMIT, PUSH, SECRET, Listener, counts, listening, received
from registry_docker_updater.http.connection import Connection
from registry_docker_updater.http.head import Answer
from registry_docker_updater.http.limits import Limits

T = TypeVar("T")
# Short, so that a test need not wait; that a byte now and then prolongs nothing is the same.
HURRIED = Limits(handshake=0.4, idle=0.6, head=0.4, body=0.4, taken=0.4, closed=0.4, quiet=0.1, slowed=0)

POST = b"POST /events/production HTTP/1.1\r\nHost: x\r\nAuthorization: s3cret\r\n"
STRANGER = b"POST /events/production HTTP/1.1\r\nHost: x\r\n"
MIB = 2**20


@pytest.fixture(params=["plain", "tls"])
def hurried(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Listener]:
    with listening(tmp_path, HURRIED, with_tls=request.param == "tls") as made:
        yield made


def connections(listener: Listener) -> int:
    return len(listener.server._entrance.gate)


def silent(listener: Listener) -> socket.socket:
    """A connection that says nothing: not even the handshake."""
    return socket.create_connection(("127.0.0.1", listener.server.port), 20)


def together(does: Callable[[T], bytes], cases: Sequence[T]) -> list[bytes]:
    """What it gives for each case, all of them at the same time."""
    with ThreadPoolExecutor(len(cases)) as threads:
        return list(threads.map(does, cases))


# Waiting for one holds up nobody else.


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"POST /events/prod",
        b"POST /events/production HTTP/1.1\r\nHost: x\r\nAuthor",
        STRANGER + b"Content-Length: 1000000\r\n\r\nabc",
        POST + b"Content-Length: 90000\r\n\r\nabc",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
    ids=["nothing", "request line", "headers", "refused body", "body", "chunk"],
)
def test_peers_that_stop_in_the_middle_hold_up_nobody(either: Listener, said: bytes) -> None:
    with ExitStack() as opened:
        for _ in range(100):
            opened.enter_context(either.raw()).sendall(said)
        assert either.send(PUSH) == (202, counts(accepted=1))


def test_peers_that_begin_no_handshake_hold_up_nobody(tmp_path: Path) -> None:
    with listening(tmp_path, with_tls=True) as listener, ExitStack() as opened:
        for _ in range(100):
            opened.enter_context(silent(listener))
        assert listener.send(PUSH) == (202, counts(accepted=1))


DRIPPING = [
    (b"POST /", b"x", b"408"),
    (b"POST /events/production HTTP/1.1\r\n", b"X", b"408"),
    (POST + b"Content-Length: 90000\r\n\r\n", b"x", b"408"),
    (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", b"408"),
    (STRANGER + b"Content-Length: 90000\r\n\r\n", b"x", b"401"),
]


def test_a_byte_now_and_then_does_not_prolong_what_a_peer_has(hurried: Listener) -> None:
    def drip(said: bytes, more: bytes) -> bytes:
        with hurried.raw() as sender:
            sender.sendall(said)
            sender.settimeout(0.05)
            for _ in range(200):
                try:
                    return sender.recv(65536)
                except TimeoutError:
                    sender.sendall(more)
        raise AssertionError("it may take as long as it likes")

    answers = together(lambda one: drip(one[0], one[1]), DRIPPING)
    assert [answer.split()[1] for answer in answers] == [status for *_, status in DRIPPING]
    until(lambda: connections(hurried) == 0)


def test_a_handshake_has_a_time(tmp_path: Path) -> None:
    with listening(tmp_path, HURRIED, with_tls=True) as listener, silent(listener) as sender:
        assert received(sender) == b""
        until(lambda: connections(listener) == 0)


def test_a_connection_that_nobody_uses_is_closed_without_a_word(
    hurried: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    with hurried.raw() as sender:
        assert received(sender) == b""
    connection = hurried.connect()
    assert hurried.ask("GET", "/healthz", connection=connection)[0] == 200
    assert connection.sock
    assert connection.sock.recv(1) == b""
    assert not caplog.records


def test_a_peer_that_does_not_take_its_answer_is_left(tmp_path: Path) -> None:
    with listening(tmp_path, HURRIED) as listener:
        for number in range(300):
            listener.send(b"%d garbage " % number * 2000)
        with listener.raw() as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            for _ in range(20):
                sender.sendall(b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")
            until(lambda: connections(listener) == 1)
            until(lambda: connections(listener) == 0)
        assert listener.send(PUSH)[0] == 202


@pytest.mark.parametrize("with_tls", [False, True])
def test_who_waits_longest_gives_way_to_who_comes_and_never_a_known_sender(
    tmp_path: Path, *, with_tls: bool
) -> None:
    limits = Limits(most=30, most_each=10)
    with listening(tmp_path, limits, with_tls=with_tls) as listener, ExitStack() as opened:
        sending = opened.enter_context(listener.raw())
        sending.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(PUSH))
        kept = listener.connect()
        assert listener.ask("GET", "/healthz", connection=kept)[0] == 200
        silent_ones = [opened.enter_context(silent(listener)) for _ in range(40)]
        until(lambda: connections(listener) == 10)
        assert received(silent_ones[0]) == b""
        assert listener.send(PUSH, connection=kept) == (202, counts(accepted=1))
        sending.sendall(PUSH)
        assert b" 202 Accepted" in sending.recv(65536)


def test_one_address_cannot_take_the_places_of_all(tmp_path: Path) -> None:
    limits = Limits(most=30, most_each=25)
    with listening(tmp_path, limits) as listener, ExitStack() as opened:
        for number in range(100):
            address = "127.0.0.2" if number % 2 else f"127.0.1.{number}"
            opened.enter_context(listener.raw(address))
        until(lambda: connections(listener) == 30)
        assert listener.send(PUSH) == (202, counts(accepted=1))


# What strangers send is not kept.


@pytest.mark.parametrize(
    ("before", "part", "status"),
    [
        (b"GET /", b"x", b"414"),
        (b"GET / HTTP/1.1\r\nX: ", b"x", b"431"),
        (b"GET / HTTP/1.1\r\n", b"X: y\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nX", b"x", b"431"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (400 * MIB), b"x", b"413"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x", b"400"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"x", b"400"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"0", b"400"),
        (POST + b"Content-Length: 400000000\r\n\r\n", b"x", b"413"),
        (STRANGER + b"Content-Length: 400000000\r\n\r\n", b"x", b"401"),
        (STRANGER + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (400 * MIB), b"x", b"401"),
        (b"\x16\x03\x01", b"x", b"400"),
    ],
    ids=[
        *(
            "request line",
            "header",
            "headers",
            "name of a header",
            "chunk",
            "extension of a chunk",
            "trailer",
        ),
        *("size of a chunk", "body", "refused body", "refused chunk", "no HTTP"),
    ],
)
def test_what_is_too_long_is_refused_early_and_costs_no_memory(
    either: Listener, before: bytes, part: bytes, status: bytes
) -> None:
    memory = psutil.Process().memory_info
    either.send(PUSH)
    block = part * (MIB // len(part))
    rss = memory().rss
    with either.raw() as sender:
        sender.sendall(before)
        for _ in range(60):
            sender.sendall(block)
        assert sender.recv(65536).split()[1] == status
    assert memory().rss - rss < 20 * MIB
    assert either.send(PUSH) == (202, counts(duplicates=1))


def test_thousands_of_requests_at_once_are_answered_one_by_one_in_their_order(either: Listener) -> None:
    wanted = [b"404" if number % 3 else b"200" for number in range(3000)]
    asked = b"".join(
        b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"nothing" if one == b"404" else b"healthz")
        for one in wanted
    )
    last = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with either.raw() as sender:
        sender.sendall(asked + last)
        answer = received(sender)
    assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [*wanted, b"200"]


# Framing is read in one way only.


AMBIGUOUS = [
    b"Content-Length: -1\r\n\r\n",
    b"Content-Length: +5\r\n\r\nhello",
    b"Content-Length: 5_0\r\n\r\n" + b"x" * 50,
    b"Content-Length: 0x5\r\n\r\nhello",
    b"Content-Length: 5, 5\r\n\r\nhello",
    b"Content-Length:\r\n\r\n",
    b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"Transfer-Encoding : chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5_0\r\nhello\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
    b"X: a\r\n b\r\nContent-Length: 5\r\n\r\nhello",
    b"X: a\nContent-Length: 5\r\n\r\nhello",
    b"X: a\0b\r\nContent-Length: 5\r\n\r\nhello",
]


def test_framing_that_could_be_read_in_two_ways_is_400_and_closed(either: Listener) -> None:
    behind = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    answers = together(either.answer_to, [POST + framing + behind for framing in AMBIGUOUS])
    assert [answer.split()[1] for answer in answers] == [b"400"] * len(AMBIGUOUS)
    assert [answer.count(b"HTTP/1.1 ") for answer in answers] == [1] * len(AMBIGUOUS)
    assert all(b"Connection: close" in answer for answer in answers)
    assert either.ask("GET", "/api/events") == (200, [])


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n400\r\n"]
)
def test_a_body_shorter_than_its_length_is_400_and_nothing_is_kept(
    listener: Listener, framing: bytes
) -> None:
    with listener.raw() as sender:
        sender.sendall(POST + framing + b'{"events": []}')
        sender.shutdown(socket.SHUT_WR)
        assert received(sender).split()[1] == b"400"
    assert listener.ask("GET", "/api/events") == (200, [])


FOREIGN = [
    (b"GET / HTTP/2.0\r\n\r\n", b"505"),
    (b"GET /\r\n\r\n", b"505"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"400"),
    (b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"400"),
    (b"BREW / HTTP/1.1\r\n\r\n", b"400"),
    (b"GET nowhere HTTP/1.1\r\n\r\n", b"400"),
    (b"GET / x HTTP/1.1\r\n\r\n", b"400"),
    (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", b"501"),
    (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"501"),
]


def test_what_is_not_spoken_here_is_said_so_and_closed(either: Listener) -> None:
    answers = together(either.answer_to, [said for said, _ in FOREIGN])
    assert [answer.split()[1] for answer in answers] == [status for _, status in FOREIGN]


def test_old_http_and_offers_of_newer_are_answered_as_what_they_are(either: Listener) -> None:
    length = b"Content-Length: %d\r\n\r\n" % len(PUSH)
    old = POST.replace(b"1.1", b"1.0") + length + PUSH
    assert either.answer_to(old).split()[1] == b"202"
    newer = POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + length + PUSH
    assert either.answer_to(newer).split()[1] == b"202"


def test_a_sender_that_asks_whether_to_go_on_is_told_so_only_where_its_body_is_wanted(
    either: Listener,
) -> None:
    asks = b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(PUSH)
    with either.raw() as sender:
        sender.sendall(POST + asks)
        assert sender.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sender.sendall(PUSH)
        assert sender.recv(65536).split()[1] == b"202"
    assert either.answer_to(STRANGER + asks).split()[1] == b"401"


def test_a_header_with_an_underscore_does_not_pass_for_another(either: Listener) -> None:
    said = STRANGER + b"X: y\r\nauthorization_: s3cret\r\nContent-Length: 2\r\n\r\n{}"
    assert either.answer_to(said).split()[1] == b"401"


# What is said of it in the log.


@pytest.mark.parametrize(
    "said",
    [
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 100_000 + b"\r\n",
        POST + b"Content-Length: 1000\r\n\r\nab",
        b"GET /" + b"a" * 7000 + b" HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
        b"POST /" + b"%0A%1b%5b31m" * 500 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /events/" + b"%0A2026" * 500 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\0" * 5000,
    ],
    ids=["cut off", "bad size", "long size", "short", "long path", "evil path", "evil registry", "no HTTP"],
)
@pytest.mark.parametrize("ends", ["waits", "resets"])
def test_whatever_a_stranger_sends_is_one_short_line_in_the_log(
    hurried: Listener, caplog: pytest.LogCaptureFixture, said: bytes, ends: str
) -> None:
    caplog.set_level(logging.INFO)
    with hurried.raw() as sender:
        sender.sendall(said)
        if ends == "waits":
            assert received(sender).split()[1] in (b"400", b"404", b"405", b"408")
        else:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: connections(hurried) == 0)
    lines = [one for one in caplog.records if one.name != "asyncio" or one.levelno > logging.DEBUG]
    assert len(lines) <= 1
    for line in lines:
        assert len(line.getMessage()) <= 200
        assert line.getMessage().isprintable()
        assert not line.exc_info
    assert hurried.send(PUSH)[0] == 202


def test_a_flood_of_refusals_does_not_fill_the_log(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", listener.server.port, timeout=20)
    for number in range(200):
        connection.request("POST", f"/events/nobody{number}")
        assert connection.getresponse().read()
    assert len(caplog.records) <= 10
    assert listener.send(b"x" * LIMIT, headers=SECRET)[0] == 202


# Peers that go away at the worst moment.


def vanish(sender: socket.socket) -> None:
    """End a connection by a reset, as a peer does whose process is killed."""
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sender.close()


def test_peers_that_vanish_when_they_are_answered_take_nobody_with_them(
    hurried: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    senders = [hurried.raw() for _ in range(100)]
    for sender in senders:
        sender.sendall(b"GET /")
    assert senders[0].recv(100).split()[1] == b"408"
    for sender in senders:
        vanish(sender)
    until(lambda: connections(hurried) == 0)
    assert hurried.server.is_listening
    assert hurried.send(PUSH)[0] == 202
    assert not [one for one in caplog.records if one.exc_info]


def test_peers_that_vanish_after_a_refused_head_leave_no_place_taken(
    hurried: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(100):
        sender = hurried.raw()
        sender.sendall(STRANGER + b"Content-Length: 1000\r\n\r\nabc")
        if number % 2:
            sender.close()
        else:
            vanish(sender)
    until(lambda: connections(hurried) == 0)
    assert not hurried.server._entrance.connections
    assert not [one for one in caplog.records if one.exc_info]


def test_what_is_asked_for_nobody_any_more_is_not_answered(listener: Listener) -> None:
    long = b"GET /api/events HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 30_000 + b"\r\n\r\n"
    for _ in range(500):
        sender = listener.raw()
        sender.sendall(long)
        vanish(sender)
        assert len(listener.server._others) <= Limits.most
    assert listener.ask("GET", "/readyz")[0] == 200


def test_requests_without_end_on_one_connection_cost_no_memory(either: Listener) -> None:
    memory = psutil.Process().memory_info
    block = b"GET /healthz HTTP/1.1\r\n\r\n" * 4000
    with either.raw() as sender:
        sender.sendall(block[:26])
        assert sender.recv(65536).split()[1] == b"200"
        rss = memory().rss
        sender.settimeout(0.2)
        with suppress(TimeoutError):
            for _ in range(100):
                sender.sendall(block)
    assert memory().rss - rss < 20 * MIB


def test_a_flood_of_connections_takes_no_more_sockets_than_there_are_places(either: Listener) -> None:
    most = 0
    with ExitStack() as opened:
        for _ in range(700):
            opened.enter_context(silent(either))
            most = max(most, len(either.server._entrance.connections))
        assert most <= Limits.most + 60
        assert either.send(PUSH) == (202, counts(accepted=1))


def test_one_answer_that_cannot_be_given_keeps_no_other_from_being_given(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Connection.answer
    failed: list[Connection] = []

    def fails_once(connection: Connection, given: Answer) -> None:
        if not failed:
            failed.append(connection)
            raise RuntimeError("a bug")
        answer(connection, given)

    monkeypatch.setattr(Connection, "answer", fails_once)
    with listener.raw() as unlucky:
        unlucky.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(PUSH) + PUSH)
        until(lambda: failed)
        assert listener.send(PUSH) == (202, counts(duplicates=1))


def test_nobody_chooses_the_address_that_is_in_the_log(
    either: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(40):
        headers = {"Authorization": "wrong", "X-Forwarded-For": f"10.9.9.{number}: all is well"}
        assert either.ask("POST", f"/events/{'production' if number % 2 else 'nobody'}", b"{}", headers)[
            0
        ] in (401, 404)
    assert 0 < len(caplog.records) <= 10
    assert not [one for one in caplog.records if "10.9.9" in one.getMessage()]


def test_a_secret_in_an_address_is_neither_in_the_log_nor_in_an_answer(
    hurried: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the address is wrong, as behind a proxy that leaves its own prefix there."""
    for path in (
        "/events/nobody/s3cret",
        "/events/harbor/s3cret",
        "/events/harbor/s3cret/x",
        "/updater/events/harbor/s3cret",
        "/event/harbor/s3cret",
        "//events/harbor/s3cret",
    ):
        status, content = hurried.ask("POST", path, b"{}")
        assert status == 404
        assert "s3cret" not in content["error"]
    hurried.answer_to(b"POST /events/harbor/s3cret HTTP/1.1\r\nContent-Length: 5\r\nX: y")
    assert caplog.records
    assert not [one for one in caplog.records if "s3cret" in one.getMessage()]


def test_a_head_is_answered_as_the_whole_would_be(either: Listener) -> None:
    whole = either.answer_to(b"GET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n")
    head = either.answer_to(b"HEAD /readyz HTTP/1.1\r\nConnection: close\r\n\r\n")
    (length,) = re.findall(rb"Content-Length: (\d+)", whole)
    assert head.endswith(b"\r\n\r\n")
    assert re.findall(rb"Content-Length: (\d+)", head) == [length]


def test_a_path_that_two_readers_would_read_in_two_ways_is_refused(either: Listener) -> None:
    said = POST.replace(b"production", b"production%FF") + b"Content-Length: 2\r\n\r\n{}"
    assert either.answer_to(said).split()[1] == b"400"


def test_chunks_of_http_1_0_end_the_connection(either: Listener) -> None:
    said = (
        POST.replace(b"1.1", b"1.0")
        + b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n"
    )
    answer = either.answer_to(said)
    assert answer.split()[1] == b"202"
    assert b"Connection: close" in answer
