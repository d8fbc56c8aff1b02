"""``status``: whether everything is well, and what goes on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from integration.command_line.conftest import APP
from integration.conftest import Run, Site
from integration.keeping import ANN, due_messages
from registry_docker_updater.activities.silencing import Wish, silence
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.notifications.schedule import MessageState
from registry_docker_updater.core.silences import Subject
from registry_docker_updater.edges.lock import hold
from registry_docker_updater.storage.messages import keep_sent
from registry_docker_updater.storage.storage import Storage
from unit.builders import NEW, container, host, whole


@contextmanager
def working(site: Site) -> Iterator[None]:
    """An operator that works with the state directory, as far as others see."""
    held = hold(site.state)
    try:
        yield
    finally:
        held.release()


def status(run: Run) -> Any:
    code, out, _ = run("status", "--json")
    row = json.loads(out)
    assert code == (0 if row["is_well"] else 1)
    return row


def test_what_failed_is_told_with_what_comes_next_and_ends_with_1(
    history: Storage, site: Site, run: Run
) -> None:
    assert history
    with working(site):
        code, out, _ = run("status")
        row = status(run)
    assert code == 1
    first, *lines = out.splitlines()
    assert first.startswith(f"not everything is well: {APP} could not be brought to target db at host solo")
    assert any(line.startswith("failed: ") for line in lines)
    assert any("next: nothing until the next push; --force brings it to this one" in line for line in lines)
    assert row["counts"]["by_verdict"] == {"done": 2}
    assert (row["last_push"]["digest"], [one["id"] for one in row["last_rollouts"]]) == (NEW, [1])
    assert row["oldest_look"]["name"] == "solo"
    assert [one["name"] for one in row["registries"]] == ["harbor", "production"]


def test_everything_is_well_where_all_run_what_was_pushed(store: Storage, site: Site, run: Run) -> None:
    now = datetime.now(UTC)
    web = container(digest=NEW)
    store.fleet.apply(whole(Fleet({"solo": host("solo", now)}, {web.key: web})))
    with working(site):
        code, out, _ = run("status")
    assert code == 0
    assert out.startswith("everything is well: 1 host(s), 1 target(s), none of them behind what was pushed\n")


def test_without_an_operator_nothing_is_well(store: Storage, run: Run) -> None:
    assert store
    code, out, _ = run("status")
    assert code == 1
    assert "no operator: no operator works with the state directory" in out


def test_what_is_silenced_is_shown_apart_and_all_else_is_well(store: Storage, site: Site, run: Run) -> None:
    now = datetime.now(UTC)
    store.fleet.apply(whole(Fleet({"far": host("far", now, "no route to host")}, {})))
    with working(site):
        assert "cannot be reached: host far (no route to host)" in run("status")[1]
        silence(store, Wish(Subject.HOST, "far", now + timedelta(hours=1), "it moves"), ANN, now)
        code, out, _ = run("status")
        row = status(run)
    assert code == 0
    assert "silenced: cannot be reached: host far" in out
    assert "by ann until" in out
    assert (row["troubles"], row["counts"]["unreachable"]) == ([], 1)
    assert [one["reason"] for one in row["silenced"][0]["silences"]] == ["it moves"]


def test_a_message_that_was_given_up_is_told_for_a_day(history: Storage, run: Run) -> None:
    (due,) = due_messages(history, datetime.now(UTC))
    given_up = replace(due, state=MessageState.GIVEN_UP, attempts=3, due_at=None, error="slack: 503 \x1b[2J")
    keep_sent(history, given_up, {}, datetime.now(UTC))
    said = "not everybody was told: message 1 to default about rollout 1 (slack: 503 \\x1b[2J)"
    assert said in run("status")[1]
    assert history.notifications.untold(datetime.now(UTC) + timedelta(minutes=1)) == ()
