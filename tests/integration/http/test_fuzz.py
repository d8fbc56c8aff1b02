"""Whatever comes, the running server answers it as one of the codes that the docs have, and nothing is logged with a trace."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.http.conftest import PAYLOADS, PUSH, SECRET, Listener, listening, received
from registry_docker_updater.http.limits import Limits

EXAMPLES = [
    json.loads(path.read_text()) for path in sorted(PAYLOADS.glob("*.json")) if "sequence" not in path.name
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
REQUEST = (
    b"POST /events/production HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\nContent-Length: %d\r\n\r\n%b"
    % (len(PUSH), PUSH)
)
CHUNKED = (
    b"POST /events/harbor HTTP/1.1\r\nHost: x\r\nAuthorization: s3cret\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x;a=b\r\n%b\r\n0\r\nX: y\r\n\r\n" % (len(PUSH), PUSH)
)
PIECES = [
    b"\r\n",
    b"\n",
    b"\0",
    b"\xff",
    b" ",
    b"Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"0\r\n\r\n",
]
CODES = {200, 202, 400, 401, 404, 405, 408, 413, 414, 431, 501, 505}
often = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Listener]:
    with listening(tmp_path, Limits(head=1, body=1, quiet=0.05, slowed=0)) as made:
        yield made


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """An example with something in it that no registry sends."""
    content = json.loads(json.dumps(draw(st.sampled_from(EXAMPLES))))
    for _ in range(draw(st.integers(0, 3))):
        at = content
        while isinstance(at, dict | list) and at:
            key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
            if not isinstance(at[key], dict | list) or draw(st.booleans()):
                at[key] = draw(ANY_JSON)
                break
            at = at[key]
    return content


@often
@given(content=changed(), registry=st.sampled_from(("production", "harbor", "nobody")), known=st.booleans())
def test_payloads_that_were_changed(
    quick: Listener, caplog: pytest.LogCaptureFixture, content: Any, registry: str, *, known: bool
) -> None:
    headers = SECRET if known else {"Authorization": "wrong"}
    status, answer = quick.ask("POST", f"/events/{registry}", json.dumps(content).encode(), headers)
    assert status in ({202, 400} if known and registry != "nobody" else {401, 404})
    assert set(answer) in ({"error"}, {"accepted", "ignored", "duplicates", "unreadable"})
    assert not [one for one in caplog.records if one.exc_info]
    assert quick.ask("GET", "/api/events")[0] == 200


@often
@given(
    said=st.sampled_from((REQUEST, CHUNKED, REQUEST + CHUNKED + REQUEST)),
    at=st.integers(0, 400),
    length=st.integers(0, 30),
    put=st.sampled_from(PIECES) | st.binary(max_size=40),
    cut=st.integers(0, 3000),
)
def test_bytes_that_were_changed(
    quick: Listener, caplog: pytest.LogCaptureFixture, said: bytes, at: int, length: int, put: bytes, cut: int
) -> None:
    with quick.raw() as sender:
        sender.sendall((said[:at] + put + said[at + length :])[:cut])
        sender.shutdown(socket.SHUT_WR)
        answer = received(sender)
    codes = [int(code) for code in re.findall(rb"^HTTP/1\.1 (\d{3}) ", answer, re.MULTILINE)]
    assert set(codes) <= CODES
    assert not [one for one in caplog.records if one.exc_info]
    assert quick.ask("GET", "/healthz")[0] == 200
