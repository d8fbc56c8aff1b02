"""The log, and what commands print: no text from outside forges a line or commands a terminal."""

import io
import itertools
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.conftest import Running, Site, until
from integration.keeping import begin, push, record
from integration.test_operator import APP, ended_rollouts, event, scanned
from integration.test_settings_again import change, hang_up
from registry_docker_updater.activities.reconcile import _log_matches
from registry_docker_updater.activities.workers import Workers
from registry_docker_updater.cli.log import LineFormatter, Repeats, log_to_stderr
from registry_docker_updater.cli.log import Log as Logging
from registry_docker_updater.cli.main import main
from registry_docker_updater.cli.output import Output
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.rollouts.verdicts import DUE
from registry_docker_updater.errors import BadSettings, UpdaterError
from registry_docker_updater.http.entrance import Listening
from registry_docker_updater.http.guard import DeliveryGuard
from registry_docker_updater.http.server import Server
from registry_docker_updater.http.together import Together
from registry_docker_updater.log_context import ROUTINE, UNLIKE_OTHERS, about
from registry_docker_updater.settings.model import Log as LogSettings
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.text import printable
from unit.builders import NEW, container, desired

FORGED = "2026-11-22 12:00:00,000 INFO rollout 1: finished"
EVIL = f"no route\n{FORGED}\r\x1b[2J\x9b31m\u202e\u2066\u2028{FORGED}\u2029\x85{FORGED}\x0b\udcff\t\x00"
RAW = re.compile(r"[^\n -~\u00a1-\u00ac\u00ae-\ud7ff]|[\u2000-\u200f\u2028-\u202f\u2060-\u206f]")


def lines_of(text: str) -> list[str]:
    """The lines of a log; everything in it can be printed."""
    assert text.isprintable() or not RAW.search(text), ascii(text)
    return text.splitlines()


@dataclass(frozen=True)
class Log:
    """The lines that a running operator has logged."""

    stream: io.StringIO
    logs: Logging

    def __call__(self) -> list[str]:
        return lines_of(self.stream.getvalue())


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    stream = io.StringIO()
    root, ours = logging.getLogger(), logging.getLogger("registry_docker_updater")
    before = root.level
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    made = log_to_stderr(LogSettings())
    yield Log(stream, made)
    made._handler.close()
    logging.captureWarnings(capture=False)
    root.setLevel(before)
    ours.setLevel(logging.NOTSET)


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


def pushed(operator: Running, name: str, number: int, actor: str = "alice") -> None:
    """Have a push of ``name`` taken."""
    heard = json.loads(event(number=number))
    heard["events"][0]["target"]["repository"] = name
    heard["events"][0]["actor"] = {"name": actor}
    assert operator.ask("POST", "/events/production", json.dumps(heard).encode())[0] == 202


def test_a_push_is_followed_through_the_log_by_its_number_and_each_id_is_said_once(site: Site) -> None:
    site.add_host("solo", APP)
    with site.operator() as operator:
        scanned(operator)
        pushed(operator, "test/app", 1)
        until(lambda: ended_rollouts(operator))
        until(lambda: "event 1, rollout 1: finished" in operator.log.read_text())
        until(lambda: "nobody is told" in operator.log.read_text())
        found = lines_of(operator.log.read_text())
    about_it = [line.split(" INFO ")[1] for line in found if " INFO event 1" in line]
    assert about_it[0] == f"event 1: accepted from production: test/app:1 is {NEW}, pushed by alice"
    assert about_it[1] == f"event 1: 1 target of {APP} to be {NEW}: 1 waits for its turn"
    assert about_it[2] == f"event 1, rollout 1: {APP} to {NEW} on solo"
    assert about_it[3].startswith("event 1, rollout 1, target container/solo/web0: web0 at host solo: ")
    assert about_it[4].startswith("event 1, rollout 1: finished")
    assert about_it[5].startswith("event 1, rollout 1: nobody is told: no channel is set")
    assert [
        line
        for line in found
        if line.count("rollout 1") > 1 or ("event 1" not in line and "rollout 1" in line)
    ] == []


