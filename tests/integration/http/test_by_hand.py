"""What people have done over HTTP: by whom, once, and told of in the trail; and what of strangers is not even read."""

import ipaddress
import json
import sqlite3
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from integration.http.conftest import HOSTS, Listener
from integration.keeping import ANN, begin, end, ended
from integration.waiting import look
from registry_docker_updater.activities.freezing import FreezeWish, freeze
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.policy.freezes import Scope
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.access import Access, Proxy, Right, Token
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.answers import KEPT_FOR, AnswerStore
from registry_docker_updater.storage.evidence import verify
from registry_docker_updater.views.trail import story, trail
from unit.builders import HOST, NEW, NEWER, OLD, container, fleet, labelled
from unit.builders import whole as whole_fleet

APP = f"{HOST}/test/app:1"
PROXY = Proxy("X-Remote-User", (ipaddress.ip_network("127.0.0.0/8"),), ("zoë",))
OPERATOR = {"Authorization": "Bearer a-token-to-operate", "Content-Type": "application/json"}
READER = {**OPERATOR, "Authorization": "Bearer a-token-to-read"}


@pytest.fixture
def door(listener: Listener) -> Listener:
    """Who may read, who may operate, and two containers that run what is pushed."""
    tokens = (Token("bob", "a-token-to-read", Right.READ), Token("ann", "a-token-to-operate", Right.OPERATE))
    listener.access.change(Access(tokens, PROXY))
    listener.store.fleet.apply(whole_fleet(fleet(container("web"), container("db", digest=NEW))))
    return listener


def ask(
    door: Listener,
    path: str,
    asked: Any = None,
    headers: Mapping[str, str] = OPERATOR,
    key: str | None = None,
) -> tuple[int, Any]:
    body = None if asked is None else json.dumps(asked)
    keyed = {} if key is None else {"Idempotency-Key": key}
    return door.ask("POST", f"/api/v1/{path}", body, {**headers, **keyed})


def pushed(door: Listener, image: str = f"{APP}@{NEW}", **more: Any) -> tuple[int, Any]:
    return ask(door, "pushes", {"image": image, **more})


def test_a_push_is_recorded_and_the_trail_says_who_asked_for_it_and_from_where(door: Listener) -> None:
    status, row = pushed(door)
    assert (status, row["push"], row["image"], row["digest"]) == (201, 1, APP, NEW)
    assert {one["name"]: one["is_concerned"] for one in row["targets"]} == {"web": True, "db": False}
    (desired,) = door.store.events.desired(HOSTS)
    assert (desired.push, desired.digest) == (1, NEW)
    entry = trail(door.store, 10)[0][-1]
    content = entry["content"] or {}
    assert (entry["kind"], content["facts"]["from"]) == ("event.received", "HTTP from 127.0.0.1")
    assert content["rows"]["events"][0]["actor"] == "ann (by hand)"
    assert door.woken == ["by hand"]
    assert not list(verify(door.store))


def test_who_forces_a_push_is_told_what_that_breaks_and_so_is_the_team(door: Listener) -> None:
    cold, asked = (
        labelled(container("cold"), minimum_age="2h"),
        labelled(container("asked"), approval="required"),
    )
    door.store.fleet.apply(whole_fleet(fleet(cold, asked)))
    freeze(door.store, FreezeWish(Scope.EVERYTHING, "", None, "end of year"), ANN, utc_now())
    before = {one["name"]: one for one in pushed(door)[1]["targets"]}
    assert {one: (before[one]["waits"], before[one]["can_be_forced"]) for one in ("cold", "asked")} == {
        "cold": (True, True),
        "asked": (True, False),
    }
    status, row = pushed(door, force=True)
    after = {one["name"]: one for one in row["targets"]}
    frozen = "is frozen by ann until somebody thaws it: end of year"
    assert (status, after["cold"]["is_concerned"], after["cold"]["waits"]) == (201, True, False)
    assert after["cold"]["breaks"][0] == frozen
    assert after["cold"]["breaks"][1].startswith("waits until the push is old enough, at ")
    assert (after["asked"]["waits"], after["asked"]["breaks"]) == (True, [])
    said = [one["says"] for one in trail(door.store, 100)[0] if one["kind"] == "push.insisted"]
    assert f"although it {frozen}, on {cold.key}" in said[0]
    # What was broken is told with the end of the run, though nobody insists any more.
    begin(door.store, utc_now(), cold)
    end(door.store, utc_now(), ended(Outcome.UPDATED, cold.key))
    assert cold.key not in {one.key for one in door.store.overrides.open()}
    (news,) = door.store.news.unrouted(10)
    (insisted,) = news.item["insisted"]
    assert insisted.startswith(f"As ann wants, though it {frozen}; it waits until the push is old enough")


