"""Whoever can write the database can change what is kept in it, and is found out."""

from pathlib import Path

import pytest

from integration.audit.lived import copied, flaws, live, rows, sql
from registry_docker_updater.activities.evidence import told_runs
from registry_docker_updater.core.audit.canonical import canonical
from registry_docker_updater.core.audit.entries import NOTHING_BEFORE, Step, TrailHead, sealed
from registry_docker_updater.core.audit.heads import head_text, heads_in
from registry_docker_updater.storage.actions import judged_up_to
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.storage.written import RECORDED
from unit.builders import NOON

TABLES = sorted(RECORDED)
COLUMNS = [(name, column.name) for name in TABLES for column in RECORDED[name].c]
HEADER = ("at", "kind", "event", "rollout", "content", "content_hash", "hash")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("lived") / "whole.db"
    live(path)
    return path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    return copied(whole, tmp_path / "updater.db")


def test_what_was_only_used_holds_and_has_a_row_in_every_table(path: Path) -> None:
    assert flaws(path) == []
    assert all(rows(path, table) for table in TABLES)


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_changed_value_is_found_in_every_column_of_every_table(path: Path, table: str, column: str) -> None:
    kind = RECORDED[table].c[column].type.python_type.__name__
    other = {"datetime": "'2020-01-01 00:00:00.000000'", "int": "77", "bool": f"NOT {column}"}.get(
        kind, "'\"other\"'"
    )
    with sql(path) as connection:
        changed = connection.execute(f"UPDATE {table} SET {column} = {other} WHERE rowid = 1")
        assert changed.rowcount == 1
    found = flaws(path)
    assert found
    assert any(one.sentence.startswith(f"{table}, row ") for one in found)
    if column not in {key.name for key in RECORDED[table].primary_key}:
        (flaw,) = found
        assert f": {column} is not as entry {flaw.sequence} says" in flaw.sentence
        assert flaw.since is not None


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_dropped_is_found_missing(path: Path, table: str) -> None:
    with sql(path) as connection:
        connection.execute(f"DELETE FROM {table} WHERE rowid = 1")
    (flaw,) = flaws(path)
    assert flaw.sentence.startswith(f"{table}, row ")
    assert f" is gone, of which entry {flaw.sequence} is the last to tell" in flaw.sentence


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_nobody_told_of_is_found(path: Path, table: str) -> None:
    key = next(iter(RECORDED[table].primary_key)).name
    other = "777" if RECORDED[table].c[key].type.python_type is int else "'another'"
    unique = {"events": ", key = 'another'", "rollouts": ", push = 777"}.get(table, "")
    with sql(path) as connection:
        connection.execute(f"CREATE TEMP TABLE one AS SELECT * FROM {table} WHERE rowid = 1")
        connection.execute(f"UPDATE one SET {key} = {other}{unique}")
        connection.execute(f"INSERT INTO {table} SELECT * FROM one")
    (flaw,) = flaws(path)
    assert flaw.sentence.startswith(f"{table}, row ")
    assert flaw.sentence.endswith(": no entry says that it is there")


@pytest.mark.parametrize("table", ["events", "newest", "outcomes", "last_attempts", "overrides"])
def test_two_rows_whose_contents_were_swapped_are_both_found(path: Path, table: str) -> None:
    one, other = rows(path, table)[:2]
    keys = [column.name for column in RECORDED[table].primary_key]
    values = [name for name in one if name not in (*keys, "its_place", "key")]
    with sql(path) as connection:
        for row, content in ((one, other), (other, one)):
            setting = ", ".join(f"{name} = ?" for name in values)
            where = (*[content[name] for name in values], row["its_place"])
            connection.execute(f"UPDATE {table} SET {setting} WHERE rowid = ?", where)
    assert len(flaws(path)) == 2


@pytest.mark.parametrize("column", HEADER)
@pytest.mark.parametrize("sequence", [1, 4, -1])
def test_a_changed_byte_is_found_in_the_entry_where_it_is(path: Path, column: str, sequence: int) -> None:
    entries = rows(path, "trail")
    entry = entries[sequence] if sequence == -1 else entries[sequence - 1]
    before = entry[column]
    after: object = (
        (before or 0) + 1
        if not isinstance(before, str)
        else before[:-2] + ("1" if before[-2] == "0" else "0") + before[-1]
    )
    with sql(path) as connection:
        connection.execute(f"UPDATE trail SET {column} = ? WHERE id = ?", (after, entry["id"]))
    found = flaws(path)
    assert found
    assert {one.sequence for one in found if one.sentence.startswith("entry ")} == {entry["id"]}


