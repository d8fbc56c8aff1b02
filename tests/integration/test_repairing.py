"""Repairs of the operator: a real store, and playbooks that are played."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from registry_docker_updater.activities.repair import Repairer
from registry_docker_updater.activities.scan import Scanner
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.fleet.index import Change, Fleet, Unfinished
from registry_docker_updater.core.rollouts.history import RolloutState, RunEnd
from registry_docker_updater.core.rollouts.outcomes import HostResult, Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.planner import Start
from registry_docker_updater.edges.runs.playbooks import FinishedRun, Playbook, PlaybookRunner
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.rollouts import Store
from unit.builders import HOST, NEW, NEWER, OLD, at, container, host

HOSTS = {"production": (HOST,)}
WEB = container()
LEFT = Unfinished("web", f"{HOST}/test/app:1", NEW, 12.0, is_worked_on=False)


class Played:
    """Playbooks, a scanner, and threads, as far as a repairer uses them."""

    def __init__(self, outcome: str = "updated") -> None:
        self.outcome = outcome
        self.ran: list[Playbook] = []
        self.asked: list[str] = []
        self.tasks: list[Callable[[], None]] = []

    def run(
        self, playbook: Playbook, folder: Path, _: timedelta, on_result: Callable[[HostResult], None]
    ) -> FinishedRun:
        self.ran.append(playbook)
        made = {"kind": "container", "name": "web", "id": "x", "outcome": self.outcome, "digest": NEW}
        one = {**made, "before": {"digest": OLD}, "after": {"digest": NEW}, "message": "web now runs it"}
        on_result(HostResult("solo", "runner_on_ok", "standalone_container", {"repairs": [one]}))
        return FinishedRun("successful", (), {}, folder)

    def need(self, hosts: Any, _: datetime) -> None:
        self.asked += hosts


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Store:
    """A store in which a run of the push began and has ended without a word about its target."""
    store = Store(Database(tmp_path / "updater.db"))
    store.record("production", [Push("production", "test/app", "1", NEW, at(0), "event 1", "alice")], at(0))
    return store


def failed_run(store: Store) -> None:
    (desired,) = store.desired(HOSTS)
    begun = store.begin_run(Start(desired, (WEB,), ()), at(1))
    lost = TargetOutcome(WEB.key, WEB.kind, WEB.name, WEB.place, Outcome.FAILED, OLD, None, "killed")
    end = RunEnd(
        begun.rollout, begun.run, desired, (lost,), RolloutState.WAITING, at(60), "killed", is_news=False
    )
    store.end_run(end, at(2))


def repairer(store: Store, played: Played, folder: Path) -> Repairer:
    return Repairer(
        store,
        cast("PlaybookRunner", played),
        folder,
        cast("Scanner", played),
        timedelta(minutes=1),
        clock=lambda: at(10),
        steady=lambda: at(10),
    )


def look(repairer: Repairer, played: Played, *left: Unfinished) -> timedelta:
    known = Fleet({"solo": host("solo", at(9), unfinished=left)})
    return repairer.look(known, at(10), played.tasks.append)


def test_a_host_repairs_once_at_a_time_and_is_asked_how_it_ended(store: Store, tmp_path: Path) -> None:
    played = Played()
    of_hosts = repairer(store, played, tmp_path)
    look(of_hosts, played, LEFT)
    look(of_hosts, played, LEFT)
    (task,) = played.tasks
    task()
    (ran,) = played.ran
    assert (ran.name, ran.limit) == ("repair", ("solo",))
    assert played.asked == ["solo"]
    assert look(of_hosts, played, LEFT) == timedelta(seconds=5), "the scan that is asked for comes first"
    look(of_hosts, played)
    look(of_hosts, played, LEFT)
    assert len(played.tasks) == 2, "another one, of another update"


def test_a_rollout_is_told_how_an_interrupted_update_ended_and_the_team_is_told(
    store: Store, tmp_path: Path
) -> None:
    failed_run(store)
    played = Played()
    look(repairer(store, played, tmp_path), played, LEFT)
    played.tasks.pop()()
    (outcome,) = store.outcomes(1)
    assert (outcome.outcome, outcome.after) == (Outcome.UPDATED, NEW)
    (notification,) = store.notifications()
    assert notification.rollout == 1


@pytest.mark.parametrize("outcome", ["unchanged", "failed"])
def test_an_update_that_was_undone_or_is_stuck_is_left_to_the_rollouts_next_run(
    store: Store, tmp_path: Path, outcome: str
) -> None:
    failed_run(store)
    played = Played(outcome)
    look(repairer(store, played, tmp_path), played, LEFT)
    played.tasks.pop()()
    assert [one.outcome for one in store.outcomes(1)] == [Outcome.FAILED]


def test_a_repair_of_another_digest_changes_nothing_in_the_rollout(store: Store, tmp_path: Path) -> None:
    """It was begun by an older push, or by hand."""
    failed_run(store)
    store.keep_repair(
        NEWER, TargetOutcome(WEB.key, WEB.kind, WEB.name, WEB.place, Outcome.UPDATED, OLD, NEWER), at(20)
    )
    assert [one.outcome for one in store.outcomes(1)] == [Outcome.FAILED]
    assert not list(tmp_path.glob("repair*"))


def test_what_a_repair_ended_before_its_run_ended_is_what_the_run_ended_with(store: Store) -> None:
    (desired,) = store.desired(HOSTS)
    begun = store.begin_run(Start(desired, (WEB,), ()), at(1))
    store.keep_repair(
        NEW, TargetOutcome(WEB.key, WEB.kind, WEB.name, WEB.place, Outcome.UPDATED, OLD, NEW), at(2)
    )
    (kept,) = store.outcomes(begun.rollout, begun.run)
    assert kept.outcome is Outcome.UPDATED
    assert store.outcomes(begun.rollout, begun.run + 1) == ()
    assert store.notifications() == (), "the run itself tells"


def test_what_is_unfinished_on_a_host_is_known_after_a_restart(store: Store) -> None:
    known = host("solo", at(9), unfinished=(LEFT,))
    store.keep_change(Change({"solo": known}))
    assert store.fleet().hosts["solo"] == known
