"""What peers send: read in one way only, and never kept where it is not wanted."""

import re
import socket

import psutil
import pytest

from integration.http.conftest import PUSH, Listener, counts, received
from integration.http.strangers import MIB, POST, STRANGER, together


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
