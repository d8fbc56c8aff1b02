"""Repairs of the operator: a real store, and playbooks that are played."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.keeping import begin, due_messages, end, ended, record, send_all
from registry_docker_updater.activities.context import Context
from registry_docker_updater.activities.repair import Repairer
from registry_docker_updater.core.fleet.hosts import UnfinishedUpdate
from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.runs.results import ModuleResult, TaskStart
from registry_docker_updater.edges.runs.port import FinishedRun, InventoryListing, Playbook
from registry_docker_updater.storage.actions import keep_repair
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEW, NEWER, OLD, at, host

MODULE = "registry.docker_updater.standalone_container"
LEFT = UnfinishedUpdate("web", f"{HOST}/test/app:1", NEW, 12.0, is_worked_on=False)


class Played:
    """Playbooks, a scanner, and threads, as far as a repairer uses them."""

    def __init__(self, outcome: str = "updated") -> None:
        self.outcome = outcome
        self.ran: list[Playbook] = []
        self.asked: list[str] = []
        self.tasks: list[Callable[[], None]] = []

    def run(
        self,
        playbook: Playbook,
        folder: Path,
        timeout: timedelta,
        on_result: Callable[[ModuleResult], None] = lambda _: None,
        on_task: Callable[[TaskStart], None] | None = None,
    ) -> FinishedRun:
        assert on_task is None
        assert timeout == timedelta(minutes=1)
        self.ran.append(playbook)
        made = {"kind": "container", "name": "web", "id": "x", "outcome": self.outcome, "digest": NEW}
        one = {**made, "before": {"digest": OLD}, "after": {"digest": NEW}, "message": "web now runs it"}
        on_result(ModuleResult("solo", "runner_on_ok", MODULE, {"repairs": [one]}))
        return FinishedRun("successful", (), {}, folder)

    def inputs(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def hosts(self, pattern: str) -> InventoryListing:
        raise NotImplementedError(pattern)

    def stop(self) -> None:
        """Nothing goes on."""


@pytest.fixture
def store(storage: Storage) -> Storage:
    """A store that knows of a push."""
    record(storage, now=at(0))
    return storage


def failed_run(store: Storage) -> None:
    """Have a run of the push end without a word about its target."""
    begin(store, at(1))
    end(store, at(2), ended(Outcome.FAILED, after=None))
    send_all(store, at(3))


def repairer(store: Storage, played: Played, folder: Path) -> Repairer:
    context = Context(
        storage=store,
        health=Database(Path(":memory:")),
        playbooks=played,
        runs=folder,
        submit=played.tasks.append,
        clock=lambda: at(10),
        steady=lambda: at(10),
    )
    return Repairer(context, timedelta(minutes=1), need=played.asked.extend)


def outcomes(store: Storage) -> list[Outcome]:
    return [one.result.outcome for one in store.rollouts.outcomes(1)]


def look(repairer: Repairer, *left: UnfinishedUpdate) -> timedelta:
    known = Fleet({"solo": host("solo", at(9), unfinished=left)})
    return repairer.reconcile(known, at(10))


def test_a_host_repairs_once_at_a_time_and_is_asked_how_it_ended(store: Storage, tmp_path: Path) -> None:
    played = Played()
    of_hosts = repairer(store, played, tmp_path)
    look(of_hosts, LEFT)
    look(of_hosts, LEFT)
    (task,) = played.tasks
    task()
    (ran,) = played.ran
    assert (ran.name, ran.limit) == ("repair", ("solo",))
    assert played.asked == ["solo"]
    assert look(of_hosts, LEFT) == timedelta(seconds=5), "the scan that is asked for comes first"
    look(of_hosts)
    look(of_hosts, LEFT)
    assert len(played.tasks) == 2, "another one, of another update"


def test_a_rollout_is_told_how_an_interrupted_update_ended_and_the_team_is_told(
    store: Storage, tmp_path: Path
) -> None:
    failed_run(store)
    played = Played()
    look(repairer(store, played, tmp_path), LEFT)
    played.tasks.pop()()
    (outcome,) = store.rollouts.outcomes(1)
    assert (outcome.result.outcome, outcome.result.after) == (Outcome.UPDATED, NEW)
    (message,) = due_messages(store, at(11))
    assert [one.rollout for one in store.notifications.news_of(message.id)] == [1]


@pytest.mark.parametrize("outcome", ["unchanged", "failed"])
def test_an_update_that_was_undone_or_is_stuck_is_left_to_the_rollouts_next_run(
    store: Storage, tmp_path: Path, outcome: str
) -> None:
    failed_run(store)
    played = Played(outcome)
    look(repairer(store, played, tmp_path), LEFT)
    played.tasks.pop()()
    assert outcomes(store) == [Outcome.FAILED]


def test_a_repair_of_another_digest_changes_nothing_in_the_rollout(store: Storage, tmp_path: Path) -> None:
    """It was begun by an older push, or by hand."""
    failed_run(store)
    keep_repair(store, NEWER, ended(Outcome.UPDATED, after=NEWER), at(20))
    assert outcomes(store) == [Outcome.FAILED]
    assert not list(tmp_path.glob("repair*"))


def test_what_a_repair_ended_before_its_run_ended_is_what_the_run_ended_with(store: Storage) -> None:
    begin(store, at(1))
    keep_repair(store, NEW, ended(Outcome.UPDATED), at(2))
    (kept,) = store.rollouts.outcomes(1)
    assert (kept.result.outcome, kept.run) == (Outcome.UPDATED, 1)
    assert due_messages(store, at(3)) == (), "the run itself tells"


def test_what_is_unfinished_on_a_host_is_known_after_a_restart(store: Storage) -> None:
    known = host("solo", at(9), unfinished=(LEFT,))
    store.fleet.apply(FleetChange({"solo": known}))
    assert store.fleet.load().hosts["solo"] == known
