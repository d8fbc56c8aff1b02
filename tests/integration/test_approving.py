"""A person approves or refuses what waits: for which targets that counts, who may not, and what is kept of it."""

from typing import Any

import pytest

from integration.keeping import ANN, HOSTS, push, record
from integration.waiting import look
from registry_docker_updater.activities.approving import decision
from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.errors import NotAsked, NothingKnown, NotNow
from registry_docker_updater.storage.evidence import verify
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.approvals import DecidedRow, approvals, can_be_given, says
from registry_docker_updater.views.trail import trail
from unit.builders import NEW, NEWER, NOON, at, container, fleet, labelled, service, whole

BOB, ALICE = Person("bob", "command line"), Person("Alice", "command line")
# alice pushes it.
WEB = labelled(container("web"), approval="required")
API = labelled(service("api"), approval="2", four_eyes="true", approval_deadline="1h")
DB = labelled(container("db"), approval="required", approvers="dba-*, bob")
FREE = container("free")
TARGETS = (WEB, API, DB, FREE)
FLEET = fleet(*TARGETS)


@pytest.fixture
def waits(storage: Storage) -> Storage:
    """Rollout 1, of which three targets wait for approval, and one for nothing."""
    storage.fleet.apply(whole(FLEET))
    record(storage, push())
    assert [one.targets for one in look(storage, HOSTS, at(1)).start] == [(FREE,)]
    return storage


def decide(storage: Storage, who: Person, now: float = 10, **more: Any) -> DecidedRow:
    given = {"is_approval": True, **more}
    return decision(storage, HOSTS, 1, FLEET, who, at(now), **given)


def due(storage: Storage, now: float = 20) -> set[str]:
    """The names of the targets that the planner would update."""
    return {target.name for one in look(storage, HOSTS, at(now)).start for target in one.targets}


def states(storage: Storage, now: float = 20) -> dict[str, str]:
    row = approvals(storage, HOSTS, 1, FLEET, at(now))
    return {key: says(one) for one in row["approvals"] for key in one["keys"]}


def test_what_waits_says_who_may_approve_it_and_until_when(waits: Storage) -> None:
    row = approvals(waits, HOSTS, 1, FLEET, at(5))
    found = {one["keys"][0]: one for one in row["approvals"]}
    assert found.keys() == {WEB.key, API.key, DB.key}
    assert (found[WEB.key]["people"], found[WEB.key]["approvers"], found[WEB.key]["lapses_at"]) == (
        1,
        [],
        None,
    )
    assert (found[API.key]["missing"], found[API.key]["four_eyes"]) == (2, True)
    assert (found[API.key]["lapses_at"] or "").startswith("2026-11-22T13:00:00")
    assert found[DB.key]["approvers"] == [["bob", "dba-*"]]
    assert [can_be_given(one) for one in row["approvals"]] == [True] * 3
    assert {one["name"]: one["verdict"] for one in row["targets"]}["web"] == "approval"
    assert (row["actor"], row["digest"]) == ("alice", NEW)


def test_an_approval_is_for_all_targets_on_which_the_person_may_decide(waits: Storage) -> None:
    row = decide(waits, ANN, reason=" looks good ")
    assert row["decided"] == sorted([WEB.key, API.key])
    assert due(waits) == {"free", "web"}
    assert states(waits)[API.key] == "waits for 1 person, by ann so far"
    row = decide(waits, BOB)
    assert row["decided"] == sorted([API.key, DB.key])
    assert due(waits) == {"free", "web", "api", "db"}
    assert states(waits)[API.key] == "approved by ann, bob"
    first = next(one for one in trail(waits, 50)[0] if one["kind"] == "rollout.approved")
    assert (first["content"] or {})["facts"]["reason"] == "looks good"
    assert list(verify(waits)) == []


def test_an_approval_of_some_targets_leaves_the_others_waiting(waits: Storage) -> None:
    assert decide(waits, BOB, only=[DB.key])["decided"] == [DB.key]
    assert due(waits) == {"free", "db"}


def test_whoever_pushed_approves_nothing_that_four_eyes_are_to_see(waits: Storage) -> None:
    assert decide(waits, ALICE)["decided"] == [WEB.key]
    with pytest.raises(NotNow, match="Alice pushed it, and somebody else is to approve"):
        decide(waits, ALICE, only=[API.key])


