"""The HTTP interface, through the real server on loopback: what registries send, and what they are answered."""

import http.client
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from integration.receivers import certificate
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.http import bodies
from registry_docker_updater.http.api import Api
from registry_docker_updater.http.application import application
from registry_docker_updater.http.receiver import Receiver, Source
from registry_docker_updater.http.server import Server
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import events
from unit.builders import HOST, container, fleet, whole

PAYLOADS = Path(__file__).parents[1] / "payloads"
PUSH = (PAYLOADS / "distribution2-push-tag.json").read_bytes()
MULTI = json.loads((PAYLOADS / "sequence-distribution2-multiarch-push.json").read_text())
HARBOR_PUSH = (PAYLOADS / "harbor28-push-artifact.json").read_bytes()
LIMIT = 100_000
SECRET = {"Authorization": "Bearer s3cret"}


@dataclass
class Listener:
    """A running listener, and a sender that keeps its connection."""

    path: Path
    database: Database
    store: Storage
    server: Server
    outages: list[str]
    woken: list[bool] = field(default_factory=list)
    is_ready: bool = True

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str | bytes] | None = None,
        connection: http.client.HTTPConnection | None = None,
        **more: Any,
    ) -> tuple[int, Any]:
        through = connection or self.connect()
        through.request(method, path, body, headers or {}, **more)
        answer = through.getresponse()
        assert answer.getheader("Content-Type", "").startswith("application/json")
        content = json.loads(answer.read())
        if not connection:
            through.close()
        return answer.status, content

    def send(self, body: Any, registry: str = "production", **more: Any) -> tuple[int, Any]:
        return self.ask("POST", f"/events/{registry}", body, {**SECRET, **more.pop("headers", {})}, **more)


def listen(folder: Path, tls: tuple[str, str] | None = None) -> Listener:
    path = folder / "updater.db"
    database = Database(path)
    store = Storage(database)
    sources = {
        "production": Source("production", FORMATS["distribution"], "s3cret"),
        "harbor": Source("harbor", FORMATS["harbor"], "s3cret"),
        "international": Source("international", FORMATS["harbor"], "pässwörd ☃"),
    }
    outages: list[str] = []
    woken: list[bool] = []
    receiver = Receiver(
        sources=sources,
        body_limit=LIMIT,
        storage=store,
        wake=lambda: woken.append(True),
        outage=outages.append,
        clock=utc_now,
    )
    server = Server(application(receiver, Api(store, lambda: made.is_ready)), "127.0.0.1", 0, tls)
    server._server.expiration_interval = 0.02  # how soon it notices that it is to stop
    made = Listener(path, database, store, server, outages, woken)
    server.start()
    return made


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    made = listen(tmp_path)
    yield made
    made.server.stop()
    made.database.close()


def counts(accepted: int = 0, ignored: int = 0, duplicates: int = 0, unreadable: int = 0) -> dict[str, int]:
    return {"accepted": accepted, "ignored": ignored, "duplicates": duplicates, "unreadable": unreadable}


def test_a_push_is_answered_202_once_it_is_stored_and_wakes_the_loop(listener: Listener) -> None:
    assert listener.send(PUSH) == (202, counts(accepted=1))
    assert listener.woken
    with sqlite3.connect(listener.path) as other:
        assert other.execute("SELECT repository, tag FROM events").fetchall() == [("team/app", "v1")]


def test_an_event_sent_again_is_a_duplicate_and_wakes_nobody(listener: Listener) -> None:
    listener.send(PUSH)
    listener.woken.clear()
    assert listener.send(PUSH) == (202, counts(duplicates=1))
    assert not listener.woken


def test_a_push_of_several_platforms_is_one(listener: Listener) -> None:
    answers = [listener.send(request["body"].encode()) for request in MULTI]
    assert [status for status, _ in answers] == [202] * 7
    assert [content for _, content in answers] == [counts(ignored=1)] * 6 + [counts(accepted=1)]


