"""What the tables have to hold by the trail."""

from typing import Any

from registry_docker_updater.core.audit.entries import Entry
from registry_docker_updater.core.audit.replay import Replay
from unit.audit.entries import chained

KEYS = {"events": ["id"], "outcomes": ["rollout", "key"]}


def outcome(key: str, said: str) -> dict[str, Any]:
    return {"rollout": 1, "key": key, "outcome": said}


def event(number: int, tag: str = "1", occurred: str = "1") -> dict[str, Any]:
    named = {"id": number, "registry": "production", "repository": "test/app", "tag": tag}
    return {**named, "occurred_at": occurred, "received_at": f"9{number}"}


def claimed(number: int, tag: str = "1", occurred: str = "1") -> dict[str, Any]:
    return {"facts": {"is_claim": True}, "rows": {"events": [event(number, tag, occurred)]}}


def replayed(*contents: dict[str, Any]) -> tuple[Replay, list[Entry]]:
    replay, entries = Replay(KEYS), chained(*contents)
    assert [flaw for one in entries for flaw in replay.see(one)] == []
    return replay, entries


def differences(replay: Replay, entries: list[Entry], *rows: dict[str, Any]) -> list[str]:
    given = [("outcomes", row) for row in rows]
    return [one.sentence for one in replay.compare(given, lambda number: entries[number - 1])]


def test_the_last_entry_about_a_row_counts() -> None:
    replay, entries = replayed(
        {"rows": {"outcomes": [outcome("a", "failed"), outcome("b", "failed")]}},
        {"rows": {"outcomes": [outcome("a", "updated")]}},
    )
    assert differences(replay, entries, outcome("a", "updated"), outcome("b", "failed")) == []
    assert differences(replay, entries, outcome("a", "failed"), outcome("b", "updated")) == [
        "outcomes, row 1 a: outcome is not as entry 2 says",
        "outcomes, row 1 b: outcome is not as entry 1 says",
    ]


def test_several_values_that_differ_are_named() -> None:
    replay, entries = replayed({"rows": {"outcomes": [{**outcome("a", "failed"), "place": "x"}]}})
    found = differences(replay, entries, {**outcome("a", "updated"), "place": "y"})
    assert found == ["outcomes, row 1 a: outcome, place are not as entry 1 says"]


def test_of_a_column_that_is_younger_an_entry_need_not_tell_and_rows_of_before_have_what_is_known_of_it() -> (
    None
):
    replay, entries = (
        Replay(KEYS, {"outcomes": {"log": "[]"}}),
        chained(
            {"rows": {"outcomes": [outcome("a", "failed"), {**outcome("b", "failed"), "log": "[1]"}]}},
        ),
    )
    assert [flaw for one in entries for flaw in replay.see(one)] == []
    new = {**outcome("b", "failed"), "log": "[1]"}
    assert differences(replay, entries, {**outcome("a", "failed"), "log": "[]"}, new) == []
    assert differences(replay, entries, {**outcome("a", "failed"), "log": "[2]"}, {**new, "log": "[]"}) == [
        "outcomes, row 1 a: log is not as entry 1 says",
        "outcomes, row 1 b: log is not as entry 1 says",
    ]


def test_a_row_that_is_gone_and_one_that_nobody_told_of_are_found() -> None:
    replay, entries = replayed({"rows": {"outcomes": [outcome("a", "failed")]}})
    assert differences(replay, entries, outcome("b", "failed")) == [
        "outcomes, row 1 b: no entry says that it is there",
        "outcomes, row 1 a is gone, of which entry 1 is the last to tell",
    ]


def test_a_row_may_go_where_an_entry_says_so_and_only_then_may_not_be_there() -> None:
    replay, entries = replayed(
        {"rows": {"outcomes": [outcome("a", "failed")]}},
        {"removed": {"outcomes": [[1, "a"], [1, "never there"]]}},
    )
    assert differences(replay, entries) == []
    assert differences(replay, entries, outcome("a", "failed"))


def test_what_was_removed_is_known_from_the_trail_itself() -> None:
    replay, _ = replayed({"kind": "pruned", "facts": {"entries": [[1, 4], [7, 7]]}})
    assert replay.removed == [(1, 4), (7, 7)]


def test_an_entry_without_content_says_nothing_and_one_that_cannot_be_read_is_found() -> None:
    replay = Replay(KEYS)
    (entry,) = chained({})
    assert list(replay.see(entry._replace(content=None))) == []
    for content in ("no json", "[]", '{"facts": 1, "rows": []}', '{"facts": {}, "rows": {"other": [{}]}}'):
        (flaw,) = replay.see(entry._replace(content=content))
        assert flaw.sentence.startswith("entry 1 (run.ended): cannot be read: ")


def waiting(replay: Replay, *claims: tuple[str, int], occurred: str = "1") -> list[str]:
    tags = [(("production", "test/app", tag), number, occurred) for tag, number in claims]
    return [one.sentence for one in replay.compare_claims(tags)]


def test_of_each_tag_the_newest_of_the_events_that_wait_is_in_the_table() -> None:
    replay, _ = replayed(claimed(1), claimed(2), claimed(3, "2"))
    assert waiting(replay, ("1", 2), ("2", 3)) == []
    assert waiting(replay, ("1", 2)) == [
        "claims: of production test/app 2 nothing waits for its registry, and by the trail event 3 does"
    ]
    for wrong in (1, 3):
        assert waiting(replay, ("1", wrong), ("2", 3)) == [
            f"claims: event {wrong}, production test/app 1, waits for its registry, and by the trail does not so"
        ]
    assert len(waiting(replay, ("1", 2), ("2", 3), occurred="0")) == 2


def test_an_event_that_is_older_than_one_that_waits_does_not_take_its_place_unless_a_clock_was_ahead() -> (
    None
):
    replay, _ = replayed(claimed(1, occurred="5"), claimed(2, occurred="4"))
    assert waiting(replay, ("1", 1), occurred="5") == []
    ahead, _ = replayed(claimed(1, occurred="99"), claimed(2, occurred="4"))
    assert waiting(ahead, ("1", 2), occurred="4") == []


def test_an_event_that_was_settled_waits_no_more_and_with_it_those_before() -> None:
    replay, _ = replayed(
        claimed(1), claimed(2), {"facts": {"closes": 2}}, claimed(3), {"facts": {"closes": 77}}
    )
    assert waiting(replay, ("1", 3)) == []
    assert waiting(replay, ("1", 2))


def test_events_that_waited_before_the_trail_began_are_known_from_its_beginning() -> None:
    began = {"kind": "trail.began", "rows": {"events": [event(5)]}}
    replay, _ = replayed(began, {"kind": "trail.began", "facts": {"claims": [5, 6]}})
    assert waiting(replay, ("1", 5)) == []
    assert waiting(replay)


def test_an_event_that_was_removed_waits_no_more() -> None:
    replay, _ = replayed(
        claimed(1), claimed(2, "2"), {"removed": {"events": [[1], [7]]}}, claimed(3), claimed(4)
    )
    assert waiting(replay, ("1", 4), ("2", 2)) == []
    other, _ = replayed(claimed(1), claimed(2), {"removed": {"events": [[1]]}})
    assert waiting(other, ("1", 2)) == []
