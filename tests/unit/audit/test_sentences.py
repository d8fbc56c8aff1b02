"""What entries say to people."""

from typing import Any

import pytest

from registry_docker_updater.core.audit import kinds
from registry_docker_updater.core.audit.entries import Entry
from registry_docker_updater.core.audit.sentences import content_of, sentence
from unit.audit.entries import entry
from unit.builders import NEW, OLD

EVENT = {
    "id": 1,
    "registry": "production",
    "repository": "test/app",
    "tag": "1",
    "kind": "push",
    "digest": NEW,
    "actor": "alice",
    "reason": None,
}
TOLD = {"from": "192.0.2.1", "is_claim": False}
ASKED = "the registry is to be asked whether it is so"
ENDED = {"target": "container/solo/web", "outcome": "updated", "before": OLD, "after": NEW}
ANN = {"name": "ann", "place": "command line on control", "targets": []}


RESTORED = {**ANN, "file": "b.tar.gz", "created_at": "2026-11-22T12:00:00.000000Z", "head": 7, "hash": "ab12"}
SAID_OF_IT = "ann restored b.tar.gz of 2026-11-22T12:00:00.000000Z, command line on control; its head was entry 7, ab12"


SILENCED = {
    "subject": "host",
    "of": "solo",
    "until": "2026-11-22T13:00:00Z",
    "ended_at": None,
    "reason": "it moves",
}

FROZEN = {
    "scope": "swarm",
    "of": "abc",
    "until": "2026-11-22T13:00:00Z",
    "ended_at": None,
    "reason": "end of year",
}