def test_what_distribution_sends_and_nobody_can_read_is_kept_and_shown(listener: Listener) -> None:
    assert listener.send(b"\xff garbage") == (202, counts(unreadable=1))
    assert listener.send(b'{"events": [{"action": "push", "target": 7}]}') == (202, counts(unreadable=1))
    assert not listener.woken
    _, rows = listener.ask("GET", "/api/events")
    assert [row["kind"] for row in rows] == ["unreadable", "unreadable"]
    assert rows[1]["content"] == "\\xff garbage"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 5000,
        b'{"events": [' + b"[" * 900 + b"]" * 900 + b"]}",
        b'{"events": [NaN, 1e999, "\\ud800\\u0000"]}',
    ],
    ids=["cut off", "deep", "numbers and characters"],
)
def test_the_worst_that_can_be_kept_does_not_hinder_the_listing(listener: Listener, body: bytes) -> None:
    status, _ = listener.send(body)
    assert status == 202
    connection = listener.connect()
    connection.request("GET", "/api/events")
    text = connection.getresponse().read()
    (*_, row) = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert row["kind"] == "unreadable"


def test_what_harbor_sends_and_nobody_can_read_is_refused(listener: Listener) -> None:
    status, content = listener.send(b"{}", "harbor")
    assert status == 400
    assert "not an event of format harbor" in content["error"]
    assert listener.send(HARBOR_PUSH, "harbor") == (202, counts(accepted=1))


@pytest.mark.parametrize("given", ["s3cret", "Bearer s3cret"])
def test_the_secret_is_taken_with_and_without_bearer(listener: Listener, given: str) -> None:
    assert listener.ask("POST", "/events/harbor", HARBOR_PUSH, {"Authorization": given})[0] == 202


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer ", "bearer s3cret", "Bearer s3cre", "s3cret1", "Basic s3cret", "S3CRET", "\xff"],
)
def test_anything_else_is_401_and_nothing_is_kept(listener: Listener, given: str) -> None:
    status, content = listener.ask("POST", "/events/production", PUSH, {"Authorization": given})
    assert (status, content) == (401, {"error": "wrong or missing Authorization for registry 'production'"})
    assert listener.ask("POST", "/events/production", PUSH)[0] == 401
    assert listener.ask("GET", "/api/events") == (200, [])


def test_the_secret_of_a_registry_may_hold_any_character(listener: Listener) -> None:
    for given, status in (("Bearer pässwörd ☃", 202), ("pässwörd ☃", 202), ("Bearer passwörd ☃", 401)):
        headers = {"Authorization": given.encode()}
        assert listener.ask("POST", "/events/international", HARBOR_PUSH, headers)[0] == status


def test_a_registry_that_is_not_in_the_settings_is_404(listener: Listener) -> None:
    status, content = listener.send(PUSH, "nobody")
    assert (status, content) == (404, {"error": "no registry 'nobody' in the settings"})


