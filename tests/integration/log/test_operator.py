"""What an operator that works logs."""

import itertools
import json
import re
import signal
from datetime import UTC, datetime

import pytest

from integration.conftest import Running, Site, until
from integration.keeping import begin, push, record
from integration.log.lines import EVIL, FORGED, lines_of
from integration.test_operator import APP, ended_rollouts, event, scanned
from integration.test_settings_again import change, hang_up
from registry_docker_updater.activities.reconcile import _log_matches
from registry_docker_updater.core.rollouts.verdicts import DUE
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from unit.builders import NEW, container, desired

pytestmark = pytest.mark.slow


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
    assert about_it[1] == f"event 1: 1 target of {APP} to be {NEW}: 1 due"
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


def test_in_a_storm_of_pushes_that_nobody_runs_those_beyond_the_first_are_summed_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    new = [desired(push=number, tag=f"{number}") for number in range(1, 31)]
    _log_matches(new, {30: {"container/solo/web": str(DUE)}})
    said = [one.getMessage() for one in caplog.records]
    assert len(said) == 22
    assert said[-2].endswith("1 due")
    assert said[-1] == "nobody runs what was pushed with 9 more events, from 21 to 29"
