"""The log, and what commands print: no text from outside forges a line or commands a terminal."""

import io
import logging
import os
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.conftest import Site, until
from registry_docker_updater.cli.log import log_to_stderr
from registry_docker_updater.cli.main import main
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.errors import BadSettings, UpdaterError
from registry_docker_updater.http.entrance import Listening
from registry_docker_updater.http.guard import DeliveryGuard
from registry_docker_updater.http.server import Server
from registry_docker_updater.http.together import Together
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.text import printable
from unit.builders import NEW

FORGED = "2026-11-22 12:00:00,000 INFO rollout 1: finished"
EVIL = f"no route\n{FORGED}\r\x1b[2J\x9b31m\u202e\u2066\u2028{FORGED}\u2029\x85{FORGED}\x0b\udcff\t\x00"
RAW = re.compile(r"[^\n -~\u00a1-\u00ac\u00ae-\ud7ff]|[\u2000-\u200f\u2028-\u202f\u2060-\u206f]")


def lines_of(text: str) -> list[str]:
    """The lines of a log; everything in it can be printed."""
    assert text.isprintable() or not RAW.search(text), ascii(text)
    return text.splitlines()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """The lines that a running operator has logged."""
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.level
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    log_to_stderr()
    yield lambda: lines_of(stream.getvalue())
    logging.captureWarnings(capture=False)
    root.setLevel(before)


Log = Callable[[], list[str]]


@given(st.text())
def test_whatever_a_text_holds_it_is_one_line_that_can_be_printed(text: str) -> None:
    line = printable(text)
    assert line.isprintable()
    assert len(line.splitlines()) <= 1


def test_what_can_be_printed_is_left_as_it_is_and_what_cannot_is_shown_by_its_number() -> None:
    assert printable("größer 映像 {{ x }} \\n") == "größer 映像 {{ x }} \\n"
    assert printable("a\n\x1b[0m\u202e\udcff") == r"a\n\x1b[0m\u202e\udcff"
    assert printable(None) == ""


def test_a_long_text_is_cut_and_says_by_how_much() -> None:
    assert printable("x" * 2000) == "x" * 2000
    assert printable("x" * 1_000_000) == f"{'x' * 2000}… (998000 more)"


def test_a_message_from_outside_is_one_line_of_the_log(log: Log) -> None:
    logging.getLogger("docker").warning("host %s: %s", "solo", EVIL)
    (line,) = log()
    assert re.match(r"\d{4}-\d\d-\d\d [\d:,]+ WARNING host solo: no route\\n2026", line)


def test_the_lines_of_a_traceback_are_indented_and_so_many(log: Log) -> None:
    def fail() -> None:
        raise ValueError(EVIL + "\n" * 5 + f"{FORGED}\n" * 100_000)

    try:
        fail()
    except ValueError:
        logging.getLogger("any").exception("a bug: %s", EVIL)
    first, *others = log()
    assert "ERROR a bug: no route" in first
    assert "    Traceback (most recent call last):" in others
    assert all(line.startswith("    ") for line in others)
    assert len(others) == 201
    assert any("more lines)" in line for line in others)


def test_threads_that_end_by_a_bug_and_warnings_are_logged_as_all_else(log: Log) -> None:
    def fail() -> None:
        raise RuntimeError(EVIL)

    thread = threading.Thread(target=fail, name="sweep")
    thread.start()
    thread.join()
    warnings.warn(EVIL, stacklevel=1)
    found = log()
    assert "ERROR a bug ended the thread sweep" in found[0]
    assert [line for line in found if not line.startswith(("    ", "20"))] == []
    assert not [line for line in found if line.startswith("2026-11-22 12:00:00")]
    assert any("WARNING" in line and "no route" in line for line in found)


def test_what_the_server_and_an_application_complain_about_is_logged_as_all_else(log: Log) -> None:
    def application(environment: Any, start: Any) -> Any:
        environment["wsgi.errors"].write(EVIL)
        if environment["PATH_INFO"] == "/bug":
            raise RuntimeError(EVIL)
        start("200 OK", [])
        return []

    server = Server(Together(application, lambda _: []), DeliveryGuard({}, 0), Listening("127.0.0.1", 0))
    server.start()
    for path in ("/", "/bug"):
        connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", path)
        connection.getresponse().read()
        connection.close()
    server.stop()
    found = log()
    assert len([line for line in found if line.startswith("20") and "ERROR no route" in line]) == 2
    assert any(line.startswith("    RuntimeError: no route") for line in found)
    assert [line for line in found if not line.startswith(("    ", "20"))] == []


def test_errors_of_commands_are_one_line_and_those_of_settings_one_for_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert UpdaterError(EVIL).lines == (EVIL,)
    Output(sys.stdout, sys.stderr).remark(*BadSettings("config.yml", [EVIL, "b"]).lines)
    assert len(lines_of(capsys.readouterr().err)) == 3
    assert main(["--config", f"/nowhere/{EVIL[:40]}", "events"]) == 1
    line, _ = lines_of(capsys.readouterr().err)
    assert line.startswith("registry-docker-updater: /nowhere/no route\\n2026")


def test_letters_that_a_terminal_does_not_have_are_no_bug(site: Site) -> None:
    site.state.mkdir()
    database = Database(site.state / "updater.db")
    now = datetime.now(UTC)
    Storage(database).events.record("production", [Push("production", "a", "1", NEW, now, "1", "größe")], now)
    database.close()
    done = subprocess.run(
        [sys.executable, "-m", "registry_docker_updater", "--config", str(site.config), "events"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii:strict"},
        check=False,
    )
    assert rb"gr\xf6\xdfe" in done.stdout
    assert b"Traceback" not in done.stderr


def test_the_running_operator_logs_what_an_engine_says_in_one_line(site: Site) -> None:
    site.hosts["evil"] = {
        "docker_engine": {"docker_host": f"unix:///nowhere/\n{FORGED}\x1b[2J", "timeout": 5}
    }
    site.write()
    with site.operator() as operator:
        until(lambda: "host evil" in operator.log.read_text())
    found = lines_of(operator.log.read_text())
    assert [line for line in found if FORGED in line and r"\n2026" not in line] == []
    assert [line for line in found if "host evil" in line and FORGED in line]