@pytest.mark.parametrize("path", ["/events/nobody", "/events/production/", "/event/production"])
def test_a_registry_that_sends_elsewhere_is_seen_in_the_log(
    listener: Listener, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    assert listener.ask("POST", path, PUSH)[0] == 404
    assert ["404 for " in record.message for record in caplog.records] == [True]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/nothing", 404),
        ("POST", "/events", 404),
        ("POST", "/events/production/x", 404),
        ("GET", "/events/production", 405),
        ("PUT", "/events/production", 405),
        ("POST", "/api/events", 405),
        ("DELETE", "/api/rollouts/1", 405),
        ("GET", "/api/rollouts/one", 404),
    ],
)
def test_what_there_is_not_is_refused_as_json_and_the_connection_stays(
    listener: Listener, method: str, path: str, status: int
) -> None:
    connection = listener.connect()
    body = None if method == "GET" else b"x" * 50_000
    assert listener.ask(method, path, body, connection=connection)[0] == status
    sock = connection.sock
    assert listener.ask("GET", "/healthz", connection=connection)[0] == 200
    assert connection.sock is sock


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413_and_the_sender_hears_it(listener: Listener, chunked: bool) -> None:
    body = b"x" * (40 * LIMIT)
    given = iter([body[at : at + 65536] for at in range(0, len(body), 65536)]) if chunked else body
    status, content = listener.send(given, encode_chunked=chunked) if chunked else listener.send(given)
    assert status == 413
    assert "listen.body_limit" in content["error"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_up_to_the_limit_is_read_however_it_comes(listener: Listener, chunked: bool) -> None:
    body = PUSH + b" " * (LIMIT - len(PUSH))
    given = iter([body[at : at + 7000] for at in range(0, len(body), 7000)]) if chunked else body
    assert listener.send(given)[0] == 202
    assert listener.send(PUSH + b" " * (LIMIT - len(PUSH) + 1))[0] == 413


@pytest.mark.parametrize(
    ("registry", "secret", "status"), [("production", "wrong", 401), ("nobody", "s3cret", 404)]
)
def test_after_a_refusal_the_same_connection_works_for_the_next_event(
    listener: Listener, registry: str, secret: str, status: int
) -> None:
    connection = listener.connect()
    for body in (PUSH, iter([PUSH, b" " * 70_000])):
        headers = {"Authorization": secret}
        assert (
            listener.ask("POST", f"/events/{registry}", body, headers, connection, encode_chunked=False)[0]
            == status
        )
        sock = connection.sock
        assert listener.send(PUSH, connection=connection)[0] == 202
        assert connection.sock is sock


@pytest.mark.parametrize("path", ["/events/nobody", "/nothing", "/healthz"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_without_end_is_hung_up_on(
    listener: Listener, path: str, chunked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is neither kept in memory nor taken for the next request."""
    monkeypatch.setattr(bodies, "_LARGEST_DISCARDED", 200_000)
    with socket.create_connection(("127.0.0.1", listener.server.port), timeout=20) as sender:
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {10**12}"
        method = "GET" if path == "/healthz" else "POST"
        sender.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode())
        block = b"x" * 65536
        answer = b""
        try:
            for _ in range(40):
                sender.sendall(b"10000\r\n" + block + b"\r\n" if chunked else block)
            while received := sender.recv(65536):
                answer += received
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert answer.count(b"HTTP/1.1") <= 1
    assert b" 413 " in answer or not answer


def test_a_sender_that_stops_in_the_middle_leaves_nothing(listener: Listener) -> None:
    with socket.create_connection(("127.0.0.1", listener.server.port), timeout=5) as sender:
        sender.sendall(
            b"POST /events/production HTTP/1.1\r\nHost: x\r\nAuthorization: s3cret\r\nContent-Length: 1000\r\n\r\n"
            b'{"events": []}'
        )
        sender.shutdown(socket.SHUT_WR)
        sender.recv(65536)
    _, rows = listener.ask("GET", "/api/events")
    assert [row["kind"] for row in rows] in ([], ["unreadable"])
    assert listener.send(PUSH)[0] == 202


def test_while_the_database_cannot_be_written_the_answer_is_503_and_nothing_is_kept(
    listener: Listener,
) -> None:
    """Somebody else holds its lock for longer than we wait, which is made short here."""

    def hurry(connection: Any, *_: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 100")

    event.listen(listener.database._reader, "checkout", hurry)
    with sqlite3.connect(listener.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert listener.send(PUSH) == (503, {"error": "not stored; send it again"})
        other.execute("ROLLBACK")
    assert not listener.woken
    assert listener.outages == ["production"]
    assert listener.ask("GET", "/api/events") == (200, [])
    assert listener.send(PUSH) == (202, counts(accepted=1))
    assert listener.outages == ["production"]


def test_when_the_disk_is_full_the_answer_is_503_until_there_is_room(listener: Listener) -> None:
    def fill(connection: Any, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {1 if is_full else 2**30}")

    is_full = True
    event.listen(listener.database._reader, "checkout", fill)
    big = b'{"events": [{"x": "' + b"y" * 50_000 + b'"}]}'
    assert listener.send(big)[0] == 503
    is_full = False
    assert listener.ask("GET", "/api/events") == (200, [])
    assert listener.send(big)[0] == 202


def test_a_listing_of_a_database_that_does_not_answer_is_503(listener: Listener) -> None:
    with sqlite3.connect(listener.path) as other:
        other.execute("DROP TABLE hosts")
    status, content = listener.ask("GET", "/api/fleet")
    assert status == 503
    assert "does not answer" in content["error"]


def test_the_listings_are_json(listener: Listener) -> None:
    listener.send(PUSH)
    listener.store.fleet.apply(whole(fleet(container())))
    status, events = listener.ask("GET", "/api/events")
    assert (status, events[0]["repository"], events[0]["occurred_at"]) == (
        200,
        "team/app",
        "2026-11-22T10:59:05.514Z",
    )
    assert listener.ask("GET", "/api/rollouts") == (200, [])
    status, fleet_ = listener.ask("GET", "/api/fleet")
    assert (status, fleet_["targets"][0]["reference"]) == (200, f"{HOST}/test/app:1")
    for number in ("1", "0", "-1", "9" * 30):
        status, content = listener.ask("GET", f"/api/rollouts/{number}")
        assert (status, f"no rollout {number}" in content["error"]) == (404, True)


def test_health_is_always_and_readiness_only_while_the_loop_works(listener: Listener) -> None:
    assert listener.ask("GET", "/readyz") == (200, {"status": "ready"})
    listener.is_ready = False
    assert listener.ask("GET", "/readyz")[0] == 503
    assert listener.ask("GET", "/healthz")[0] == 200


def test_of_many_senders_of_one_event_exactly_one_is_accepted(listener: Listener) -> None:
    with ThreadPoolExecutor(12) as senders:
        answers = list(senders.map(lambda _: listener.send(PUSH), range(36)))
    assert {status for status, _ in answers} == {202}
    assert sum(content["accepted"] for _, content in answers) == 1
    assert sum(content["duplicates"] for _, content in answers) == 35


def test_events_come_over_tls_with_the_certificate_of_the_settings(tmp_path: Path) -> None:
    _, certificate_path = certificate(tmp_path)
    listener = listen(tmp_path, (str(certificate_path), str(certificate_path.with_suffix(".key"))))
    try:
        trusting = ssl.create_default_context(cafile=str(certificate_path))
        connection = http.client.HTTPSConnection(
            "127.0.0.1", listener.server.port, context=trusting, timeout=20
        )
        assert listener.send(PUSH, connection=connection) == (202, counts(accepted=1))
        connection.close()
        stranger = http.client.HTTPSConnection("127.0.0.1", listener.server.port, timeout=20)
        with pytest.raises(ssl.SSLCertVerificationError):
            stranger.request("GET", "/healthz")
    finally:
        listener.server.stop()
        listener.database.close()


def test_an_address_in_use_is_told_in_a_sentence(listener: Listener) -> None:
    with pytest.raises(UpdaterError, match=f"cannot listen on 127.0.0.1:{listener.server.port}: "):
        Server(None, "127.0.0.1", listener.server.port, None)


def test_a_key_that_does_not_fit_its_certificate_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(UpdaterError, match="cannot listen on"):
        Server(None, "127.0.0.1", 0, (str(tmp_path / "bad.pem"), str(tmp_path / "bad.pem")))


_SERVE = """
import sys, time
from pathlib import Path
from integration.test_http import listen
print(listen(Path(sys.argv[1])).server.port, flush=True)
time.sleep(60)
"""


def test_an_event_answered_202_survives_that_the_operator_is_killed_at_once(tmp_path: Path) -> None:
    roots = [str(Path(__file__).parents[1]), *sys.path]
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(roots)},
    )
    try:
        assert process.stdout
        port = int(process.stdout.readline())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/events/production", PUSH, SECRET)
        status = connection.getresponse().status
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()
    assert status == 202
    (row,) = events(Storage(Database(tmp_path / "updater.db")), 10)
    assert (row["repository"], row["tag"]) == ("team/app", "v1")


def test_what_is_being_answered_is_finished_before_the_server_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = listen(tmp_path)
    entered, go_on = threading.Event(), threading.Event()
    record = listener.store.events.record

    def slowly(*given: Any) -> Any:
        entered.set()
        go_on.wait(10)
        return record(*given)

    monkeypatch.setattr(listener.store.events, "record", slowly)
    with ThreadPoolExecutor(2) as pool:
        sent = pool.submit(listener.send, PUSH)
        assert entered.wait(10)
        stop: Callable[[], None] = listener.server.stop
        stopping = pool.submit(stop)
        go_on.set()
        assert sent.result(10) == (202, counts(accepted=1))
        stopping.result(20)
    listener.database.close()
