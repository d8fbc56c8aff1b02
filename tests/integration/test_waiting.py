"""`push --wait` and `retry --wait` end with 0 only when every target ended well, and say why when not."""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integration.conftest import Site
from integration.keeping import HOSTS, ONCE, begin, end
from registry_docker_updater.cli.here import Here
from registry_docker_updater.cli.main import main
from registry_docker_updater.clock import Clock, utc_now
from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.fleet.index import FleetChange
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.plans import Plan
from registry_docker_updater.core.rollouts.rollout import RetryPolicy, RolloutState
from registry_docker_updater.edges.lock import hold, is_held
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.pushes import PushRow
from unit.builders import HOST, NEW, NEWER, OLD, container, host, labelled

APP = f"{HOST}/test/app:1"
IN_A_MINUTE = RetryPolicy(Backoff(timedelta(minutes=1), timedelta(minutes=1)), 100)
LONG_AGO = datetime.now(UTC) - timedelta(days=2)
WEB, DB = container("web", since=LONG_AGO), container("db", since=LONG_AGO)


@dataclass
class Played:
    """An operator that does what each step says while somebody waits for it; it does nothing before and after."""

    site: Site
    store: Storage
    steps: list[Callable[[], object]] = field(default_factory=list)
    lock: int | None = None
    rollout: int = 0
    clock: Clock = utc_now
    pauses: list[float] = field(default_factory=list)
    log: tuple[str, ...] = ()

    def tell_time(self) -> datetime:
        return self.clock()

    def begin(self) -> None:
        self.lock = os.open(self.site.state / "operator.lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def stop(self) -> None:
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None

    def step(self, seconds: float) -> None:
        self.pauses.append(seconds)
        assert self.steps, "it waits for ever"
        self.steps.pop(0)()

    def knows(self, *targets: Target) -> None:
        gone: dict[str, Target | None] = dict.fromkeys(self.store.fleet.load().targets)
        known = {target.key: target for target in targets}
        self.store.fleet.apply(FleetChange({"solo": host("solo", datetime.now(UTC))}, {**gone, **known}))

    def forgets(self) -> None:
        known = self.store.fleet.load()
        self.store.fleet.apply(FleetChange(dict.fromkeys(known.hosts), dict.fromkeys(known.targets)))

    def record(self, digest: str) -> None:
        now = datetime.now(UTC)
        self.store.events.record(
            "production", [Push("production", "test/app", "1", digest, now, digest)], now
        )

    def roll_out(self, state: RolloutState = RolloutState.FINISHED, **outcomes: Outcome) -> None:
        self.start(**outcomes)
        self.end(state, **outcomes)

    def start(self, **outcomes: Outcome) -> None:
        targets = tuple(container(name) for name in outcomes)
        self.rollout, _, _ = begin(self.store, datetime.now(UTC), *targets)

    def end(self, state: RolloutState = RolloutState.FINISHED, **outcomes: Outcome) -> None:
        (desired,) = self.store.events.desired(HOSTS)
        ended = tuple(
            TargetOutcome(
                one.key, one.kind, one.name, one.place, outcome, OLD, message=f"it is {outcome}", log=self.log
            )
            for name, outcome in outcomes.items()
            for one in [container(name)]
        )
        retry = IN_A_MINUTE if state is RolloutState.WAITING else ONCE
        after = end(
            self.store, datetime.now(UTC), *ended, retry=retry, rollout=self.rollout, digest=desired.digest
        )
        assert after.state is state


@pytest.fixture
def operator(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    site.state.mkdir()
    database = Database(site.state / "updater.db")
    played = Played(site, Storage(database))
    monkeypatch.setattr(time, "sleep", played.step)
    played.begin()
    played.knows(WEB, DB)
    yield played
    played.stop()
    database.close()


@pytest.fixture
def push(operator: Played, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any, str]]:
    """Push by hand and wait; return the exit code, the JSON that was printed, and what was complained about."""

    def command(*more: str, what: tuple[str, ...] = ("push", f"{APP}@{NEW}")) -> tuple[int, Any, str]:
        code = main(
            ["--config", str(operator.site.config), *what, "--wait", "--json", *more],
            clock=operator.tell_time,
        )
        printed = capsys.readouterr()
        return code, json.loads(printed.out), printed.err

    return command


Pushing = Callable[..., tuple[int, Any, str]]


def test_it_ends_with_0_when_every_target_was_updated_or_ran_it_already(
    operator: Played, push: Pushing
) -> None:
    operator.steps = [lambda: operator.roll_out(web=Outcome.UPDATED, db=Outcome.UNCHANGED)]
    code, shown, err = push()
    assert (code, shown["ended_well"], shown["why"]) == (0, True, None)
    assert (shown["state"], shown["outcomes"]) == ("finished", {"updated": 1, "unchanged": 1})
    assert "container web at host solo: updated" in err


@pytest.mark.parametrize(
    "outcome", [one for one in Outcome if one not in (Outcome.UPDATED, Outcome.UNCHANGED, Outcome.SKIPPED)]
)
def test_it_ends_with_1_when_one_target_did_not_end_well(
    operator: Played, push: Pushing, outcome: Outcome
) -> None:
    operator.steps = [lambda: operator.roll_out(web=Outcome.UPDATED, db=outcome)]
    code, shown, err = push()
    assert (code, shown["ended_well"]) == (1, False)
    assert "not every target ended well: 1 target did not" in err


def test_it_says_why_a_target_did_not_end_well_and_what_that_printed(operator: Played, push: Pushing) -> None:
    operator.log = ("no database here",)
    operator.steps = [lambda: operator.roll_out(web=Outcome.UPDATED, db=Outcome.ROLLED_BACK)]
    _, _, err = push()
    assert "  container web at host solo: updated\n" in err
    assert "  container db at host solo: rolled_back: it is rolled_back\n    no database here\n" in err


def test_it_says_when_a_target_that_failed_is_tried_again(operator: Played, push: Pushing) -> None:
    operator.steps = [lambda: operator.roll_out(RolloutState.WAITING, web=Outcome.UPDATED, db=Outcome.FAILED)]
    code, shown, err = push()
    assert (code, shown["state"]) == (1, "waiting")
    assert f"it is tried again at {shown['due_at']}" in err


def test_a_target_that_is_gone_is_no_failure_but_one_must_be_left(operator: Played, push: Pushing) -> None:
    operator.steps = [lambda: operator.roll_out(web=Outcome.UPDATED, db=Outcome.SKIPPED)]
    assert push()[0] == 0
    operator.steps = [lambda: operator.roll_out(web=Outcome.SKIPPED, db=Outcome.SKIPPED)]
    code, _, err = push()
    assert (code, "no target runs this image name any more" in err) == (4, True)


@pytest.mark.parametrize("is_known", [True, False])
def test_without_an_operator_it_ends_with_1_and_says_so(
    operator: Played, push: Pushing, is_known: bool
) -> None:
    operator.stop()
    if is_known:
        operator.knows(container("web", digest=NEW), container("db", digest=NEW))
    code, shown, err = push()
    assert (code, shown["ended_well"], shown["push"]) == (1, False, 1)
    assert err.count("no operator works with this state directory") == 1


def test_retry_without_an_operator_ends_with_1_too(operator: Played, push: Pushing) -> None:
    operator.record(NEW)
    operator.roll_out(web=Outcome.ROLLED_BACK)
    operator.stop()
    code, shown, _ = push("--force", what=("retry", "1"))
    assert (code, shown["ended_well"]) == (1, False)


@pytest.mark.usefixtures("operator")
def test_where_no_target_runs_the_image_it_ends_with_4_and_says_so(push: Pushing) -> None:
    code, shown, err = push(what=("push", f"{HOST}/test/other:1@{NEW}"))
    assert (code, shown["targets"], shown["ended_well"]) == (4, 0, False)
    assert err.count(f"no target runs {HOST}/test/other:1, as far as the last scan saw") == 1


def test_where_nobody_is_known_to_run_it_and_a_host_never_answered_it_ends_with_1_and_names_that(
    operator: Played, push: Pushing
) -> None:
    silent = {"mute": host("mute", datetime.now(UTC), "it does not answer")}
    operator.store.fleet.apply(FleetChange(silent, {}))
    code, shown, _ = push(what=("push", f"{HOST}/test/other:1@{NEW}"))
    assert (code, shown["ended_well"]) == (1, False)
    assert "what runs on mute is not known, for no scan ever had an answer" in shown["why"]


def test_a_host_that_answered_once_is_known_while_it_does_not(operator: Played, push: Pushing) -> None:
    away = {"away": host("away", datetime.now(UTC), "it does not answer", back_since=LONG_AGO)}
    operator.store.fleet.apply(FleetChange(away, {}))
    assert push(what=("push", f"{HOST}/test/other:1@{NEW}"))[0] == 4


@pytest.mark.parametrize(("image", "expected"), [("test/app", 0), ("test/other", 4)])
def test_the_first_look_of_an_operator_is_waited_for(
    operator: Played, push: Pushing, image: str, expected: int
) -> None:
    operator.forgets()
    operator.steps = [
        lambda: None,
        lambda: operator.knows(WEB),
        *([lambda: operator.roll_out(web=Outcome.UPDATED)] if expected == 0 else []),
    ]
    code, _, err = push(what=("push", f"{HOST}/{image}:1@{NEW}"))
    assert code == expected
    assert "waiting for the operator, which asks them now" in err
    assert not operator.steps


def test_where_all_targets_run_the_digest_already_it_ends_with_0(operator: Played, push: Pushing) -> None:
    operator.knows(container("web", digest=NEW), container("db", digest=NEW))
    code, shown, err = push()
    assert (code, shown["ended_well"]) == (0, True)
    assert "2 targets already on this digest" in err


def test_targets_that_are_left_alone_did_not_end_well(operator: Played, push: Pushing) -> None:
    operator.record(NEW)
    operator.roll_out(db=Outcome.ROLLED_BACK)
    operator.steps = [lambda: operator.roll_out(web=Outcome.UPDATED)]
    code, shown, err = push()
    assert (code, list(shown["left_alone"])) == (1, [DB.key])
    assert "left alone 1 target" in err
    operator.knows(DB)
    code, shown, err = push()
    assert (code, shown["targets"], shown["ended_well"]) == (1, 0, False)
    assert "--force updates these too" in err


def test_where_all_targets_wait_by_a_rule_it_does_not_wait_for_them_and_ends_with_3(
    operator: Played, push: Pushing
) -> None:
    gated = labelled(WEB, approval="required"), labelled(DB, minimum_age="9h")
    operator.knows(*gated)
    code, shown, err = push()
    assert (code, shown["ended_well"], operator.pauses) == (3, False, [])
    assert set(shown["waiting"]) == {WEB.key, DB.key}
    assert "not waited for any longer, 2 targets: waits until the push is old enough, at 2" in err
    assert "; waits for approval by 1 person\n" in err


def test_where_some_wait_by_a_rule_it_ends_with_3_once_the_others_have_ended_well(
    operator: Played, push: Pushing
) -> None:
    gated = labelled(DB, approval="required")
    operator.knows(WEB, gated)

    def updated() -> None:
        operator.roll_out(web=Outcome.UPDATED)
        operator.knows(container("web", digest=NEW), gated)

    operator.steps = [updated]
    code, shown, err = push()
    assert (code, shown["ended_well"], shown["outcomes"]) == (3, False, {"updated": 1})
    assert "1 target: waits for approval by 1 person; `rollout 1` tells when each goes on" in err
    operator.knows(WEB, gated)
    operator.steps = [lambda: operator.roll_out(web=Outcome.FAILED)]
    assert push()[0] == 1


def end_with_db_held(operator: Played, *, web: Outcome, now_known: Target) -> None:
    """End a run in which db was held, of which ``now_known`` is what is known then."""
    operator.start(web=web, db=Outcome.SKIPPED)
    said = [
        TargetOutcome(one.key, one.kind, one.name, one.place, outcome, OLD, held=outcome is Outcome.SKIPPED)
        for one, outcome in ((WEB, web), (DB, Outcome.SKIPPED))
    ]
    end(operator.store, datetime.now(UTC), *said, retry=ONCE, rollout=operator.rollout, digest=NEW)
    operator.knows(container("web", digest=NEW), now_known)


def test_what_was_held_and_is_planned_anew_is_waited_for(operator: Played, push: Pushing) -> None:
    operator.knows(WEB, DB)
    operator.steps = [
        lambda: end_with_db_held(operator, web=Outcome.UPDATED, now_known=DB),
        lambda: operator.roll_out(db=Outcome.UPDATED),
    ]
    code, shown, _ = push()
    assert (code, shown["ended_well"], shown["outcomes"]) == (0, True, {"updated": 2})


def test_what_was_held_and_waits_by_a_rule_since_ends_with_3(operator: Played, push: Pushing) -> None:
    operator.knows(WEB, DB)
    gated = labelled(DB, approval="required")
    operator.steps = [lambda: end_with_db_held(operator, web=Outcome.UPDATED, now_known=gated)]
    code, shown, err = push()
    assert (code, shown["ended_well"]) == (3, False)
    assert "1 target: waits for approval by 1 person" in err


def test_what_was_held_and_is_to_be_updated_no_more_did_not_end_well(operator: Played, push: Pushing) -> None:
    operator.knows(WEB, DB)
    operator.steps = [
        lambda: end_with_db_held(operator, web=Outcome.UPDATED, now_known=labelled(DB, enable="false"))
    ]
    code, _, err = push()
    assert (code, "not every target ended well: 1 target did not" in err) == (1, True)


def test_what_its_owner_wants_left_as_it_is_is_no_reason_not_to_end_well(
    operator: Played, push: Pushing
) -> None:
    operator.knows(WEB, labelled(DB, enable="false"), labelled(container("seen"), monitor_only="true"))
    operator.steps = [lambda: operator.roll_out(web=Outcome.UPDATED)]
    code, shown, _ = push()
    assert (code, set(shown["left_alone"])) == (0, {DB.key, container("seen").key})


def test_a_newer_push_that_takes_its_place_is_no_good_end(operator: Played, push: Pushing) -> None:
    operator.steps = [lambda: operator.record(NEWER)]
    code, shown, _ = push()
    assert (code, shown["why"]) == (1, "a newer push of the same image took its place")

    def overtake() -> None:
        operator.roll_out(RolloutState.WAITING, web=Outcome.FAILED, db=Outcome.UPDATED)
        actions.keep_plan(operator.store, Plan(supersede=(operator.rollout,)), datetime.now(UTC))

    operator.steps = [overtake]
    code, shown, _ = push()
    assert (code, shown["state"], shown["why"]) == (
        1,
        "superseded",
        "a newer push of the same image took its place",
    )


def test_an_operator_that_stops_in_the_middle_is_no_good_end(operator: Played, push: Pushing) -> None:
    operator.steps = [lambda: operator.start(web=Outcome.UPDATED), operator.stop]
    code, shown, err = push()
    assert (code, shown["state"], shown["ended_well"]) == (1, "running", False)
    assert "the operator has stopped" in err


def test_an_operator_that_is_started_again_in_the_middle_is_waited_for(
    operator: Played, push: Pushing
) -> None:
    operator.steps = [
        lambda: operator.start(web=Outcome.UPDATED, db=Outcome.UPDATED),
        lambda: actions.interrupt_runs(operator.store, datetime.now(UTC)),
        lambda: operator.roll_out(web=Outcome.UPDATED, db=Outcome.UPDATED),
    ]
    assert push()[0] == 0


def test_the_longer_it_takes_the_more_rarely_it_is_looked_at_and_never_more_rarely_than_every_five_seconds(
    operator: Played, push: Pushing
) -> None:
    nothing: list[Callable[[], object]] = [list] * 60
    operator.steps = [*nothing, lambda: operator.roll_out(web=Outcome.UPDATED, db=Outcome.UPDATED)]
    assert push()[0] == 0
    assert operator.pauses == sorted(operator.pauses)
    assert operator.pauses[:10] == [0.5] * 10
    assert (operator.pauses[20] < 2, operator.pauses[-1]) == (True, 5.0)


def test_targets_that_came_to_the_digest_otherwise_ended_well(operator: Played, push: Pushing) -> None:
    operator.steps = [lambda: operator.knows(container("web", digest=NEW), container("db", digest=NEW))]
    code, shown, _ = push()
    assert (code, shown["ended_well"]) == (0, True)


def test_targets_that_vanish_before_their_turn_did_not_end_well(operator: Played, push: Pushing) -> None:
    operator.steps = [operator.knows]
    code, _, err = push()
    assert (code, "no target runs this image name any more" in err) == (4, True)


@pytest.mark.parametrize("asked", ["push", "retry"])
def test_an_operator_that_is_done_before_the_first_look_was_waited_for_all_the_same(
    operator: Played, push: Pushing, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """Which run is the next was counted when it was asked for, and not when it is looked at first."""
    operator.record(NEW)
    operator.roll_out(web=Outcome.FAILED, db=Outcome.FAILED)
    records = getattr(Here, asked)

    def at_once(self: Here, what: Any, *, force: bool) -> PushRow:
        row: PushRow = records(self, what, force=force)
        operator.roll_out(web=Outcome.UPDATED, db=Outcome.UPDATED)
        return row

    monkeypatch.setattr(Here, asked, at_once)
    code, shown, _ = push(what=("retry", "1") if asked == "retry" else ("push", f"{APP}@{NEW}"))
    assert (code, shown["ended_well"], operator.pauses) == (0, True, [])


def test_ctrl_c_ends_it_with_130_a_sentence_and_json(operator: Played, push: Pushing) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    operator.steps = [interrupt]
    code, shown, err = push()
    assert (code, shown["ended_well"]) == (130, False)
    assert "no longer waited for; what was asked for is recorded, and goes on" in err
    assert "Traceback" not in err


def test_a_retry_is_waited_for_though_the_clock_was_set_back_meanwhile(
    operator: Played, push: Pushing
) -> None:
    operator.record(NEW)
    operator.roll_out(web=Outcome.FAILED, db=Outcome.UPDATED)
    operator.knows(WEB, container("db", digest=NEW))
    yesterday = datetime.now(UTC) - timedelta(days=1)
    operator.steps = [
        lambda: setattr(operator, "clock", lambda: yesterday),
        lambda: operator.roll_out(web=Outcome.UPDATED, db=Outcome.UPDATED),
    ]
    assert push(what=("retry", "1"))[0] == 0


def test_a_reader_that_has_gone_away_does_not_make_a_push_end_well(site: Site, operator: Played) -> None:
    operator.stop()
    command = f"{sys.executable} -m registry_docker_updater --config {site.config} push {APP}@{NEW} --wait"
    script = f"({command}; echo $? >&2) | :"
    for unbuffered in ("", "1"):
        done = subprocess.run(
            ["sh", "-c", script],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
        assert done.stderr.endswith("\n1\n")
        assert "BrokenPipe" not in done.stderr


def test_a_command_that_asks_whether_an_operator_works_does_not_keep_one_from_starting(
    site: Site, operator: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: operator.stop())
    hold(site.state)
    assert is_held(site.state)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with pytest.raises(UpdaterError, match="another operator works with"):
        hold(site.state)