def test_of_a_rollout_that_was_interrupted_the_log_says_which_and_of_which_event(
    site: Site,
) -> None:
    site.add_host("solo", APP)
    site.state.mkdir(mode=0o700)
    database = Database(site.state / "updater.db")
    storage, now = Storage(database), datetime.now(UTC)
    record(storage, push(when=now), now=now)
    begin(storage, now, container("web0"))
    database.close()
    with site.operator() as operator:
        until(lambda: "interrupted" in operator.log.read_text())
        found = lines_of(operator.log.read_text())
    assert [
        line for line in found if line.endswith(" WARNING event 1, rollout 1: it was interrupted and goes on")
    ]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_push_that_nobody_runs_leaves_two_lines_that_say_so_however_hostile_its_names(
    site: Site, form: str
) -> None:
    site.add_host("solo")
    change(site, lambda all_: all_.update(log={"format": form}))
    evil = EVIL.replace("\udcff", "")
    with site.operator() as operator:
        until(lambda: operator.get("/readyz") == {"status": "ready"})
        pushed(operator, "test/nobody", 1, actor=evil)
        until(lambda: "nobody runs" in operator.log.read_text())
        for number, (name, tag) in enumerate(((f"test/{evil}", "1"), ("test/app", evil)), 2):
            hostile = json.loads(event(number=number))
            hostile["events"][0]["target"].update(repository=name, tag=tag)
            assert operator.ask("POST", "/events/production", json.dumps(hostile).encode())[0] == 202
        until(lambda: len(operator.get("/api/events")) == 3)
        found = lines_of(operator.log.read_text())
    if form == "json":
        parsed = [json.loads(line) for line in found]
        assert all(one["message"].isprintable() for one in parsed)
        said = [one["message"] for one in parsed if one.get("event") == 1]
    else:
        said = [line.split(" INFO event 1: ")[1] for line in found if " INFO event 1: " in line]
    first, second = said
    assert first.startswith("accepted from production: test/nobody:1 is sha256:")
    assert r"pushed by no route\n2026-11-22" in first
    assert second == f"nobody runs {APP.replace('app', 'nobody')}"
    assert len([line for line in found if "no route" in line]) >= 3


