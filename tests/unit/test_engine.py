"""The client of the engine API, against an HTTP server on a unix socket."""

import base64
import json
import socket
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    Conflict,
    EngineError,
    EngineUnreachable,
    NoAnswer,
    NotFound,
)

from unit.builders import OLD
from unit.engines import Answer, Asked, PlayedEngine, played_engine


@pytest.fixture
def played() -> Iterator[PlayedEngine]:
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        played_engine(Path(folder) / "docker.sock", {}) as engine,
    ):
        yield engine


def client(played: PlayedEngine, **options: Any) -> Engine:
    return Engine({"docker_host": played.address, "timeout": 5, **options})


def test_the_highest_version_that_the_engine_offers_is_spoken(played: PlayedEngine) -> None:
    played.answers["/info"] = Answer({"ID": "x"})
    engine = client(played)
    assert engine.get("/info") == engine.get("/info") == {"ID": "x"}
    assert [asked.path for asked in played.asked] == ["/_ping", "/v1.47/info", "/v1.47/info"]
    assert engine.speaks("1.47")
    assert engine.speaks("1.9")
    assert not engine.speaks("1.48")


@pytest.mark.parametrize("version", ["", "../../x", "1.47/../..", "1.47\t", "v1.47", "1"])
def test_a_version_that_is_none_is_not_put_into_a_path(played: PlayedEngine, version: str) -> None:
    played.answers["/_ping"] = Answer(b"OK", headers={"Api-Version": version})
    assert client(played).api_version == "1.24"


def test_an_older_version_can_be_asked_for(played: PlayedEngine) -> None:
    played.answers["/info"] = Answer({})
    client(played).get("/info", api_version="1.41")
    assert played.asked[-1].path == "/v1.41/info"


def test_what_is_asked_arrives_as_the_engine_reads_it(played: PlayedEngine) -> None:
    played.answers["/services/a b/update"] = played.answers["/services/a%20b/update"] = Answer(
        {"Warnings": None}
    )
    answer = client(played).post(
        "/services/a b/update",
        {"version": 7, "force": True, "none": None, "filters": {"label": ["x"]}},
        {"Image": "é"},
        auth={"username": "ci", "password": "s3cret?>"},
    )
    asked = played.asked[-1]
    assert answer == {"Warnings": None}
    assert (asked.method, asked.path) == ("POST", "/v1.47/services/a%20b/update")
    assert asked.query == {"version": "7", "force": "true", "filters": '{"label": ["x"]}'}
    assert json.loads(asked.body) == {"Image": "é"}
    assert asked.headers["Content-Type"] == "application/json"
    auth = asked.headers["X-Registry-Auth"]
    assert json.loads(base64.urlsafe_b64decode(auth)) == {"username": "ci", "password": "s3cret?>"}
    assert not set(auth) & set("+/")


def test_without_credentials_and_body_no_header_speaks_of_them(played: PlayedEngine) -> None:
    played.answers["/x"] = Answer({})
    client(played).get("/x")
    assert not {"X-Registry-Auth", "Content-Type"} & set(played.asked[-1].headers)


def test_an_answer_is_json_text_or_nothing(played: PlayedEngine) -> None:
    played.answers["/text"] = Answer(b"caf\xc3\xa9 \xff", headers={"Content-Type": "text/plain"})
    played.answers["/nothing"] = Answer(b"", 204)
    assert client(played).get("/text") == "café \ufffd"
    assert client(played).delete("/nothing") is None


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (409, Conflict), (500, EngineError), (400, EngineError)]
)
def test_an_error_says_what_the_engine_said_and_to_what(
    played: PlayedEngine, status: int, kind: type[EngineError]
) -> None:
    played.answers["/containers/x/json"] = Answer({"message": "no such container\n"}, status)
    with pytest.raises(EngineError) as error:
        client(played).get("/containers/x/json", {"token": "s3cret"})
    assert type(error.value) is kind
    assert (error.value.status, error.value.message) == (status, "no such container")
    assert str(error.value) == f"no such container (HTTP {status} to GET /v1.47/containers/x/json)"


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"plain words\n", "plain words"), (b"", "no message"), (b"[]", "[]"), (b"{}", "{}")],
)
def test_an_error_without_a_message_is_told_as_it_is(played: PlayedEngine, body: bytes, message: str) -> None:
    played.answers["/x"] = Answer(body, 500)
    with pytest.raises(EngineError) as error:
        client(played).get("/x")
    assert error.value.message == message


def test_an_engine_that_closes_without_an_answer_may_have_done_it(played: PlayedEngine) -> None:
    played.answers["/x"] = Answer(cut_off=True)
    with pytest.raises(NoAnswer, match=r"no answer to POST /v1\.47/x"):
        client(played).post("/x")


def test_an_answer_cut_off_in_the_middle_is_no_answer(played: PlayedEngine) -> None:
    played.answers["/x"] = Answer(b'{"ID": ', headers={"Content-Length": "100"})
    with pytest.raises(NoAnswer):
        client(played).get("/x")


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'"\xff"'], ids=["cut", "deep", "no text"])
def test_an_answer_that_cannot_be_read_is_no_answer(played: PlayedEngine, body: bytes) -> None:
    """And no traceback: it may have been carried out."""
    played.answers["/info"] = Answer(body, headers={"Content-Type": "application/json"})
    played.answers["/images/create"] = Answer(body + b"\n")
    with pytest.raises(NoAnswer, match="no answer to GET /info that can be read"):
        client(played).get("/info")
    with pytest.raises(NoAnswer, match="no answer to POST /images/create that can be read"):
        list(client(played).stream("/images/create"))


