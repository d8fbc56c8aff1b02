"""The command line: what each command prints and returns, and that nothing from outside reaches a terminal raw."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.conftest import Site
from integration.keeping import ONCE, begin, end
from registry_docker_updater.cli.main import main, parser
from registry_docker_updater.core.events.pushes import Push, Unreadable
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.events import events
from unit.builders import HOST, NEW, NEWER, OLD, container, host, whole

APP = f"{HOST}/test/app:1"
COMMANDS = re.findall(r"^    ([a-z][a-z-]*)(?: |$)", parser().format_help(), re.MULTILINE)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.fixture
def run(site: Site, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command at the site; return its exit code, what it printed, and what it complained about."""

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main(["--config", str(site.config), *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def store(site: Site) -> Iterator[Storage]:
    site.state.mkdir()
    database = Database(site.state / "updater.db")
    yield Storage(database)
    database.close()


@pytest.fixture
def history(store: Storage) -> Storage:
    """One push with a rollout that failed on one of two targets, and something unreadable."""
    now = datetime.now(UTC)
    push = Push("production", "test/app", "1", NEW, now, "event 1", "alice")
    store.events.record("production", [push, Unreadable("why", "what")], now)
    web, db = container("web"), container("db")
    store.fleet.apply(whole(Fleet({"solo": host("solo", now)}, {web.key: web, db.key: db})))
    begin(store, now, web, db)
    outcomes = (
        TargetOutcome(web.key, web.kind, web.name, web.place, Outcome.UPDATED, OLD, NEW),
        TargetOutcome(db.key, db.kind, db.name, db.place, Outcome.FAILED, OLD, OLD, "no space left"),
    )
    end(store, now, *outcomes, retry=ONCE)
    return store


def test_all_commands_of_the_contract_that_are_made_are_listed() -> None:
    assert {
        "serve",
        "check",
        "fleet",
        "plan",
        "push",
        "events",
        "rollouts",
        "rollout",
        "registry-config",
    } <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"registry-docker-updater {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("rollout",),
        ("rollout", "one"),
        ("plan",),
        ("events", "--limit", "many"),
        ("events", "--limit", "0"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: registry-docker-updater" in capsys.readouterr().err


def test_the_command_is_installed_and_tells_its_version() -> None:
    command = Path(sys.executable).parent / "registry-docker-updater"
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", done.stdout)


def test_settings_that_are_not_there_are_named_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", "/nowhere/config.yml", "events"]) == 1
    complaint = capsys.readouterr().err
    assert "/nowhere/config.yml has 1 problem" in complaint
    assert "give --config" in complaint
    assert "Traceback" not in complaint


def test_settings_that_are_wrong_are_listed(site: Site, run: Run) -> None:
    site.config.write_text("registries: {}\nfleat: {}\n")
    code, out, err = run("check")
    assert (code, out) == (1, "")
    assert all(line in err for line in ("registries: ", "fleat: is not a setting", "fleet: is missing"))


def test_a_state_directory_that_cannot_be_made_is_named(site: Site, run: Run) -> None:
    site.state.write_text("in the way")
    code, _, err = run("events")
    assert (code, f"state_directory: cannot make {site.state}" in err) == (1, True)


def test_a_database_of_another_version_is_named(site: Site, store: Storage, run: Run) -> None:
    assert events(store, 1) == []
    with sqlite3.connect(site.state / "updater.db") as connection:
        connection.execute("INSERT INTO migrations (name) VALUES ('9999 of tomorrow')")
    code, _, err = run("events")
    assert (code, f"{site.state}/updater.db was written by another version" in err) == (1, True)


@pytest.mark.parametrize("listing", [("events",), ("rollouts",), ("fleet",), ("rollout", "1"), ("plan", APP)])
def test_every_listing_is_a_table_for_people_and_json_for_programs(
    history: Storage, run: Run, listing: tuple[str, ...]
) -> None:
    assert history
    code, out, _ = run(*listing)
    assert (code, bool(out.strip())) == (0, True)
    code, out, _ = run(*listing, "--json")
    assert code == 0
    assert json.loads(out)


def test_events_shows_pushes_and_what_nobody_could_read_newest_first(history: Storage, run: Run) -> None:
    assert history
    _, out, _ = run("events")
    header, first, second = out.splitlines()
    assert header.split() == ["ID", "RECEIVED", "AT", "REGISTRY", "KIND", "WHAT", "DIGEST", "ACTOR"]
    assert "unreadable" in first
    assert "why" in first
    assert "test/app:1  bbbbbbbbbbbb  alice" in second
    assert len(run("events", "--limit", "1")[1].splitlines()) == 2


def test_rollouts_counts_outcomes_and_rollout_shows_each(history: Storage, site: Site, run: Run) -> None:
    assert history
    assert "1 failed, 1 updated" in run("rollouts")[1]
    _, out, _ = run("rollout", "1")
    assert f"image: {APP}" in out
    assert f"kept in: {site.state}/runs/1" in out
    assert "message: due" in out
    assert re.search(r"container\s+db\s+host solo\s+failed\s+a{12}\s+a{12}\s+no space left", out)
    assert re.search(r"container\s+web\s+host solo\s+updated\s+a{12}\s+b{12}", out)


@pytest.mark.parametrize("number", ["2", "99999999999999999999"])
def test_a_rollout_that_is_none_is_found_wrong(history: Storage, run: Run, number: str) -> None:
    assert history
    code, out, err = run("rollout", number)
    assert (code, out) == (1, "")
    assert f"there is no rollout {number}; `rollouts` lists those that are" in err


@pytest.mark.parametrize(
    "listing",
    [("events",), ("rollouts",), ("rollout", "1"), ("fleet",), ("plan", APP), ("plan", APP, "--json")],
)
def test_text_from_outside_cannot_command_the_terminal(
    store: Storage, run: Run, listing: tuple[str, ...]
) -> None:
    evil = "\x1b]0;owned\x07\x9b31m\u202egnp\r\n"
    now = datetime.now(UTC)
    store.events.record("production", [Push("production", "test/app", "1", NEW, now, "1", evil)], now)
    store.events.record("production", [Unreadable(evil, evil)], now)
    web = container()
    known = host("solo", now, error=evil)
    other = host("other", now, warnings=(evil,))
    store.fleet.apply(whole(Fleet({"solo": known, "other": other}, {web.key: web})))
    begin(store, now, web)
    outcome = TargetOutcome(web.key, web.kind, web.name, web.place, Outcome.FAILED, OLD, None, evil)
    end(store, now, outcome, retry=ONCE)
    (due,) = store.notifications.due()
    store.notifications.keep(due, replace(due, attempts=1, channels=("mail",), error=evil))
    code, out, _ = run(*listing)
    assert code == 0
    assert not CONTROL.search(out)


def test_plan_shows_what_a_push_would_change_and_changes_nothing(store: Storage, run: Run) -> None:
    old, current, by_hand = container("old"), container("current", digest=NEW), container("by-hand")
    elsewhere = container("elsewhere", image=f"{HOST}/test/other:1")
    store.fleet.apply(
        whole(Fleet({"solo": host("solo")}, {one.key: one for one in (old, current, by_hand, elsewhere)}))
    )
    before = store.change_counter()
    code, out, _ = run("plan", f"{APP}@{NEW}")
    assert code == 0
    assert re.search(r"old\s+host solo\s+a{12}\s+updated", out)
    assert re.search(r"current\s+host solo\s+b{12}\s+left alone: already runs this digest", out)
    assert "elsewhere" not in out
    assert store.change_counter() == before
    rows = json.loads(run("plan", APP, "--json")[1])
    assert {row["name"]: row["verdict"] for row in rows} == dict.fromkeys(
        ("old", "current", "by-hand"), "due"
    )


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("https://x", "is not an image name"),
        (
            "nginx",
            "docker.io is no registry of the settings; known are registry.example.com, harbor.example.com",
        ),
        ("other.example.com/app:1", "other.example.com is no registry of the settings"),
    ],
)
def test_an_image_that_no_registry_of_the_settings_has_is_found_wrong(
    run: Run, image: str, words: str
) -> None:
    for command in ("plan", "push"):
        code, _, err = run(command, image)
        assert (code, words in err) == (1, True)


@pytest.mark.parametrize("image", [APP, f"{HOST}/test/app@{NEW}"])
def test_a_push_by_hand_needs_a_tag_and_a_digest(run: Run, image: str) -> None:
    code, _, err = run("push", image)
    assert (code, "needs a tag and a digest" in err) == (1, True)


def test_a_push_by_hand_without_an_operator_is_recorded_and_says_that_nothing_happens_yet(
    history: Storage, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_USER", "bob")
    code, out, err = run("push", f"{APP}@{NEWER}")
    assert (code, out) == (0, f"recorded: {APP}@{NEWER}, for 2 targets\n")
    assert "no operator works with this state directory" in err
    (desired,) = history.events.desired({"production": (HOST,)})
    assert desired.digest == NEWER
    assert json.loads(run("events", "--json")[1])[0]["actor"] == "bob (by hand)"


def test_a_push_by_hand_that_concerns_nobody_says_so(store: Storage, run: Run) -> None:
    store.fleet.apply(whole(Fleet({"solo": host("solo", datetime.now(UTC))})))
    code, out, err = run("push", f"{APP}@{NEW}", "--json")
    assert code == 0
    assert json.loads(out) == {"recorded": f"{APP}@{NEW}", "push": 1, "targets": 0, "left_alone": {}}
    assert "no target is to be changed" in err


@pytest.fixture
def refused(store: Storage) -> Storage:
    """A rollout whose first target rolled the digest back, so that the second was left alone; a person has a third."""
    then = datetime.now(UTC) - timedelta(minutes=10)
    store.events.record("production", [Push("production", "test/app", "1", NEW, then, "event 1")], then)
    web, db = container("web", since=then), container("db", since=then)
    mine = container("mine", since=then + timedelta(minutes=5))
    store.fleet.apply(whole(Fleet({"solo": host("solo", then)}, {one.key: one for one in (web, db, mine)})))
    begin(store, then, web, db)
    outcomes = (
        TargetOutcome(web.key, web.kind, web.name, web.place, Outcome.ROLLED_BACK, OLD, OLD),
        TargetOutcome(db.key, db.kind, db.name, db.place, Outcome.SKIPPED, OLD, left_alone=True),
    )
    end(store, then + timedelta(minutes=1), *outcomes)
    return store


def test_retry_goes_on_with_those_left_alone_and_says_what_it_does_not_touch(
    refused: Storage, run: Run
) -> None:
    code, out, err = run("retry", "1")
    assert (code, out) == (0, f"recorded: {APP}, for 1 target\n")
    assert "container web at host solo: this digest was rolled back here before" in err
    assert "container mine at host solo: was changed after the push" in err
    assert "--force updates these too" in err
    history = refused.history({"production": (HOST,)}, [])
    assert [one.state for one in history.rollouts.values()] == [RolloutState.WAITING]
    assert history.overrides == frozenset()


def test_retry_by_force_is_for_every_target(refused: Storage, run: Run) -> None:
    code, out, _ = run("retry", "1", "--force", "--json")
    assert code == 0
    assert json.loads(out) == {"recorded": APP, "push": 1, "targets": 3, "left_alone": {}}
    overrides = refused.overrides.open()
    assert overrides == {("container/solo/web", 1), ("container/solo/mine", 1)}


def test_a_push_by_hand_of_a_digest_that_was_rolled_back_says_so_and_is_done_by_force(
    refused: Storage, run: Run
) -> None:
    code, out, err = run("push", f"{APP}@{NEW}")
    assert (code, out) == (0, f"recorded: {APP}@{NEW}, for 2 targets\n")
    assert "container web at host solo: this digest was rolled back here before" in err
    assert "--force updates these too" in err

    assert run("push", f"{APP}@{NEW}", "--force")[0] == 0

    assert refused.overrides.open() == {("container/solo/web", 3)}


@pytest.mark.usefixtures("refused")
def test_only_the_rollout_of_the_newest_push_can_be_run_again(run: Run) -> None:
    assert run("push", f"{APP}@{NEWER}")[0] == 0
    code, _, err = run("retry", "1")
    assert code == 1
    assert "rollout 1 was of a push of" in err
    assert "`push` by hand goes back to a digest" in err


def test_a_rollout_that_runs_cannot_be_run_again(store: Storage, run: Run) -> None:
    now = datetime.now(UTC)
    store.events.record("production", [Push("production", "test/app", "1", NEW, now, "event 1")], now)
    begin(store, now)
    code, _, err = run("retry", "1")
    assert (code, "rollout 1 runs at this moment" in err) == (1, True)


def test_a_push_by_hand_is_newer_than_what_the_registry_said_last(store: Storage, run: Run) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=30)
    store.events.record("production", [Push("production", "test/app", "1", NEW, soon, "1")], soon)
    assert run("push", f"{APP}@{NEWER}")[0] == 0
    (desired,) = store.events.desired({"production": (HOST,)})
    assert desired.digest == NEWER


def test_check_asks_every_host_and_is_content_when_all_answer(site: Site, run: Run) -> None:
    site.add_host("solo", APP)
    code, out, err = run("check")
    assert (code, out) == (0, "1 of 1 hosts answer, 1 targets\n")
    assert "solo: answers" in err


def test_check_finds_a_host_wrong_that_does_not_answer(site: Site, run: Run) -> None:
    site.add_host("solo", APP)
    site.add_host("down", is_down=True)
    code, out, _ = run("check")
    assert code == 1
    assert "wrong: host down: cannot reach the Docker engine at unix://" in out
    assert "there is no such socket" in out
    assert "1 of 2 hosts answer, 1 targets" in out
    code, out, _ = run("check", "--json")
    told = json.loads(out)
    assert (code, told["hosts"], told["targets"], len(told["problems"])) == (1, 2, 1, 1)


def test_check_finds_an_empty_inventory_wrong(site: Site, run: Run) -> None:
    code, out, _ = run("check")
    assert code == 1
    assert f"wrong: fleet: no host of {site.folder}/hosts.yml matches 'all'" in out


def test_check_finds_an_inventory_wrong_that_is_none(site: Site, run: Run) -> None:
    (site.folder / "hosts.yml").write_text("all: [this, is, no, inventory]\n")
    code, out, err = run("check")
    assert code == 1
    assert "Traceback" not in out + err


def test_fleet_asks_the_hosts_when_nobody_did_and_when_told_to(site: Site, run: Run) -> None:
    site.add_host("solo", APP)
    code, out, err = run("fleet")
    assert (code, "asking all of" in err) == (0, True)
    assert re.search(r"container\s+web0\s+host solo\s+registry.example.com/test/app:1\s+a{12}\s+running", out)
    assert len(json.loads(run("fleet", "--scan", "--json")[1])["targets"]) == 1


def test_fleet_shows_what_was_scanned_last_and_who_did_not_answer(store: Storage, run: Run) -> None:
    web = container()
    store.fleet.apply(whole(Fleet({"solo": host("solo", error="no route")}, {web.key: web})))
    _, out, err = run("fleet")
    assert "unreachable: solo: no route (asked 2026-11-22T12:00:00.000Z)" in out
    assert "asking" not in err


@pytest.mark.parametrize(
    ("registry", "word"), [("production", "notifications:"), ("harbor", "PUSH_ARTIFACT")]
)
def test_the_snippet_for_a_registry_names_its_address_and_no_secret(
    run: Run, registry: str, word: str
) -> None:
    code, out, _ = run("registry-config", registry, "--url", "https://updater.example.com/")
    assert code == 0
    assert word in out
    assert f'"https://updater.example.com/events/{registry}"' in out
    assert "s3cret" not in out


def test_without_url_the_snippet_has_what_the_settings_say_of_listening(run: Run, site: Site) -> None:
    port = yaml.safe_load(site.config.read_text()).get("listen", {}).get("port", 8080)
    assert f":{port}/events/production" in run("registry-config", "production")[1]
    assert "http://" in run("registry-config", "production")[1]


@pytest.mark.parametrize("url", ["updater:8080", "updater.example.com", "ftp://updater"])
def test_a_url_that_no_registry_can_use_is_refused(run: Run, url: str) -> None:
    code, out, err = run("registry-config", "production", "--url", url)
    assert (code, out, f"--url {url} is no address" in err) == (1, "", True)


def test_a_plan_of_a_digest_wants_a_tag_and_says_so_before_it_asks_anybody(run: Run) -> None:
    image = f"{HOST}/test/app@{NEW}"
    code, _, err = run("plan", image)
    assert (code, f"{image} needs a tag" in err, "asking" in err) == (1, True, False)


def test_a_push_says_that_nobody_was_asked_yet_and_that_no_operator_works(run: Run) -> None:
    code, out, err = run("push", f"{APP}@{NEW}", "--wait")
    assert (code, "for 0 targets" in out) == (1, True)
    assert "no host was asked yet" in err
    assert "no operator works" in err


def test_what_cannot_be_opened_in_the_state_directory_is_named_with_the_remedy(run: Run, site: Site) -> None:
    (site.state / "operator.lock").mkdir(parents=True)
    code, _, err = run("check")
    assert (code, f"cannot open {site.state}/operator.lock" in err) == (1, True)
    assert "run this as the operator's user" in err


def test_a_run_that_cannot_be_kept_is_named_with_the_remedy(run: Run, site: Site) -> None:
    (site.state / "runs").mkdir(parents=True)
    (site.state / "runs/scans").touch()
    code, _, err = run("fleet", "--scan")
    assert (code, f"cannot keep a run in {site.state}/runs/scans" in err) == (1, True)


def test_local_settings_that_cannot_be_written_are_an_error_with_a_remedy(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(site.config))
    assert main(["--local", "events"]) == 1
    assert "set XDG_STATE_HOME to a folder of yours" in capsys.readouterr().err


def test_a_registry_that_is_not_in_the_settings_has_no_snippet(run: Run) -> None:
    code, _, err = run("registry-config", "nobody")
    assert (code, "there are production, harbor" in err) == (1, True)


def test_a_reader_that_goes_away_is_no_error(site: Site, store: Storage) -> None:
    now = datetime.now(UTC)
    pushes: list[Any] = [
        Push("production", "test/app", str(n), NEW, now, str(n), "x" * 200) for n in range(500)
    ]
    store.events.record("production", pushes, now)
    command = (
        f"{sys.executable} -m registry_docker_updater --config {site.config} events --limit 500 | head -1"
    )
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=os.environ, check=False)
    assert (done.returncode, done.stderr) == (0, "")