def test_what_was_recorded_is_shown_where_the_answer_says(door: Listener) -> None:
    connection = door.connect()
    connection.request("POST", "/api/v1/pushes", json.dumps({"image": f"{APP}@{NEW}"}), OPERATOR)
    answer = connection.getresponse()
    where = answer.getheader("Location")
    recorded = json.loads(answer.read())
    assert where == "/api/v1/pushes/1"
    status, row = door.ask("GET", where, None, READER)
    assert (status, row) == (200, recorded)
    begin(door.store, utc_now(), container("web"))
    row = door.ask("GET", where, None, READER)[1]
    assert (row["rollout"]["state"], row["is_newest"]) == ("running", True)
    pushed(door, f"{APP}@{NEWER}")
    row = door.ask("GET", where, None, READER)[1]
    assert (row["is_newest"], row["targets"]) == (False, [])
    connection.close()


def test_a_plan_needs_the_right_to_read_and_changes_nothing(door: Listener) -> None:
    before = door.store.change_counter()
    status, page = door.ask("GET", f"/api/v1/plan?image={APP}@{NEW}", None, READER)
    assert status == 200
    assert {row["name"]: row["verdict"] for row in page["items"]} == {"web": "due", "db": "current"}
    assert door.store.change_counter() == before
    for image in ("nginx", f"{HOST}/test/app@{NEW}", "https://x"):
        assert door.ask("GET", f"/api/v1/plan?image={image}", None, READER)[0] == 404
    assert door.ask("GET", "/api/v1/plan", None, READER)[1]["detail"] == "image is missing"


def failed(door: Listener, outcome: Outcome = Outcome.ROLLED_BACK) -> None:
    """A rollout of a push that ended so on its target."""
    now = utc_now() - timedelta(minutes=5)
    door.store.events.record("production", [Push("production", "test/app", "1", NEW, now, "1")], now)
    target = container("web", since=now)
    door.store.fleet.apply(whole_fleet(fleet(target)))
    begin(door.store, now, target)
    end(door.store, now, ended(outcome, after=OLD))


def web(row: Any) -> Any:
    return next(one for one in row["targets"] if one["name"] == "web")


def test_a_rollout_runs_again_when_somebody_asks_for_it_and_by_force_also_where_it_was_rolled_back(
    door: Listener,
) -> None:
    failed(door)
    status, row = ask(door, "rollouts/1/retry")
    assert (status, row["rollout"]["state"], row["rollout"]["attempts"]) == (202, "waiting", 0)
    assert (web(row)["is_concerned"], web(row)["can_be_forced"]) == (False, True)
    assert door.store.overrides.open() == frozenset()

    status, row = ask(door, "rollouts/1/retry", {"force": True})
    assert (status, web(row)["is_concerned"]) == (202, True)
    assert {one.key for one in door.store.overrides.open()} == {container("web").key}
    said = story(door.store, 1)[-1]
    assert (said["kind"], said["says"].startswith("ann asked for it, HTTP from 127.0.0.1")) == (
        "rollout.retried",
        True,
    )


def test_force_can_be_for_some_targets_only(door: Listener) -> None:
    failed(door)
    key = container("web").key
    assert web(pushed(door, force=True, targets=[])[1])["is_concerned"] is False
    assert web(pushed(door, force=True, targets=[key])[1])["is_concerned"] is True
    status, problem = pushed(door, force=True, targets=["elsewhere"])
    assert (status, problem["detail"].startswith("targets: elsewhere is no target")) == (422, True)
    status, problem = pushed(door, targets=[key])
    assert (status, problem["detail"].startswith("targets: they are those that force is for")) == (422, True)