def test_a_refusal_holds_a_push_back_until_whoever_refused_it_approves_it(waits: Storage) -> None:
    decide(waits, ANN)
    decide(waits, BOB, only=[API.key])
    decide(waits, BOB, is_approval=False, only=[API.key], reason="too late today")
    assert states(waits)[API.key] == "refused by bob: too late today"
    assert "api" not in due(waits)
    with pytest.raises(NotNow, match="bob refused it, and can still approve it"):
        decide(waits, Person("eve", "x"), only=[API.key])
    decide(waits, BOB, only=[API.key])
    assert "api" in due(waits)


@pytest.mark.parametrize(
    ("who", "given", "error", "says"),
    [
        (ANN, {"only": [DB.key]}, NotNow, "ann is none of those who may: bob, dba-"),
        (ANN, {"only": [FREE.key]}, NotNow, "container/solo/free waits for nobody's approval"),
        (ANN, {"only": ["x"]}, NotAsked, "x is no target of rollout 1"),
        (ANN, {"is_approval": False}, NotAsked, "a refusal has a reason"),
        (ANN, {"is_approval": False, "reason": "a\nb"}, NotAsked, "one line of text"),
        (ANN, {"reason": "x" * 501}, NotAsked, "the reason of an approval has 500 characters at most"),
    ],
)
def test_what_cannot_be_decided_is_said_with_why_and_nothing_is_kept(
    waits: Storage, who: Person, given: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        decide(waits, who, **given)
    assert waits.decisions.of_pushes([1]) == {}


def test_nobody_approves_the_same_twice(waits: Storage) -> None:
    decide(waits, ANN)
    with pytest.raises(NotNow, match="ann has approved it; 1 more is to"):
        decide(waits, ANN, only=[API.key])
    with pytest.raises(NotNow, match=r"ann has approved it; .*ann is none of those"):
        decide(waits, ANN)


def test_after_the_deadline_nobody_approves_not_even_who_refused_and_what_was_approved_can_be_refused(
    waits: Storage,
) -> None:
    decide(waits, ANN, only=[API.key], is_approval=False, reason="too late today")
    kept = waits.decisions.of_pushes([1])
    with pytest.raises(NotNow, match="lapsed at .*; `push` by hand asks anew"):
        decide(waits, ANN, 3600, only=[API.key])
    assert waits.decisions.of_pushes([1]) == kept
    # What has no deadline is approved all the same.
    assert decide(waits, ANN, 3600)["decided"] == [WEB.key]
    assert decide(waits, ANN, 3600, is_approval=False, reason="no")["decided"] == [WEB.key]


def test_what_lapsed_or_was_overtaken_or_is_not_there_is_not_approved(waits: Storage) -> None:
    decide(waits, ANN)
    assert states(waits, 3601)[API.key] == "lapsed: nobody approved it in time, by ann so far"
    with pytest.raises(NotNow, match="its approval lapsed at 2026-11-22 13:00 UTC; `push` by hand asks anew"):
        decide(waits, BOB, 3601, only=[API.key])
    with pytest.raises(NothingKnown, match="there is no rollout 7"):
        decision(waits, HOSTS, 7, FLEET, ANN, at(10), is_approval=True)
    record(waits, push(NEWER, at(5)), now=at(5))
    with pytest.raises(NotNow, match="after which came another"):
        decide(waits, BOB)


def test_where_nothing_waits_nothing_is_approved(storage: Storage) -> None:
    storage.fleet.apply(whole(fleet(WEB)))
    record(storage, push())
    look(storage, HOSTS, NOON)
    decision(storage, HOSTS, 1, fleet(WEB), ANN, NOON, is_approval=True)
    with pytest.raises(NotNow, match="no target of rollout 1 waits for approval"):
        decision(storage, HOSTS, 1, fleet(WEB), BOB, NOON, is_approval=True)
    refused = decision(storage, HOSTS, 1, fleet(WEB), BOB, NOON, is_approval=False, reason="not today")
    assert refused["approvals"][0]["state"] == "refused"