def test_as_json_each_line_is_an_object_with_what_it_is_about(site: Site) -> None:
    site.add_host("solo", APP)
    site.add_host("down", is_down=True)
    change(site, lambda all_: all_.update(log={"format": "json"}))
    with site.operator() as operator:
        scanned(operator)
        pushed(operator, "test/app", 1, actor="\u202egnp")
        until(lambda: ended_rollouts(operator))
        until(lambda: '"message": "finished' in operator.log.read_text())
        until(lambda: '"host": "down"' in operator.log.read_text())
        lines = [json.loads(line) for line in lines_of(operator.log.read_text())]
    for line in lines:
        assert list(line)[:4] == ["time", "level", "logger", "message"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    heard = [{name: one for name, one in line.items() if name not in ("time", "logger")} for line in lines]
    known = {"event": 1, "registry": "production"}
    assert {
        "level": "info",
        "message": rf"accepted from production: test/app:1 is {NEW}, pushed by \u202egnp",
        **known,
    } in heard
    of_run = {**known, "rollout": 1, "run": 1}
    assert {"level": "info", "message": f"{APP} to {NEW} on solo", **of_run} in heard
    (of_target,) = (line for line in heard if "target" in line)
    assert of_run.items() <= of_target.items()
    assert of_target["target"] == "container/solo/web0"
    (of_host,) = (line for line in heard if line.get("host") == "down")
    assert of_host["level"] == "warning"


def test_level_and_format_are_changed_while_the_operator_works(site: Site) -> None:
    site.add_host("solo")
    with site.operator() as operator:
        until(lambda: operator.get("/readyz") == {"status": "ready"})
        numbers = itertools.count(1)

        def push_is_logged() -> bool:
            """What is logged of a push is, before it is answered."""
            before = operator.log.read_text()
            pushed(operator, "test/app", next(numbers))
            return "accepted from production" in operator.log.read_text()[len(before) :]

        assert push_is_logged()
        change(site, lambda all_: all_.update(log={"level": "warning"}))
        operator.process.send_signal(signal.SIGHUP)
        until(lambda: not push_is_logged())
        change(site, lambda all_: all_.update(log={"level": "info", "format": "json"}))
        hang_up(operator, '"message": "the settings were read again')
        assert push_is_logged()
        assert json.loads(operator.log.read_text().splitlines()[-1])["level"] == "info"


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


@dataclass
class Said:
    """What passes the filter of repeats, at a time that is set."""

    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.repeats = Repeats(lambda: self.seconds)

    def is_logged(self, message: str, *args: object, **given: object) -> bool:
        record = logging.LogRecord("any", logging.INFO, "", 0, message, args, None)
        record.__dict__.update(given)
        return self.repeats.filter(record)

    def sums(self, **given: bool) -> list[str]:
        return [LineFormatter().format(one).partition("INFO ")[2] for one in self.repeats.sums(**given)]


def test_what_is_said_again_is_left_out_for_a_minute() -> None:
    said = Said()
    assert [said.is_logged("down: %s", "a") for _ in range(3)] == [True, False, False]
    assert said.is_logged("down: %s", "b")
    with about(rollout=1):
        assert said.is_logged("down: %s", "a")
    assert [said.is_logged("accepted", **UNLIKE_OTHERS) for _ in range(3)] == [True, True, True]
    said.seconds = 59.9
    assert [said.is_logged("down: %s", "b"), said.sums()] == [False, []]
    assert [said.is_logged("scanned %d", n, **ROUTINE) for n in range(3)] == [True, False, False]


def test_what_was_left_out_is_summed_up_when_its_minute_is_over_though_nothing_more_comes() -> None:
    said = Said()
    for number in range(5):
        said.is_logged("scanned %d", number, **ROUTINE)
        with about(event=3, rollout=1):
            said.is_logged("down: %s", EVIL)
    said.seconds = 30.0
    assert said.is_logged("another")
    said.is_logged("another")
    said.seconds = 60.0
    scanned, down = said.sums()
    assert scanned == "scanned 4 (repeated 4 times)"
    assert down.startswith("event 3, rollout 1: down: no route\\n2026")
    assert down.endswith("(repeated 4 times)")
    assert said.sums() == []
    said.seconds = 90.0
    assert said.sums() == ["another (repeated once)"]
    said.seconds = 1000.0
    assert said.sums() == []
    assert not said.repeats._said


def test_what_goes_on_is_said_once_a_minute_by_a_line_or_by_its_sum() -> None:
    said = Said()
    heard = []
    for second in range(185):
        said.seconds = float(second)
        if said.is_logged("down"):
            heard.append((second, "down"))
        heard += [(second, one) for one in said.sums()]
    assert heard == [
        (0, "down"),
        (60, "down (repeated 60 times)"),
        (120, "down (repeated 60 times)"),
        (180, "down (repeated 60 times)"),
    ]


def test_what_comes_again_after_its_minute_is_said_at_once_where_there_is_nothing_to_sum_up() -> None:
    said = Said()
    assert said.is_logged("down")
    said.seconds = 60.0
    assert said.is_logged("down")
    assert not said.is_logged("down")


def test_no_more_is_remembered_of_what_was_said_than_fits_and_all_that_was_left_out_is_counted() -> None:
    said = Said()
    for number in range(10_000):
        said.is_logged(f"{number}")
        said.is_logged(f"{number}")
    assert len(said.repeats._said) == 2000
    assert len(said.sums()) == 8000
    assert len(said.repeats._said) == 2000
    assert len(said.sums(is_end=True)) == 2000


def test_sums_are_written_by_themselves_and_at_the_end(log: Log) -> None:
    seconds = [0.0]
    log.logs._handler.repeats._steady = lambda: seconds[-1]
    for _ in range(3):
        logging.getLogger("any").warning("down")
    assert len(log()) == 1
    seconds.append(60.0)
    until(lambda: len(log()) == 2)
    logging.getLogger("any").warning("down")
    log.logs._handler.close()
    assert [line.partition("Z ")[2] for line in log()] == [
        "WARNING down",
        "WARNING down (repeated 2 times)",
        "WARNING down (repeated once)",
    ]


def test_what_is_not_logged_any_more_is_not_summed_up_either(log: Log) -> None:
    for _ in range(3):
        logging.getLogger("registry_docker_updater").info("scanned")
    log.logs.change(LogSettings(level="warning"))
    log.logs._handler.close()
    assert len(log()) == 1


def test_at_debug_nothing_is_left_out_and_nothing_is_said_of_libraries(log: Log) -> None:
    ours = logging.getLogger("registry_docker_updater")
    log.logs.change(LogSettings(level="debug"))
    ours.debug("again")
    ours.info("again")
    ours.info("again")
    logging.getLogger("urllib3").debug("Authorization: Bearer")
    assert [line.partition("Z ")[2] for line in log()] == ["DEBUG again", "INFO again", "INFO again"]


def test_work_that_is_handed_on_is_about_the_same(log: Log) -> None:
    done = threading.Event()
    workers = Workers(1, done.set)
    with about(event=7, rollout=3):
        workers.submit(lambda: logging.getLogger("any").warning("from a thread"))
    done.wait(10)
    workers.finish()
    assert log()[0].endswith("WARNING event 7, rollout 3: from a thread")


def test_in_a_storm_of_pushes_that_nobody_runs_those_beyond_the_first_are_summed_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    new = [desired(push=number, tag=f"{number}") for number in range(1, 31)]
    _log_matches(new, {30: {"container/solo/web": str(DUE)}})
    said = [one.getMessage() for one in caplog.records]
    assert len(said) == 22
    assert said[-2].endswith("1 waits for its turn")
    assert said[-1] == "nobody runs what was pushed with 9 more events, from 21 to 29"