def test_what_cannot_be_done_as_things_stand_is_a_conflict(door: Listener) -> None:
    assert ask(door, "rollouts/1/retry")[0] == 404
    failed(door)
    actions.retry_rollout(door.store, 1, {}, ANN, utc_now())
    begin(door.store, utc_now(), container("web"))
    status, problem = ask(door, "rollouts/1/retry")
    assert (status, "runs at this moment" in problem["detail"]) == (409, True)
    pushed(door, f"{APP}@{NEWER}")
    status, problem = ask(door, "rollouts/1/retry")
    assert (status, "after which came another" in problem["detail"]) == (409, True)
    assert door.woken == ["by hand"]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({}, 422, "image: is missing"),
        ([], 422, "the body: is to be a JSON object"),
        ({"image": f"{APP}@{NEW}", "forse": True}, 422, "forse: is not known here"),
        ({"image": f"{APP}@{NEW}", "force": "yes"}, 422, "force: "),
        ({"image": f"{APP}@{NEW}", "force": 1}, 422, "force: "),
        ({"image": 7}, 422, "image: "),
        ({"image": f"{APP}@{NEW}", "targets": ["a", ""]}, 422, "targets.1: "),
        ({"image": "a b"}, 422, "image: "),
        ({"image": "\ud800"}, 422, "image: "),
        ({"image": APP}, 422, f"image: {APP} needs a tag and a digest"),
        ({"image": f"nginx:1@{NEW}"}, 422, "image: docker.io is no registry of the settings"),
        ({"\u202e": 1, "image": f"{APP}@{NEW}"}, 422, "\\u202e: is not known here"),
    ],
)
def test_a_body_that_is_not_meant_is_refused_with_the_name_of_its_field(
    door: Listener, asked: Any, status: int, said: str
) -> None:
    found, problem = ask(door, "pushes", asked)
    assert (found, problem["title"]) == (status, "Unprocessable Entity")
    assert problem["detail"].startswith(said)
    assert door.store.events.last_event() == 0


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 422, "image: is missing"),
        (b"{", 400, "the body is no JSON"),
        (b"\xff", 400, "the body is no JSON"),
        (b'{"image": NaN}', 400, "the body is no JSON: NaN is no number"),
        (b'{"force": true, "force": false}', 400, "the body is no JSON: a name stands twice"),
        (b"[" * 60_000, 400, "the body is no JSON"),
        (b"7" * 60_000, 400, "the body is no JSON"),
    ],
)
def test_a_body_that_is_no_json_is_refused(door: Listener, body: bytes, status: int, said: str) -> None:
    found, problem = door.ask("POST", "/api/v1/pushes", body, OPERATOR)
    assert (found, problem["detail"].startswith(said)) == (status, True), problem


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_a_body_of_another_type_is_refused_as_pages_of_elsewhere_can_send_it(
    door: Listener, kind: str
) -> None:
    status, problem = ask(door, "pushes", {"image": f"{APP}@{NEW}"}, {**OPERATOR, "Content-Type": kind})
    assert (status, "is to be application/json" in problem["detail"]) == (415, True)
    assert door.store.events.last_event() == 0


def test_who_has_no_right_does_nothing_and_what_they_send_is_not_read(door: Listener) -> None:
    body = {"image": f"{APP}@{NEW}"}
    for path in ("pushes", "rollouts/1/retry"):
        assert ask(door, path, body, {"Content-Type": "application/json"})[0] == 401
        assert ask(door, path, body, READER)[0] == 403
    # The answer comes though the body never does.
    head = b"POST /api/v1/pushes HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"
    assert door.answer_to(head).startswith(b"HTTP/1.1 401 ")
    door.access.change(Access())
    status, problem = ask(door, "pushes", body)
    assert (status, problem["detail"].startswith("nobody operates over HTTP")) == (403, True)
    assert door.store.events.last_event() == 0


def test_a_body_that_is_larger_than_any_is_refused_before_it_is_read(door: Listener) -> None:
    head = (
        b"POST /api/v1/pushes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a-token-to-operate\r\n"
        b"Content-Type: application/json\r\nContent-Length: 65537\r\n\r\n"
    )
    answer = door.answer_to(head)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Content-Type: application/problem+json" in answer
    largest = json.dumps({"image": "x" * 900}).ljust(64 * 1024)
    assert door.ask("POST", "/api/v1/pushes", largest, OPERATOR)[0] == 422


