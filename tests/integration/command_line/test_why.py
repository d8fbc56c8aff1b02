"""``why``: what a target runs, what was pushed, and what comes next."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from integration.command_line.conftest import APP
from integration.conftest import Run
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, NEW, container, host, service, whole


def test_why_tells_what_it_runs_what_was_pushed_the_verdict_and_what_comes_next(
    history: Storage, run: Run
) -> None:
    assert history
    code, out, said_beside = run("why", "db")
    assert code == 0
    assert "no operator works with this state directory, so nothing happens until one does" in said_beside
    first, *lines = out.splitlines()
    assert first.startswith("container db at host solo")
    said = {line.strip().partition(": ")[0]: line for line in lines}
    assert f"{APP}, aaaaaaaaaaaa, since" in said["runs"]
    assert "bbbbbbbbbbbb at" in said["pushed"]
    assert "event 1 of production" in said["pushed"]
    assert said["verdict"].endswith("this push has been dealt with here")
    assert "--force" in said["next"]
    assert "answers" in said["host solo"]
    assert "no space left" in said["rollout 1"]


def test_why_of_a_name_on_many_hosts_tells_of_each(store: Storage, run: Run) -> None:
    here, there = container("web", on="one"), container("web", on="two", digest=NEW)
    api = service("api")
    now = datetime.now(UTC)
    hosts = {"one": host("one", now), "two": host("two", now, "no route to host"), "m1": host("m1", now)}
    store.fleet.apply(whole(Fleet(hosts, {one.key: one for one in (here, there, api)})))
    code, out, _ = run("why", "web")
    assert (code, out.count("container web at")) == (0, 2)
    assert "host two: no route to host" in out
    _, out, _ = run("why", "web", "--json")
    assert [(one["key"], one["verdict"], one["silent"]) for one in json.loads(out)] == [
        (here.key, "not_pushed", []),
        (there.key, "not_pushed", ["two"]),
    ]
    assert run("why", api.key)[1].startswith("service api")


@pytest.mark.parametrize(
    ("asked", "remedy"),
    [("wep", "did you mean web"), ("something else", "`fleet` lists them")],
)
def test_why_of_what_is_not_known_names_what_is_like_it(
    history: Storage, run: Run, asked: str, remedy: str
) -> None:
    assert history
    code, out, complaint = run("why", asked)
    assert (code, out) == (1, "")
    assert f"no target is called {asked}" in complaint
    assert remedy in complaint


def test_why_says_that_no_target_is_known_yet(store: Storage, run: Run) -> None:
    assert store
    store.fleet.apply(whole(Fleet({"solo": host("solo")}, {})))
    code, _, complaint = run("why", "web")
    assert code == 1
    assert "no host has told of a service or container that opted in" in complaint


def test_why_of_an_image_that_no_registry_has_names_the_setting(store: Storage, run: Run) -> None:
    now = datetime.now(UTC) - timedelta(days=1)
    foreign = container("db", image=f"elsewhere.{HOST}/db:1")
    store.fleet.apply(whole(Fleet({"solo": host("solo", now)}, {foreign.key: foreign})))
    _, out, _ = run("why", "db")
    assert "verdict: its registry is none of those in the settings" in out
    assert "registries.<name>.hosts" in out
    assert "pushed:" not in out
