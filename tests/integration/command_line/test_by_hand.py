"""Pushes and rollouts by hand: plan, push and retry, and what they say of what they do not do."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from integration.command_line.conftest import APP
from integration.conftest import Run
from integration.keeping import begin, end
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.history import Override
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEW, NEWER, OLD, container, host, whole


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
    assert json.loads(out) == {
        "recorded": f"{APP}@{NEW}",
        "push": 1,
        "targets": 0,
        "left_alone": {},
        "waiting": {},
        "breaks": {},
    }
    assert f"no target runs {APP}, as far as the last scan saw" in err


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
    assert json.loads(out) == {
        "recorded": APP,
        "push": 1,
        "targets": 3,
        "left_alone": {},
        "waiting": {},
        "breaks": {},
    }
    overrides = refused.overrides.open()
    assert overrides == {Override("container/solo/web", 1), Override("container/solo/mine", 1)}


def test_a_push_by_hand_of_a_digest_that_was_rolled_back_says_so_and_is_done_by_force(
    refused: Storage, run: Run
) -> None:
    code, out, err = run("push", f"{APP}@{NEW}")
    assert (code, out) == (0, f"recorded: {APP}@{NEW}, for 2 targets\n")
    assert "container web at host solo: this digest was rolled back here before" in err
    assert "--force updates these too" in err

    assert run("push", f"{APP}@{NEW}", "--force")[0] == 0

    assert refused.overrides.open() == {Override("container/solo/web", 3)}


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


def test_a_plan_of_a_digest_wants_a_tag_and_says_so_before_it_asks_anybody(run: Run) -> None:
    image = f"{HOST}/test/app@{NEW}"
    code, _, err = run("plan", image)
    assert (code, f"{image} needs a tag" in err, "asking" in err) == (1, True, False)


def test_a_push_says_that_nobody_was_asked_yet_and_that_no_operator_works(run: Run) -> None:
    code, out, err = run("push", f"{APP}@{NEW}", "--wait")
    assert (code, "for 0 targets" in out) == (1, True)
    assert "no host was asked yet" in err
    assert "no operator works" in err
