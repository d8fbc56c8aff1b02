"""What is looked for in the API is found, page by page, and what somebody has already is not sent again."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from integration.http.conftest import Listener
from integration.keeping import begin, end, ended
from registry_docker_updater.core.events.pushes import Push, Unreadable
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.views import trail as trail_views
from registry_docker_updater.views.outlook import VERDICTS
from unit.builders import HOST, NEW, NEWER, NOON, OLD, at, container, host, service, whole

PAGED = {"events", "rollouts", "targets", "hosts", "trail"}


@pytest.fixture
def filled(listener: Listener) -> Listener:
    """Two pushes and something unreadable, a rollout that updated one of two targets, and a host that is down."""
    store = listener.store
    pushes = [
        Push("production", "test/app", "1", NEW, at(1), "one", "alice"),
        Push("production", "test/other", "2", NEWER, at(2), "two", "bob"),
    ]
    store.events.record("production", pushes, at(5))
    store.events.record("harbor", [Unreadable("no JSON", "<html>")], at(3600))
    web, db = container("web"), container("db", digest=NEW)
    api = service("api", managers=("m1",), image="elsewhere.example.com/api:1")
    hosts = {"solo": host("solo"), "m1": host("m1", swarm="alpha"), "down": host("down", error="no route")}
    store.fleet.apply(whole(Fleet(hosts, {one.key: one for one in (web, db, api)})))
    (desired, _) = store.events.desired({"production": (HOST,)})
    assert desired.tag == "1"
    return listener


def found(listener: Listener, name: str, /, **wanted: Any) -> list[Any]:
    """The whole of a listing, and that its pages hold the same."""
    status, content = listener.ask("GET", f"/api/v1/{name}?{urlencode(wanted)}")
    assert (status, content["next"]) == (200, None), content
    if name not in PAGED:
        return list(content["items"])
    path, one_by_one = f"/api/v1/{name}?{urlencode({**wanted, 'limit': 1})}", []
    while path:
        page = listener.ask("GET", path)[1]
        one_by_one += page["items"]
        path = page["next"]
    assert one_by_one == content["items"]
    return one_by_one


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, [3, 2, 1]),
        ({"text": "TEST/O"}, [2]),
        ({"text": "no json"}, [3]),
        ({"text": "100%"}, []),
        ({"registry": "production"}, [2, 1]),
        ({"repository": "test/app", "tag": "1"}, [1]),
        ({"digest": NEWER}, [2]),
        ({"actor": "alice"}, [1]),
        ({"actor": "alice", "tag": "2"}, []),
        ({"kind": "unreadable"}, [3]),
        ({"waits": "false"}, [3, 2, 1]),
        ({"waits": "true"}, []),
        ({"since": (NOON + timedelta(hours=1)).isoformat()}, [3]),
        ({"until": (NOON + timedelta(hours=1)).isoformat()}, [2, 1]),
    ],
)
def test_events_are_found_by_what_is_looked_for(
    filled: Listener, wanted: dict[str, str], numbers: list[int]
) -> None:
    assert [row["id"] for row in found(filled, "events", **wanted)] == numbers


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["db", "web", "api"]),
        ({"text": "WE"}, ["web"]),
        ({"name": "web"}, ["web"]),
        ({"name": container("web").key}, ["web"]),
        ({"name": "we"}, []),
        ({"host": "solo"}, ["db", "web"]),
        ({"image": f"{HOST}/test/app:1"}, ["db", "web"]),
        ({"kind": "service"}, ["api"]),
        ({"verdict": "foreign"}, ["api"]),
        ({"verdict": "current"}, ["db"]),
        ({"behind": "true"}, ["web"]),
        ({"behind": "false"}, ["db", "api"]),
        ({"behind": "false", "host": "solo"}, ["db"]),
    ],
)
def test_targets_are_found_by_what_is_looked_for(
    filled: Listener, wanted: dict[str, str], names: list[str]
) -> None:
    assert [row["name"] for row in found(filled, "targets", **wanted)] == names


@pytest.mark.parametrize("verdict", VERDICTS)
def test_targets_of_a_verdict_are_all_that_have_it(filled: Listener, verdict: str) -> None:
    every = found(filled, "targets")
    assert found(filled, "targets", verdict=verdict) == [row for row in every if row["verdict"] == verdict]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"text": "OL"}, ["solo"]),
        ({"text": "no route"}, ["down"]),
        ({"swarm": "alpha"}, ["m1"]),
        ({"reachable": "false"}, ["down"]),
        ({"reachable": "true"}, ["m1", "solo"]),
    ],
)
def test_hosts_are_found_by_what_is_looked_for(
    filled: Listener, wanted: dict[str, str], names: list[str]
) -> None:
    assert [row["name"] for row in found(filled, "hosts", **wanted)] == names


def test_rollouts_are_found_by_what_is_looked_for(listener: Listener) -> None:
    listener.store.events.record(
        "production", [Push("production", "test/app", "1", NEW, NOON, "1", "alice")], NOON
    )
    begin(listener.store, at(1), container())
    assert [row["id"] for row in found(listener, "rollouts", state="running")] == [1]
    end(listener.store, at(2), ended(Outcome.UPDATED))
    assert found(listener, "rollouts", state="running") == []
    for wanted in ({"state": "finished"}, {"actor": "alice"}, {"text": "TEST/APP:"}, {"digest": NEW}):
        assert [row["id"] for row in found(listener, "rollouts", **wanted)] == [1], wanted
    story = listener.ask("GET", "/api/v1/rollouts/1/trail")[1]["items"]
    assert [row["kind"] for row in story] == ["event.received", "run.began", "run.ended"]
    assert listener.ask("GET", "/api/v1/rollouts/2/trail")[0] == 404


def test_the_trail_is_found_by_time_kind_image_host_and_person(filled: Listener) -> None:
    assert len(found(filled, "trail")) == 4
    assert [row["event"] for row in found(filled, "trail", person="bob")] == [2]
    assert [row["event"] for row in found(filled, "trail", image="test/app:1")] == [1]
    assert [
        row["event"] for row in found(filled, "trail", since=at(3600).isoformat(), kind="event.received")
    ] == [3]
    assert found(filled, "trail", host="solo") == []
    # Each is chained to the one before, whether or not that is shown.
    hashes = [row["hash"] for row in found(filled, "trail")]
    assert [row["previous"] for row in found(filled, "trail", image="test/other:2")] == [hashes[1]]


def test_for_a_page_of_a_long_trail_so_many_entries_are_looked_at_and_no_more(
    filled: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail_views, "_LOOKED_AT", 2)
    _, first = filled.ask("GET", "/api/v1/trail?person=nobody")
    assert first == {"items": [], "next": "/api/v1/trail?person=nobody&limit=100&after=2"}
    _, second = filled.ask("GET", first["next"])
    assert second == {"items": [], "next": None}


def test_a_target_is_found_by_its_key_with_its_slashes_and_by_its_name_where_that_is_of_one(
    filled: Listener,
) -> None:
    key = container("web").key
    assert "/" in key
    for given in (key, quote(key, safe=""), "web"):
        status, row = filled.ask("GET", f"/api/v1/targets/{given}")
        assert (status, row["key"], row["verdict"], row["pushed"]) == (200, key, "due", NEW)
    status, problem = filled.ask("GET", "/api/v1/targets/wep")
    assert (status, problem["detail"]) == (
        404,
        "no target is called wep, by name or key; did you mean web?",
    )


def test_a_name_that_several_targets_have_is_said_to_be(listener: Listener) -> None:
    twins = [container("web"), container("web", on="other")]
    listener.store.fleet.apply(whole(Fleet({"solo": host("solo")}, {one.key: one for one in twins})))
    status, problem = listener.ask("GET", "/api/v1/targets/web")
    keys = sorted(one.key for one in twins)
    assert (status, problem["detail"]) == (404, f"web is the name of several: {', '.join(keys)}")


def test_registries_tell_what_came_last_and_whether_they_are_asked(listener: Listener) -> None:
    listener.store.events.record(
        "production", [Push("production", "test/app", "1", NEW, at(1), "sent")], at(1)
    )
    harbor, production = found(listener, "registries")
    assert (production["name"], production["hosts"], production["is_asked"]) == ("production", [HOST], True)
    assert datetime.fromisoformat(production["last_event_at"]) == at(1)
    assert production["last_poll_error"] == "registry production cannot be reached"
    assert (harbor["is_asked"], harbor["last_event_at"]) == (False, None)


def conditional(
    listener: Listener, path: str, tags: str = "", method: str = "GET"
) -> tuple[int, bytes, dict[str, str]]:
    connection = listener.connect()
    connection.request(method, path, headers={"If-None-Match": tags} if tags else {})
    answer = connection.getresponse()
    found = answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    # The connection is of use after it, whatever it was.
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    return found


@pytest.mark.parametrize("path", ["events", "targets", "registries", "openapi.json", "events/1"])
def test_what_somebody_has_already_is_not_sent_again(filled: Listener, path: str) -> None:
    path = f"/api/v1/{path}"
    status, body, headers = conditional(filled, path)
    tag = headers["etag"]
    assert (status, headers["cache-control"], bool(body)) == (200, "private, no-cache", True)
    assert "Authorization" in headers["vary"]
    for tags in (tag, f'"other", W/{tag}', "*"):
        status, body, again = conditional(filled, path, tags)
        assert (status, body, again["etag"]) == (304, b"", tag)
        assert "content-length" not in again
    assert conditional(filled, path, '"other"')[0] == 200


def test_another_answer_has_another_tag_and_what_is_refused_has_none(filled: Listener) -> None:
    _, _, before = conditional(filled, "/api/v1/events")
    filled.store.events.record("production", [Push("production", "a", "1", OLD, NOON, "new")], NOON)
    status, _, after = conditional(filled, "/api/v1/events", before["etag"])
    assert (status, after["etag"] != before["etag"]) == (200, True)
    for path in ("/api/v1/events/77", "/api/v1/events?limit=0"):
        status, _, headers = conditional(filled, path, "*")
        assert (status in (400, 404), "etag" in headers, headers["cache-control"]) == (
            True,
            False,
            "no-store",
        )


def test_only_the_head_is_sent_where_only_that_is_asked_for(filled: Listener) -> None:
    _, body, whole_answer = conditional(filled, "/api/v1/events")
    status, nothing, head = conditional(filled, "/api/v1/events", method="HEAD")
    assert (status, nothing) == (200, b"")
    assert head["content-length"] == str(len(body))
    assert head["etag"] == whole_answer["etag"]
    assert conditional(filled, "/api/v1/events", head["etag"], method="HEAD")[0] == 304