PROXIED = {"X-Remote-User": "zoë".encode().decode("latin-1"), "Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://updater.example.com"}, 201),
        ({"Origin": "https://updater.example.com"}, 201),
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "https://updater.example.com.evil.example.com"}, 403),
        ({"Origin": "https://updater.example.com:8443"}, 403),
        ({"Origin": "ftp://updater.example.com"}, 403),
        ({"Origin": "https://["}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://updater.example.com"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Authorization": "Bearer wrong"}, 403),
        ({"Authorization": "Bearer a-token-to-read"}, 403),
        ({"Authorization": "Bearer a-token-to-operate", "Sec-Fetch-Site": "cross-site"}, 201),
    ],
)
def test_whom_a_proxy_lets_in_is_heard_from_a_page_of_ours_only(
    door: Listener, headers: dict[str, str], status: int
) -> None:
    asked = json.dumps({"image": f"{APP}@{NEW}"})
    found, row = door.ask(
        "POST", "/api/v1/pushes", asked, {**PROXIED, "Host": "updater.example.com", **headers}
    )
    assert (found, door.store.events.last_event()) == (status, int(status == 201)), row
    if status == 201 and "Authorization" not in headers:
        assert row["actor"] == "zoë (by hand)"


def keyed(door: Listener, key: str, image: str = f"{APP}@{NEW}", **headers: str) -> tuple[int, Any]:
    return ask(door, "pushes", {"image": image}, {**OPERATOR, **headers}, key)


def test_what_is_asked_for_again_with_the_same_key_is_done_once_and_answered_as_it_was(
    door: Listener,
) -> None:
    first = keyed(door, "one")
    assert first[0] == 201
    begin(door.store, utc_now(), container("web"))
    assert keyed(door, "one") == keyed(door, '"one"') == first
    assert door.store.events.last_event() == 1
    assert keyed(door, "two")[1]["push"] == 2
    assert door.woken == ["by hand"] * 2


def test_a_key_is_for_one_thing_and_one_person(door: Listener) -> None:
    keyed(door, "one")
    status, problem = keyed(door, "one", f"{APP}@{NEWER}")
    assert (status, problem["detail"].startswith("Idempotency-Key: it was used for something else")) == (
        422,
        True,
    )
    failed(door)
    status, problem = ask(door, "rollouts/1/retry", key="one")
    assert status == 422
    others = Token("eve", "another-token", Right.OPERATE)
    door.access.change(Access([others]))
    assert keyed(door, "one", f"{APP}@{NEWER}", Authorization="Bearer another-token")[0] == 201


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "\xe4", 'a"b'])
def test_a_key_that_is_none_is_refused(door: Listener, key: str) -> None:
    status, problem = keyed(door, key)
    assert (status, problem["detail"].startswith("Idempotency-Key is to be")) == (400, True)
    assert door.store.events.last_event() == 0


def test_what_was_refused_can_be_asked_again_with_its_key(door: Listener) -> None:
    assert ask(door, "rollouts/1/retry", key="one")[0] == 404
    failed(door)
    assert ask(door, "rollouts/1/retry", key="one")[0] == 202


def test_many_who_ask_with_one_key_at_once_have_it_done_once(door: Listener) -> None:
    together = threading.Barrier(4)

    def once(_: int) -> tuple[int, Any]:
        together.wait()
        return keyed(door, "one")

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(once, range(4)))
    assert answers == [answers[0]] * 4
    assert door.store.events.last_event() == 1


def test_an_answer_is_kept_for_a_day(door: Listener) -> None:
    keyed(door, "one")
    door.store.answers.remove(utc_now() - KEPT_FOR)
    kept = door.store.answers.find("ann", "one")
    assert kept
    door.store.answers.remove(kept.at + timedelta(seconds=1))
    assert door.store.answers.find("ann", "one") is None


def test_an_answer_about_many_targets_is_kept_in_little_and_given_again_as_it_was(door: Listener) -> None:
    many = (container(f"c{number:04}") for number in range(1000))
    door.store.fleet.apply(whole_fleet(fleet(*many)))
    first = keyed(door, "one")
    assert keyed(door, "one") == first
    with sqlite3.connect(door.path) as database:
        ((size,),) = database.execute("SELECT length(content) FROM answers")
    assert len(first[1]["targets"]) > 1000
    assert size < len(json.dumps(first[1])) / 20


def test_after_a_day_a_key_is_as_new_though_its_answer_is_still_there(door: Listener) -> None:
    keyed(door, "one")
    kept = door.store.answers.find("ann", "one")
    assert kept
    door.store.answers.keep(replace(kept, at=kept.at - KEPT_FOR))
    assert keyed(door, "one", f"{APP}@{NEWER}")[1]["push"] == 2