def events(**changed: Any) -> dict[str, Any]:
    return {"events": [{**EVENT, **changed}]}


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        (
            kinds.EVENT_RECEIVED,
            {"facts": TOLD, "rows": {**events(), "newest": [{}]}},
            "production: test/app:1 was given sha256:bbbbbbbbbbbb by alice; told from 192.0.2.1",
        ),
        (
            kinds.EVENT_RECEIVED,
            {"facts": {**TOLD, "from": None}, "rows": events(actor=None)},
            "production: test/app:1 was given sha256:bbbbbbbbbbbb; there is a newer push of it",
        ),
        (
            kinds.EVENT_RECEIVED,
            {"facts": {**TOLD, "is_claim": True}, "rows": events(digest=None)},
            f"production: test/app:1 was given a digest that it does not tell by alice; told from 192.0.2.1; {ASKED}",
        ),
        (
            kinds.EVENT_RECEIVED,
            {"facts": {**TOLD, "from": None}, "rows": events(kind="unreadable", reason="no digest")},
            "production sent what nobody can read: no digest",
        ),
        (
            kinds.EVENT_RECEIVED,
            {"facts": {**TOLD, "from": None}, "rows": {**events(actor={"sha256": "ab", "length": 3000}), "newest": [{}]}},
            "production: test/app:1 was given sha256:bbbbbbbbbbbb by (a text of 3000 characters)",
        ),
        (kinds.PUSH_FOUND, {"facts": {"registry_says": NEW}}, "the registry says sha256:bbbbbbbbbbbb"),
        (kinds.CLAIM_REJECTED, {"facts": {"reason": "there is no test/app:1"}}, "there is no test/app:1"),
        (kinds.CLAIM_REJECTED, {"facts": {"reason": None}}, "nothing comes of it: the registry said so before"),
        (
            kinds.PUSHES_MATCHED,
            {"facts": {"targets": [{"target": "a", "verdict": "due"}, {"target": "b", "verdict": "already runs it"}]}},
            "a: due; b: already runs it",
        ),
        (kinds.DATABASE_RESTORED, {"facts": {**RESTORED, "flaws": 0}}, SAID_OF_IT),
        (
            kinds.DATABASE_RESTORED,
            {"facts": {**RESTORED, "flaws": 3}},
            f"{SAID_OF_IT}; 3 thing(s) in it were not as they were kept",
        ),
        (kinds.PUSHES_MATCHED, {"facts": {"nobody_runs": [1]}}, "nobody runs it"),
        (kinds.PUSHES_MATCHED, {"facts": {"nobody_runs": [1, 2]}}, "nobody runs what came with events 1, 2"),
        (
            kinds.PUSHES_MATCHED,
            {"facts": {"nobody_runs": list(range(1, 13))}},
            "nobody runs what came with events 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more",
        ),
        (
            kinds.RUN_BEGAN,
            {"facts": {"run": 2, "image": "r/app:1", "digest": NEW, "hosts": ["m1", "m2"], "overridden": ["a"]}},
            "run 2 of r/app:1 to sha256:bbbbbbbbbbbb began on m1, m2; as a person wants on a",
        ),
        (
            kinds.RUN_BEGAN,
            {"facts": {"run": 1, "image": "r/app:1", "digest": NEW, "hosts": ["m1"], "overridden": []}},
            "run 1 of r/app:1 to sha256:bbbbbbbbbbbb began on m1",
        ),
        (
            kinds.RUN_ENDED,
            {
                "facts": {"run": 1, "status": "failed", "exit_code": 2, "targets": [ENDED, ENDED]},
                "rows": {"rollouts": [{"state": "waiting", "due_at": "2026-11-22T12:00:00.000000Z"}]},
            },
            "run 1 ended: failed, exit code 2; 2 updated; the rollout is waiting, due at 2026-11-22T12:00:00Z",
        ),
        (kinds.RUN_ENDED, {"facts": {"run": 1, "targets": []}}, "run 1 ended: not heard of"),
        (
            kinds.RUN_ENDED,
            {
                "facts": {"run": 1, "status": "successful", "exit_code": 0, "targets": [ENDED]},
                "rows": {"rollouts": [{"state": "finished", "due_at": None}]},
            },
            "run 1 ended: successful; 1 updated; the rollout is finished",
        ),
        (
            kinds.TARGET_ENDED,
            {"facts": ENDED, "rows": {"outcomes": [{"message": "healthy"}]}},
            "container/solo/web: updated, sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb; healthy",
        ),
        (
            kinds.TARGET_REPAIRED,
            {"facts": {**ENDED, "outcome": "failed", "before": None, "after": None}, "rows": {"outcomes": [{"message": {}}]}},
            "container/solo/web: failed",
        ),
        (
            kinds.TARGET_ENDED,
            {"facts": {**ENDED, "outcome": "rolled_back", "after": None}},
            "container/solo/web: rolled back",
        ),
        (kinds.TARGET_ENDED, {"facts": {**ENDED, "before": None}}, "container/solo/web: updated, nothing known → sha256:bbbbbbbbbbbb"),
        (kinds.ROLLOUT_RETRIED, {"facts": ANN}, "ann asked for it, command line on control"),
        (
            kinds.PUSH_INSISTED,
            {
                "facts": {
                    **ANN,
                    "targets": ["a", "b"],
                    "breaks": [{"rule": "is frozen by bob", "targets": ["b"]}],
                }
            },
            "ann asked for it, command line on control; whatever came before on a, b; although it is frozen by bob, on b",
        ),
        (
            kinds.PUSH_INSISTED,
            {"facts": {**ANN, "targets": ["a", "b"]}},
            "ann asked for it, command line on control; whatever came before on a, b",
        ),
        (
            kinds.SILENCE_BEGAN,
            {"facts": ANN, "rows": {"silences": [SILENCED]}},
            "ann wanted it, command line on control; host solo is silenced, until 2026-11-22T13:00:00Z: it moves",
        ),
        (
            kinds.FREEZE_BEGAN,
            {"facts": ANN, "rows": {"freezes": [FROZEN]}},
            "ann wanted it, command line on control; swarm abc is frozen, until 2026-11-22T13:00:00Z: end of year",
        ),
        (
            kinds.FREEZE_BEGAN,
            {"facts": ANN, "rows": {"freezes": [{**FROZEN, "scope": "everything", "of": "", "until": None, "reason": {"sha256": "…"}}]}},
            "ann wanted it, command line on control; everything is frozen, until somebody thaws it",
        ),
        (
            kinds.FREEZE_ENDED,
            {"facts": ANN, "rows": {"freezes": [{**FROZEN, "ended_at": "2026-11-22T12:30:00.5Z"}]}},
            "ann wanted it, command line on control; swarm abc is thawed, at 2026-11-22T12:30:00Z: end of year",
        ),
        (
            kinds.SILENCE_ENDED,
            {"facts": ANN, "rows": {"silences": [{**SILENCED, "ended_at": "2026-11-22T12:30:00Z", "reason": {"sha256": "…"}}]}},
            "ann wanted it, command line on control; host solo is silenced, ended at 2026-11-22T12:30:00Z",
        ),
        (kinds.TEAM_TOLD, {"facts": {"run": 1, "error": None}}, "about run 1"),
        (kinds.TEAM_NOT_TOLD, {"facts": {"run": 1, "error": "slack: 500"}}, "about run 1; slack: 500"),
        (
            kinds.TEAM_NOT_TOLD,
            {
                "facts": {
                    "run": 1,
                    "message": 7,
                    "receiver": "team-a",
                    "results": {"email": "ok", "slack": "failed: 500"},
                    "error": "slack: failed: 500",
                }
            },
            "about run 1; message 7 to team-a; email: ok; slack: failed: 500",
        ),
        (
            kinds.TEAM_TOLD,
            {"facts": {"run": 0, "message": "test", "receiver": "a", "error": None, "name": "ann", "place": "here"}},
            "message test to a; ann asked for it, here",
        ),
        (
            kinds.NEWS_ROUTED,
            {"facts": {"topic": "update failed", "receivers": {"b": 8, "a": 7}, "nobody": None}},
            "update failed; a is told with message 7; b is told with message 8",
        ),
        (
            kinds.NEWS_ROUTED,
            {"facts": {"topic": "update failed", "receivers": {}, "nobody": "silenced by ann"}},
            "update failed; silenced by ann",
        ),
        (
            kinds.ROLLOUT_WAITS,
            {"facts": {"image": "app:1", "note": "x", "targets": [{"targets": ["service/x", "service/y"], "verdict": "waits for approval"}]}},
            "service/x, service/y: waits for approval",
        ),
        (
            kinds.ROLLOUT_WAITS,
            {"facts": {"image": "app:1", "note": None, "targets": []}},
            "nothing waits for app:1 any more",
        ),
        (
            kinds.ROLLOUT_APPROVED,
            {"facts": {"name": "ann", "place": "here", "image": "app:1", "targets": ["a", "b"], "reason": None}},
            "ann decided it, here; for a, b",
        ),
        (
            kinds.ROLLOUT_REFUSED,
            {"facts": {"name": "ann", "place": "here", "image": "app:1", "targets": ["a"], "reason": "not today"}},
            "ann decided it, here; for a; not today",
        ),
        (
            kinds.RUN_HELD,
            {"facts": {"run": 2, "image": "app:1", "why": "frozen by ann"}},
            "run 2 of app:1 begins no other step: frozen by ann",
        ),
        (kinds.CLOCK_SET, {"facts": {"by_seconds": "-3.5", "x": None, "a_list": [1]}}, "a list [1]; by seconds -3.5"),
        (kinds.ROLLOUT_SETTLED, {"facts": {}}, "a rollout ended without another run"),
        ("of.tomorrow", {"facts": {}}, "of.tomorrow"),
    ],
)  # fmt: skip
def test_an_entry_says_what_happened_in_a_sentence(kind: str, content: dict[str, Any], said: str) -> None:
    assert sentence(entry(kind, **content)) == said


@pytest.mark.parametrize(
    "content", ['{"facts":{}}', '{"facts":{"from":1},"rows":{"events":[]}}', "no json", "[]", '{"facts":[]}']
)
def test_an_entry_that_was_changed_says_that_it_cannot_be_read(content: str) -> None:
    assert sentence(entry(kinds.EVENT_RECEIVED)._replace(content=content)) == "(cannot be read)"


def test_an_entry_whose_content_was_removed_says_so() -> None:
    bare: Entry = entry()._replace(content=None)
    assert sentence(bare) == "(kept for long enough, and removed)"
    assert content_of(bare) is None
