"""Peers that wait, or go away at the worst moment: they hold up nobody, and take nobody with them."""

import socket
import struct
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from integration.conftest import until
from integration.http.conftest import HURRIED, PUSH, Listener, counts, listening, received
from integration.http.strangers import MIB, POST, STRANGER, connections, silent, together
from registry_docker_updater.http.connection import Connection
from registry_docker_updater.http.head import Answer
from registry_docker_updater.http.limits import Limits


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


def vanish(sender: socket.socket) -> None:
    """End a connection by a reset, as a peer does whose process is killed."""
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sender.close()


def test_peers_that_vanish_when_they_are_answered_take_nobody_with_them(
    hurried: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    senders = []
    for _ in range(100):
        senders.append(hurried.raw())
        # At once: a hundred handshakes can take longer than the first of them is waited for.
        senders[-1].sendall(b"GET /")
    assert senders[0].recv(100).split()[1] == b"408"
    for sender in senders:
        vanish(sender)
    until(lambda: connections(hurried) == 0)
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
