"""While a database is brought up to date, the port answers: the process lives, is not ready, and takes no events yet."""

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.conftest import SECRET, Site, until
from integration.upgrades.dump import HERE
from integration.upgrades.older import restored
from registry_docker_updater.http.entrance import Listening
from registry_docker_updater.http.meanwhile import UPGRADING, answering

ASKED = (
    ("GET", "/healthz", 200, {"status": "alive"}),
    ("GET", "/readyz", 503, {"status": "upgrading"}),
    ("POST", "/events/production", 503, {"error": "upgrading: ask again in 10 seconds"}),
    ("GET", "/", 503, {"error": "upgrading: ask again in 10 seconds"}),
)


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, Any, str | None]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(method, path, body, {"Authorization": f"Bearer {SECRET}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.getheader("Retry-After")


@pytest.mark.parametrize(("method", "path", "status", "said"), ASKED)
def test_whoever_asks_meanwhile_is_told_why_and_when_to_ask_again(
    method: str, path: str, status: int, said: dict[str, str]
) -> None:
    with answering([Listening("127.0.0.1", 0)], UPGRADING) as (server,):
        # Registries send more than is read of who is not known.
        body = b"x" * 300_000 if method == "POST" else None
        assert ask(server.port, method, path, body) == (status, said, "10")


def test_of_the_api_it_is_told_as_all_else_that_is_wrong_there() -> None:
    with answering([Listening("127.0.0.1", 0)], UPGRADING) as (server,):
        status, problem, _ = ask(server.port, "GET", "/api/v1/events")
    assert (status, problem["title"], problem["detail"]) == (
        503,
        "Service Unavailable",
        "upgrading: ask again in 10 seconds",
    )


@contextmanager
def held_up(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process writes, as it were: the tables cannot be changed until the transaction ends."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        yield connection


@pytest.mark.slow
def test_an_operator_that_upgrades_answers_meanwhile_and_works_afterwards(site: Site) -> None:
    site.add_host("solo")
    path = restored(HERE / "0012.sql", site.state / "updater.db")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    settings = yaml.safe_load(site.config.read_text())
    settings["listen"]["port"] = port
    site.config.write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "registry_docker_updater", "--config", str(site.config), "serve"]
    log = site.folder / "operator.log"
    with held_up(path) as other, log.open("w") as out:
        process = subprocess.Popen(command, stderr=out, env={**os.environ, "SHOPS_SECRET": "hunter2"})
        try:
            until(lambda: is_listening(port))
            for method, asked, status, said in ASKED:
                assert ask(port, method, asked) == (status, said, "10")
            other.execute("ROLLBACK")
            until(lambda: is_ready(port))
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log.read_text()
    assert "the database was brought to" in log.read_text()
    assert len(list((site.state / "upgrades").iterdir())) == 1


def is_ready(port: int) -> bool:
    # Between the two there is a moment in which nobody listens.
    with suppress(OSError, http.client.HTTPException):
        return ask(port, "GET", "/readyz")[0] == 200
    return False


def is_listening(port: int) -> bool:
    with closing(socket.socket()) as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
