"""Whatever is logged is one line that can be printed."""

import json
import logging
import os
import re
import subprocess
import sys
import threading
import warnings
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.conftest import Site
from integration.log.lines import EVIL, FORGED, Log, lines_of
from registry_docker_updater.activities.workers import Workers, do
from registry_docker_updater.cli.main import main
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.errors import BadSettings, UpdaterError, WasStopped
from registry_docker_updater.http.entrance import Listening
from registry_docker_updater.http.guard import DeliveryGuard
from registry_docker_updater.http.server import Server
from registry_docker_updater.http.together import Together
from registry_docker_updater.log_context import about
from registry_docker_updater.settings.model import Log as LogSettings
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.text import printable
from unit.builders import NEW


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
    assert re.match(r"\d{4}-\d\d-\d\d [\d:.Z]+ WARNING host solo: no route\\n2026", line)


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
        environment["wsgi.errors"].write(EVIL + environment["PATH_INFO"])
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


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_is_part_of_its_line_in_both_formats(form: Literal["text", "json"], log: Log) -> None:
    log.logs.change(LogSettings(format=form))
    try:
        raise ValueError(EVIL)  # noqa: TRY301
    except ValueError:
        logging.getLogger("any").exception("a bug")
    if form == "json":
        (line,) = log()
        assert any(one.startswith(r"ValueError: no route") for one in json.loads(line)["traceback"])
    else:
        assert any(line.startswith("    ValueError: no route") for line in log())


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_line_is_about_can_be_printed_as_all_else(form: Literal["text", "json"], log: Log) -> None:
    log.logs.change(LogSettings(format=form))
    with about(target=EVIL):
        logging.getLogger("any").warning("it failed")
    (line,) = log()
    assert r"\u202e" in line
    if form == "json":
        assert json.loads(line)["target"].isprintable()


def test_work_that_is_handed_on_is_about_the_same(log: Log) -> None:
    done = threading.Event()
    workers = Workers(1, done.set)
    with about(event=7, rollout=3):
        workers.submit(lambda: logging.getLogger("any").warning("from a thread"))
    done.wait(10)
    workers.finish()
    assert log()[0].endswith("WARNING event 7, rollout 3: from a thread")


def test_what_is_not_done_because_the_operator_ends_is_no_error(log: Log) -> None:
    def is_stopped() -> None:
        raise WasStopped("the scan was stopped")

    do(is_stopped, lambda: None)
    (line,) = log()
    assert line.endswith("INFO the scan was stopped")
