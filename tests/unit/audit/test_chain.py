"""The chain: how an entry is hashed, as the docs have it, and what is found wrong with entries and where."""

import hashlib
import json
from datetime import timedelta, timezone

import pytest

from registry_docker_updater.core.audit.canonical import canonical
from registry_docker_updater.core.audit.chain import ChainCheck
from registry_docker_updater.core.audit.entries import NOTHING_BEFORE, Entry, Step, TrailHead, hash_of, sealed
from registry_docker_updater.core.audit.flaws import Flaw
from unit.audit.entries import chained
from unit.builders import NOON, at

WRITTEN_ANEW = (
    "entry 2 (run.ended): its hash is not the one that was kept elsewhere: the trail was written anew"
)
NOT_THERE = "entry 9, whose hash was kept elsewhere, is not there: the trail ends with entry 3"


def found(
    entries: list[Entry], last: int | None = None, removed: list[tuple[int, int]] | None = None
) -> list[Flaw]:
    check = ChainCheck()
    flaws = [flaw for one in entries for flaw in check.see(one)]
    return [*flaws, *check.end(entries[-1].sequence if last is None else last, removed or [])]


def test_an_entry_is_hashed_as_the_docs_say_so_that_others_can_check_it() -> None:
    entry = sealed(
        TrailHead(6, "f" * 64), 7, at(1.5), Step("run.began", {}, 3, None), '{"facts":{"é":"\\u0001"}}'
    )
    header = {
        "at": "2026-11-22T12:00:01.500000Z",
        "content": hashlib.sha256('{"facts":{"é":"\\u0001"}}'.encode()).hexdigest(),
        "event": 3,
        "kind": "run.began",
        "previous": "f" * 64,
        "rollout": None,
        "sequence": 7,
    }
    text = json.dumps(header, sort_keys=True, separators=(",", ":"))
    assert entry.hash == hashlib.sha256(text.encode()).hexdigest() == hash_of(entry, "f" * 64)
    assert entry.head == (7, entry.hash)


def test_the_header_is_in_canonical_form_whatever_a_kind_is_called() -> None:
    entry = sealed(TrailHead(), 1, NOON, Step('a "quoted" kind é', {}, None, 5), "{}")
    header = {
        "at": NOON,
        "content": entry.content_hash,
        "event": None,
        "kind": entry.kind,
        "previous": NOTHING_BEFORE,
        "rollout": 5,
        "sequence": 1,
    }
    assert entry.hash == hashlib.sha256(canonical(header).encode()).hexdigest()


def test_a_moment_is_hashed_in_utc_whatever_its_zone() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=5)))
    assert sealed(TrailHead(), 1, there, Step("x"), "{}") == sealed(TrailHead(), 1, NOON, Step("x"), "{}")


def test_a_chain_that_was_not_touched_holds() -> None:
    assert found(chained({}, {}, {})) == []


def test_what_an_entry_says_belongs_to_its_hash() -> None:
    one, two, three = chained({}, {}, {})
    (flaw,) = found([one, two._replace(content='{"facts":{"other":1}}'), three])
    assert flaw == Flaw("entry 2 (run.ended): what it says was changed", 2, at(1))


def test_a_hash_that_was_changed_speaks_against_its_own_entry_only() -> None:
    one, two, three = chained({}, {}, {})
    (flaw,) = found([one, two._replace(hash="e" * 64), three])
    assert (flaw.sequence, "does not follow" in flaw.sentence) == (2, True)


def test_a_beginning_that_was_written_anew_is_found_where_the_rest_begins() -> None:
    old, new = chained({}, {}, {}), chained({"facts": {"a": 1}}, {}, {})
    assert [flaw.sequence for flaw in found([*new[:2], old[2]])] == [3]


def test_the_same_number_twice_is_found() -> None:
    one, two = chained({}, {})
    assert found([one, one, two])[0] == Flaw("entry 1 stands after entry 1", 1, at(1))


def test_a_cut_at_the_end_is_a_gap_up_to_the_last_number_that_was_given() -> None:
    one, *_ = chained({}, {}, {})
    assert found([one], last=3) == [Flaw("entries 2 to 3 are missing", 2, at(1))]


def test_content_may_go_where_a_later_entry_says_that_it_did() -> None:
    one, two, three = chained({}, {}, {})
    bare = [one._replace(content=None), two._replace(content=None), three]
    assert found(bare, removed=[(1, 2)]) == []
    (flaw,) = found(bare, removed=[(1, 1)])
    assert (
        flaw.sentence == "entry 2 (run.ended): what it says was removed, and no later entry says that it was"
    )


def test_entries_are_checked_from_where_one_is_known_to_be_right() -> None:
    one, two, three = chained({}, {}, {})
    check = ChainCheck(one.sequence, one.hash)
    assert [flaw for entry in (two, three) for flaw in check.see(entry)] == []
    assert list(ChainCheck(one.sequence, "e" * 64).see(two))


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ({}, []),
        ({2: "right"}, []),
        (
            {2: "wrong"},
            [WRITTEN_ANEW],
        ),
        (
            {1: "right", 2: "wrong"},
            [f"{WRITTEN_ANEW}; up to entry 1 it is as it was"],
        ),
        (
            {2: "right", 9: "wrong"},
            [f"{NOT_THERE}; up to entry 2 it is as it was"],
        ),
    ],
)
def test_a_chain_is_held_against_heads_that_were_kept_elsewhere(
    kept: dict[int, str], expected: list[str]
) -> None:
    entries = chained({}, {}, {})
    hashes = {one.sequence: one.hash for one in entries}
    heads = {
        number: frozenset((hashes[number] if is_ == "right" else "e" * 64,)) for number, is_ in kept.items()
    }
    check = ChainCheck(heads=heads)
    flaws = [flaw for one in entries for flaw in check.see(one)]
    assert [one.sentence for one in (*flaws, *check.end(3, []))] == expected


def test_two_heads_of_one_entry_cannot_both_be_right() -> None:
    (one,) = chained({})
    assert list(ChainCheck(heads={1: frozenset((one.hash, "e" * 64))}).see(one))
