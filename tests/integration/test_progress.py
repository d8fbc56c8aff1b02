"""A run that goes on is seen to move: which task each host is at, and what became of targets so far."""

import threading
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import Site, until
from integration.shops import MINUTE, Shop
from integration.test_operator import APP, ended_rollouts, event, scanned
from integration.world import World, calm
from registry_docker_updater.core.runs.results import TaskStart
from registry_docker_updater.edges.runs.port import Playbook
from registry_docker_updater.errors import NothingKnown
from registry_docker_updater.views.progress import progress, running
from unit.engines import Answer, Asked

pytestmark = pytest.mark.slow


def test_each_task_is_told_when_its_host_begins_it_by_its_name_and_nothing_else(shop: Shop) -> None:
    shop.write(
        "hello",
        """
    - name: Greet with {{ greeting }}
      ansible.builtin.debug: {msg: "{{ item }}"}
      loop: [one, two]
    - name: Log in
      ansible.builtin.command: {argv: [echo, hunter2]}
      no_log: true
      when: inventory_hostname == "one"
""",
        "all",
    )
    begun: list[TaskStart] = []
    playbook = Playbook("hello", {"greeting": "a " + "very " * 100 + "good day"})
    assert shop.playbooks.run(playbook, shop.runs, MINUTE, on_task=begun.append).status == "successful"
    names = ["Greet with " + ("a " + "very " * 100)[:189], "Log in"]
    assert [one.task for one in begun if one.host == "one"] == names
    assert {one.host for one in begun} == {"one", "two"}


def test_a_rollout_that_runs_is_seen_to_move_and_tells_only_what_is_kept_when_it_has_ended(
    site: Site,
) -> None:
    site.add_host("solo", APP)
    go_on = threading.Event()

    def hold(_: Asked) -> Answer:
        assert go_on.wait(40)
        return Answer({"message": "there is no room"}, 500)

    site.engines["solo"].answers["/images/create"] = hold
    with site.operator() as operator:
        scanned(operator)
        assert operator.ask("GET", "/api/v1/rollouts/1/progress")[0] == 404
        operator.ask("POST", "/events/production", event())

        def moving() -> Any:
            status, content = operator.ask("GET", "/api/v1/rollouts/1/progress")
            return status == 200 and content["counts"] == {"updating": 1} and content

        try:
            seen = until(moving)
            now = operator.get("/api/v1/status")
        finally:
            go_on.set()
        assert [(one["rollout"], one["counts"]) for one in now["running"]] == [(1, {"updating": 1})]
        assert (now["is_well"], now["counts"]["by_verdict"]) == (True, {"updating": 1})
        assert now["last_push"]["repository"] == "test/app"
        assert (seen["rollout"], seen["run"], seen["image"]) == (1, 1, APP)
        (target,) = seen["targets"]
        assert (target["name"], target["says"], target["outcome"]) == ("web0", "is being updated", None)
        assert target["task"]
        assert target["since"] >= seen["began_at"]
        until(lambda: ended_rollouts(operator))
        gone = until(
            lambda: (answer := operator.ask("GET", "/api/v1/rollouts/1/progress"))[0] == 404 and answer[1]
        )
        # How the fleet stands is read anew once a second.
        after = until(lambda: (now := operator.get("/api/v1/status"))["troubles"] and now)
        assert (after["is_well"], after["running"], after["troubles"][0]["kind"]) == (False, [], "failed")
        assert gone["detail"] == "no run of rollout 1 goes on; `rollout 1` tells what became of it"


class Watched(World):
    """A world in which somebody looks at the progress whenever an outcome is kept."""

    def __init__(self, runs: Path) -> None:
        self.seen: list[Any] = []
        super().__init__(lambda _: 0, runs)

    def meanwhile(self) -> None:
        for row in running(self.progress.running):
            self.seen.append(progress(self.progress.running, row["rollout"]))
        super().meanwhile()


def test_what_became_of_a_target_is_seen_while_its_run_goes_on_elsewhere(tmp_path: Path) -> None:
    world = Watched(tmp_path)
    calm(world)
    world.push("1")
    world.down.add("far")
    world.look_and_work()
    last = world.seen[-1]
    states = {one["key"]: (one["state"], one["outcome"], one["message"]) for one in last["targets"]}
    assert states["container/solo/web"] == ("ended", "updated", None)
    assert states["container/far/web"] == ("lost", None, "far: no route")
    assert not world.progress.running


def test_a_rollout_that_does_not_run_has_no_progress() -> None:
    with pytest.raises(NothingKnown, match="no run of rollout 3 goes on"):
        progress({}, 3)