def test_where_nothing_can_be_kept_nothing_was_done_and_the_key_is_free(
    door: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise StoreUnavailable("no space left on the disk")

    with monkeypatch.context() as broken:
        broken.setattr(AnswerStore, "keep", fails)
        status, problem = keyed(door, "one")
        assert (status, problem["detail"]) == (503, "no space left on the disk")
    assert door.store.events.last_event() == 0
    assert door.woken == []
    assert keyed(door, "one")[0] == 201


def test_a_trouble_is_silenced_until_somebody_ends_that_and_each_is_done_once(door: Listener) -> None:
    until = (utc_now() + timedelta(hours=2)).isoformat()
    asked = {"what": "solo", "until": until, "reason": "it moves"}
    status, row = ask(door, "silences", asked, key="one")
    assert (status, row["of"], row["actor"], row["counts"]) == (201, "solo", "ann", True)
    assert ask(door, "silences", asked, key="one") == (status, row)
    assert door.ask("GET", "/api/v1/silences", None, READER)[1] == {"items": [row], "next": None}
    assert door.ask("GET", f"/api/v1/silences/{row['id']}", None, READER) == (200, row)
    status, ended_row = ask(door, "silences/1/end")
    assert (status, ended_row["counts"], ended_row["ended_by"]) == (202, False, "ann")
    assert ask(door, "silences/1/end")[0] == 409
    assert ask(door, "silences/7/end")[0] == 404
    assert door.ask("GET", "/api/v1/silences/7", None, READER)[0] == 404
    assert not list(verify(door.store))


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"until": 7}, 422, "until: "),
        ({"until": "2026-11-30"}, 422, "until: "),
        ({"until": "2026-11-01T08:00:00Z"}, 422, "until: "),
        ({"until": "2999-11-01T08:00:00Z"}, 422, "until: "),
        ({"reason": " "}, 422, "reason: "),
        ({"what": "nobody"}, 404, "no host, target, registry or image"),
        ({"whatever": 1}, 422, "whatever: is not known here"),
    ],
)
def test_a_silence_that_is_not_meant_is_refused(
    door: Listener, changed: dict[str, Any], status: int, said: str
) -> None:
    asked = {"what": "solo", "until": (utc_now() + timedelta(hours=2)).isoformat(), "reason": "x"}
    found, problem = ask(door, "silences", {**asked, **changed})
    assert (found, problem["detail"].startswith(said)) == (status, True), problem
    assert door.store.silences.newest(1) == ()


def test_everything_is_frozen_until_somebody_ends_that_and_each_is_done_once(door: Listener) -> None:
    status, row = ask(door, "freezes", {"reason": "end of year"}, key="one")
    assert (status, row["scope"], row["until"], row["actor"]) == (201, "everything", None, "ann")
    assert ask(door, "freezes", {"reason": "end of year"}, key="one") == (status, row)
    assert door.woken == ["by hand"]
    until = (utc_now() + timedelta(hours=2)).isoformat()
    assert ask(door, "freezes", {"what": "host:solo", "until": until, "reason": "it moves"})[0] == 201
    assert [one["id"] for one in door.ask("GET", "/api/v1/freezes", None, READER)[1]["items"]] == [2, 1]
    assert door.ask("GET", "/api/v1/freezes/1", None, READER) == (200, row)
    assert len(door.ask("GET", "/api/v1/status", None, READER)[1]["freezes"]) == 2
    status, ended_row = ask(door, "freezes/1/end")
    assert (status, ended_row["counts"], ended_row["ended_by"]) == (202, False, "ann")
    for counts, number in (("true", 2), ("false", 1)):
        (one,) = door.ask("GET", f"/api/v1/freezes?counts={counts}", None, READER)[1]["items"]
        assert one["id"] == number
    assert ask(door, "freezes/1/end")[0] == 409
    assert ask(door, "freezes/7/end")[0] == 404
    assert door.ask("GET", "/api/v1/freezes/7", None, READER)[0] == 404
    assert not list(verify(door.store))


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"until": 7}, 422, "until: "),
        ({"until": "2026-11-01T08:00:00Z"}, 422, "until: a freeze ends later than now"),
        ({"reason": " "}, 422, "reason: a freeze has a reason"),
        ({"what": "nobody"}, 404, "no swarm, group or host of the fleet"),
        ({"what": ""}, 422, "what: "),
        ({"whatever": 1}, 422, "whatever: is not known here"),
    ],
)
def test_a_freeze_that_is_not_meant_is_refused(
    door: Listener, changed: dict[str, Any], status: int, said: str
) -> None:
    found, problem = ask(door, "freezes", {"what": "solo", "reason": "x", **changed})
    assert (found, problem["detail"].startswith(said)) == (status, True), problem
    assert door.store.freezes.counting(utc_now()) == ()


