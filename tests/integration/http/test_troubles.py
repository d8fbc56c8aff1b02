"""The server in trouble: bodies without end, senders that stop, a database that cannot be written, kills."""

import http.client
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from integration.http.conftest import LIMIT, PUSH, SECRET, Listener, counts, listen
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.http.entrance import Certificate, Listening
from registry_docker_updater.http.guard import DeliveryGuard
from registry_docker_updater.http.server import Server
from registry_docker_updater.http.together import Together
from registry_docker_updater.storage import events as store_of_events
from registry_docker_updater.storage.arrivals import keep_arrived
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import events


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


def test_while_the_database_cannot_be_written_the_answer_is_503_and_nothing_is_kept(
    listener: Listener,
) -> None:
    """Somebody else holds its lock for longer than we wait."""
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


def test_a_listing_of_a_database_that_does_not_answer_is_503_and_one_line_in_the_log(
    listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite3.connect(listener.path) as other:
        other.execute("DROP TABLE hosts")
    status, content = listener.ask("GET", "/api/fleet")
    assert status == 503
    assert "does not answer" in content["error"]
    (record,) = caplog.records
    assert not record.exc_info


def _server(listening: Listening) -> Server:
    return Server(Together(lambda *_: [], lambda _: []), DeliveryGuard({}, 0), listening)


def test_an_address_in_use_is_told_in_a_sentence(listener: Listener) -> None:
    with pytest.raises(UpdaterError, match=f"cannot listen on 127.0.0.1:{listener.server.port}: "):
        _server(Listening("127.0.0.1", listener.server.port))


def test_a_key_that_does_not_fit_its_certificate_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(UpdaterError, match="cannot listen on"):
        _server(Listening("127.0.0.1", 0, Certificate(str(tmp_path / "bad.pem"), str(tmp_path / "bad.pem"))))


_SERVE = """
import sys, time
from pathlib import Path
from integration.http.conftest import listen
print(listen(Path(sys.argv[1])).server.port, flush=True)
time.sleep(60)
"""


def test_an_event_answered_202_survives_that_the_operator_is_killed_at_once(tmp_path: Path) -> None:
    roots = [str(Path(__file__).parents[2]), *sys.path]
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

    def slowly(*given: Any) -> Any:
        entered.set()
        go_on.wait(10)
        return keep_arrived(*given)

    monkeypatch.setattr(store_of_events, "keep_arrived", slowly)
    with ThreadPoolExecutor(2) as pool:
        sent = pool.submit(listener.send, PUSH)
        assert entered.wait(10)
        stop: Callable[[], None] = listener.server.stop
        stopping = pool.submit(stop)
        go_on.set()
        assert sent.result(10) == (202, counts(accepted=1))
        stopping.result(20)
    listener.database.close()