def test_an_engine_that_stays_silent_is_given_up_after_the_timeout(played: PlayedEngine) -> None:
    def slowly(_: Asked) -> Answer:
        time.sleep(0.5)
        return Answer({})

    played.answers["/x"] = slowly
    engine = client(played)
    assert engine.api_version
    with pytest.raises(NoAnswer, match="timed out"):
        engine.get("/x", timeout=0.1)
    assert engine.get("/x", timeout=5) == {}


def test_the_objects_of_a_stream_come_one_by_one(played: PlayedEngine) -> None:
    played.answers["/images/create"] = Answer(b'{"status": "a"}\r\n\r\n{"status": "b"}\n')
    assert [one["status"] for one in client(played).stream("/images/create")] == ["a", "b"]


def test_a_stream_cut_off_in_the_middle_is_no_answer(played: PlayedEngine) -> None:
    chunk = b'{"status": "a"}\n'
    played.answers["/images/create"] = Answer(
        b"%x\r\n%b\r\n20\r\n{" % (len(chunk), chunk),
        headers={"Transfer-Encoding": "chunked", "Content-Length": ""},
    )
    with pytest.raises(NoAnswer):
        list(client(played).stream("/images/create"))


def test_a_pull_asks_for_exactly_the_digest(played: PlayedEngine) -> None:
    played.answers["/images/create"] = Answer(b'{"status": "done"}\n')
    client(played).pull("r.example.com/app", OLD, {"username": "ci", "password": "x"}, "linux/arm64")
    asked = played.asked[-1]
    assert asked.query == {"fromImage": "r.example.com/app", "tag": OLD, "platform": "linux/arm64"}
    assert "X-Registry-Auth" in asked.headers


@pytest.mark.parametrize("error", [{"errorDetail": {"message": "denied"}, "error": "x"}, {"error": "denied"}])
def test_a_pull_that_fails_inside_a_good_answer_is_an_error(
    played: PlayedEngine, error: dict[str, Any]
) -> None:
    played.answers["/images/create"] = Answer(b'{"status": "a"}\n' + json.dumps(error).encode() + b"\n")
    with pytest.raises(EngineError, match=f"denied .*pull r.example.com/app@{OLD}"):
        client(played).pull("r.example.com/app", OLD)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("unix:///nowhere/docker.sock", "there is no such socket"),
        ("tcp://127.0.0.1:1", "is the Docker engine running there?"),
        ("ssh://host", "is not unix:///path, tcp://host:port or https://host:port"),
        ("nonsense", "is not unix:///path"),
        ("tcp://", "is not unix:///path"),
    ],
)
def test_an_engine_that_cannot_be_reached_is_named_with_a_hint(address: str, words: str) -> None:
    with pytest.raises(EngineUnreachable) as error:
        Engine({"docker_host": address, "timeout": 2}).get("/info")
    assert address in str(error.value)
    assert words in str(error.value)


def test_a_connection_waits_in_line_while_the_queue_of_the_socket_is_full(tmp_path: Path) -> None:
    with full_socket(tmp_path / "full.sock") as full, ThreadPoolExecutor() as threads:
        connection = Engine({"docker_host": f"unix://{full.getsockname()}"}).connect(30)
        connecting = threads.submit(connection.connect)
        with pytest.raises(TimeoutError):
            connecting.result(0.3)

        full.accept()[0].close()

        assert connecting.result(30) is None
        connection.close()


def test_a_socket_whose_queue_stays_full_is_unreachable_after_the_timeout(tmp_path: Path) -> None:
    with full_socket(tmp_path / "full.sock") as full:
        engine = Engine({"docker_host": f"unix://{full.getsockname()}", "timeout": 0.2})

        with pytest.raises(EngineUnreachable, match=r"queue of connections is full for 0\.2 s"):
            engine.get("/info")


@contextmanager
def full_socket(path: Path) -> Iterator[socket.socket]:
    """A socket that nobody accepts from, with one connection in its queue, and room for none more."""
    with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as first:
        full.bind(str(path))
        full.listen(0)
        first.connect(str(path))
        yield full


def test_a_socket_that_nobody_serves_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "docker.sock").write_text("")
    with pytest.raises(EngineUnreachable, match="is the Docker engine running there"):
        Engine({"docker_host": f"unix://{tmp_path}/docker.sock"}).get("/info")


@pytest.mark.parametrize("option", ["ca_path", "client_cert", "client_key"])
def test_a_file_for_tls_that_is_not_there_is_named(option: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pem")
    options = {"docker_host": "tcp://127.0.0.1:1", "tls": True, option: missing}
    with pytest.raises(EngineUnreachable, match=f"{option}: cannot read {missing}"):
        Engine(options).get("/info")


def test_a_file_for_tls_that_holds_something_else_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    options = {"docker_host": "tcp://127.0.0.1:1", "tls": True, "ca_path": str(tmp_path / "ca.pem")}
    with pytest.raises(EngineUnreachable, match="ca_path and client_cert are to be PEM"):
        Engine(options).get("/info")