def test_who_may_only_read_neither_freezes_nor_thaws(door: Listener) -> None:
    assert ask(door, "freezes", {"reason": "x"})[0] == 201
    assert ask(door, "freezes", {"reason": "x"}, READER)[0] == 403
    assert ask(door, "freezes/1/end", None, READER)[0] == 403
    assert len(door.store.freezes.counting(utc_now())) == 1


@pytest.fixture
def waits(door: Listener) -> Listener:
    """A rollout that waits for two people, one of them ann."""
    web = labelled(container("web"), approval="2", approvers="ann, bob")
    door.store.fleet.apply(whole_fleet(fleet(web)))
    now = utc_now()
    door.store.events.record("production", [Push("production", "test/app", "1", NEW, now, "1", "alice")], now)
    look(door.store, HOSTS, now)
    return door


def test_a_push_is_approved_once_for_the_targets_on_which_the_person_may_decide(waits: Listener) -> None:
    status, row = waits.ask("GET", "/api/v1/rollouts/1/approvals", None, READER)
    assert (status, [one["missing"] for one in row["approvals"]]) == (200, [2])
    status, row = ask(waits, "rollouts/1/approve", {"reason": "looks good"}, key="one")
    assert (status, row["decided"], row["approvals"][0]["approved_by"]) == (
        202,
        [container("web").key],
        ["ann"],
    )
    assert ask(waits, "rollouts/1/approve", {"reason": "looks good"}, key="one") == (status, row)
    assert waits.woken == ["by hand"]
    (decision,) = waits.store.decisions.of_pushes([1])[1]
    assert (decision.person, decision.is_approval, decision.reason) == ("ann", True, "looks good")
    status, problem = ask(waits, "rollouts/1/approve")
    assert (status, problem["detail"]) == (409, "ann has approved it; 1 more is to")
    status, row = ask(waits, "rollouts/1/refuse", {"reason": "not today", "targets": [container("web").key]})
    assert (status, row["approvals"][0]["refused_by"]) == (202, "ann")
    assert not list(verify(waits.store))


@pytest.mark.parametrize(
    ("path", "asked", "status", "said"),
    [
        ("rollouts/1/refuse", {}, 422, "reason: is missing"),
        ("rollouts/1/refuse", {"reason": " "}, 422, "reason: a refusal has a reason"),
        ("rollouts/1/approve", {"targets": ["x"]}, 422, "targets: x is no target of rollout 1"),
        ("rollouts/1/approve", {"force": True}, 422, "force: is not known here"),
        ("rollouts/7/approve", {}, 404, "there is no rollout 7"),
    ],
)
def test_what_cannot_be_decided_is_refused(
    waits: Listener, path: str, asked: dict[str, Any], status: int, said: str
) -> None:
    found, problem = ask(waits, path, asked)
    assert (found, problem["detail"].startswith(said)) == (status, True), problem
    assert waits.store.decisions.of_pushes([1]) == {}


def test_who_may_only_read_approves_and_refuses_nothing(waits: Listener) -> None:
    assert ask(waits, "rollouts/1/approve", None, READER)[0] == 403
    assert ask(waits, "rollouts/1/refuse", {"reason": "x"}, READER)[0] == 403
    assert waits.store.decisions.of_pushes([1]) == {}


def test_the_approvals_of_what_is_not_there_or_counts_no_more_are_not_shown(waits: Listener) -> None:
    assert waits.ask("GET", "/api/v1/rollouts/7/approvals", None, READER)[0] == 404
    pushed(waits, f"{APP}@{NEWER}")
    status, problem = waits.ask("GET", "/api/v1/rollouts/1/approvals", None, READER)
    assert (status, "after which came another" in problem["detail"]) == (409, True)
