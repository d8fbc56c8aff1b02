"""What the log says of peers that know no secret: little, of what can be printed, and no secret."""

import http.client
import logging
import socket
import struct

import pytest

from integration.conftest import until
from integration.http.conftest import LIMIT, PUSH, SECRET, Listener, received
from integration.http.strangers import POST, connections

pytestmark = pytest.mark.slow


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