def test_an_entry_that_is_dropped_is_a_gap(path: Path) -> None:
    with sql(path) as connection:
        connection.execute("DELETE FROM trail WHERE id = 4")
    found = flaws(path)
    assert (found[0].sentence, found[0].sequence) == ("entry 4 is missing", 4)
    assert found[0].since is not None


def test_several_entries_that_are_dropped_are_one_gap(path: Path) -> None:
    with sql(path) as connection:
        connection.execute("DELETE FROM trail WHERE id BETWEEN 3 AND 5")
    assert flaws(path)[0].sentence == "entries 3 to 5 are missing"


def test_two_entries_that_changed_places_are_found_where_they_are(path: Path) -> None:
    with sql(path) as connection:
        for one, other in ((4, 1000), (5, 4), (1000, 5)):
            connection.execute("UPDATE trail SET id = ? WHERE id = ?", (other, one))
        connection.execute(
            "UPDATE sqlite_sequence SET seq = (SELECT max(id) FROM trail) WHERE name = 'trail'"
        )
    found = {one.sequence for one in flaws(path) if "does not follow" in one.sentence}
    assert {4, 5} <= found <= {4, 5, 6}


def test_an_entry_that_was_put_in_is_found_though_its_own_hash_is_right(path: Path) -> None:
    before, *_, last = rows(path, "trail")[2:]
    with sql(path) as connection:
        for number in range(last["id"], 3, -1):
            connection.execute("UPDATE trail SET id = ? WHERE id = ?", (number + 1, number))
        entry = sealed(TrailHead(3, before["hash"]), 4, NOON, Step("run.ended"), canonical({"facts": {}}))
        at = "2026-11-22 12:00:00.000000"
        connection.execute("INSERT INTO trail VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (4, at, *entry[2:]))
    found = [one.sequence for one in flaws(path)]
    assert found[0] == 5


@pytest.mark.parametrize("count", [1, 3])
def test_an_end_that_was_cut_off_is_missed(path: Path, count: int) -> None:
    last = rows(path, "trail")[-1]["id"]
    with sql(path) as connection:
        connection.execute("DELETE FROM trail WHERE id > ?", (last - count,))
    first = last - count + 1
    missing = f"entry {first} is missing" if count == 1 else f"entries {first} to {last} are missing"
    assert missing in [one.sentence for one in flaws(path)]


def test_an_end_that_was_cut_off_is_missed_though_the_trail_went_on(path: Path) -> None:
    last = rows(path, "trail")[-1]["id"]
    with sql(path) as connection:
        connection.execute("DELETE FROM trail WHERE id = ?", (last,))
    database = Database(path)
    Storage(database).trail.append(Step("team.told"), NOON)
    database.close()
    assert [one["id"] for one in rows(path, "trail")][-2:] == [last - 1, last + 1]
    assert f"entry {last} is missing" in [one.sentence for one in flaws(path)]


def test_a_whole_trail_that_was_written_anew_is_found_by_a_head_that_was_kept_elsewhere(
    path: Path, tmp_path: Path
) -> None:
    """Whoever can write the database can write one that holds in itself: shorter by what is to be forgotten."""
    trail = rows(path, "trail")
    log = [
        f"2026 INFO {head_text(TrailHead(one['id'], one['hash']))}"
        for one in trail
        if one["id"] in (2, len(trail))
    ]
    forged = tmp_path / "forged.db"
    live(forged)
    with sql(forged) as connection:
        connection.execute("DELETE FROM trail")
        connection.execute("DELETE FROM sqlite_sequence")
        for table in (*TABLES, "claims"):
            connection.execute(f"DELETE FROM {table}")
        before = TrailHead(0, NOTHING_BEFORE)
        for number in (1, 2, 3):
            entry = sealed(before, number, NOON, Step("trail.began"), canonical({"facts": {}}))
            before = entry.head
            values = (number, "2026-11-22 12:00:00.000000", *entry[2:])
            connection.execute("INSERT INTO trail VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    assert flaws(forged) == []
    changed, missing = flaws(forged, heads_in(log))
    assert "entry 2 (trail.began): its hash is not the one that was kept elsewhere" in changed.sentence
    assert (
        f"entry {len(trail)}, whose hash was kept elsewhere, is not there: the trail ends with"
        in missing.sentence
    )
    assert flaws(path, heads_in(log)) == []


def test_content_that_was_taken_out_is_missed(path: Path) -> None:
    with sql(path) as connection:
        connection.execute("UPDATE trail SET content = NULL WHERE id = 4")
    assert [one.sequence for one in flaws(path) if "no later entry says that it was" in one.sentence] == [4]


@pytest.mark.parametrize(
    "change", ["DELETE FROM claims WHERE tag = '2'", "UPDATE claims SET event = 1 WHERE tag = '2'"]
)
def test_an_event_that_does_not_wait_any_more_for_its_registry_is_missed(path: Path, change: str) -> None:
    with sql(path) as connection:
        connection.execute(change)
    (flaw,) = flaws(path)
    assert flaw.sentence.startswith("claims: ")


def test_a_claim_that_nobody_told_of_is_found(path: Path) -> None:
    with sql(path) as connection:
        connection.execute(
            "INSERT INTO claims SELECT registry, repository, '9', event, occurred_at, received_at FROM claims"
            " WHERE tag = '2'"
        )
    (flaw,) = flaws(path)
    assert "waits for its registry, and by the trail does not" in flaw.sentence


AS_AN_ENTRY_HAS_IT = "SELECT json_extract(content, '$.rows.events[0].content') FROM trail WHERE event = 3 AND kind = 'event.received'"


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE events SET content = ({AS_AN_ENTRY_HAS_IT}) WHERE id = 3",
        "UPDATE events SET content = replace(content, ':', ' :') WHERE id = 3",
        "UPDATE events SET received_at = replace(received_at, ' ', 'T') WHERE id = 4",
        "UPDATE events SET actor = CAST(x'7bff' AS TEXT) WHERE id = 1",
        "UPDATE claims SET occurred_at = '2020-01-01 00:00:00.000000' WHERE tag = '2'",
        "UPDATE trail SET at = replace(at, ' ', 'T') WHERE id = 4",
        "UPDATE trail SET rollout = 'null' WHERE rollout IS NULL AND id = 2",
        "UPDATE trail SET content = CAST(x'7bff' AS TEXT) WHERE id = 4",
        "UPDATE trail SET content = '[' WHERE id = 4",
        "UPDATE trail SET hash = CAST(hash AS BLOB) WHERE id = (SELECT max(id) FROM trail)",
    ],
)
def test_what_only_looks_the_same_is_found_and_nothing_that_was_made_of_it_is_a_hindrance(
    path: Path, change: str
) -> None:
    with sql(path) as connection:
        connection.execute("UPDATE events SET content = content")
        assert connection.execute(change).rowcount == 1
    assert flaws(path)


def test_content_that_nobody_could_read_to_its_end_is_found(path: Path) -> None:
    with sql(path) as connection:
        connection.execute("UPDATE trail SET content = ? WHERE id = 4", ("[" * 100_000,))
    assert {one.sequence for one in flaws(path)} >= {4}


@pytest.mark.parametrize("number", ["seq - 1", "0", "9223372036854775807", "'x'"])
def test_whatever_was_made_of_the_number_that_was_given_last_the_trail_goes_on(
    path: Path, number: str
) -> None:
    with sql(path) as connection:
        connection.execute(f"UPDATE sqlite_sequence SET seq = {number} WHERE name = 'trail'")
    last = rows(path, "trail")[-1]["id"]
    database = Database(path)
    Storage(database).trail.append(Step("team.told"), NOON)
    database.close()
    assert rows(path, "trail")[-1]["id"] == last + 1


def test_whatever_was_made_of_what_was_judged_the_operator_goes_on(path: Path) -> None:
    with sql(path) as connection:
        connection.execute("UPDATE trail SET content = 'x' WHERE kind = 'pushes.matched'")
    database = Database(path)
    assert judged_up_to(Storage(database)) == 2
    assert told_runs(Storage(database)).names == frozenset()
    database.close()
