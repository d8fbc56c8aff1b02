"""A database of before the logs of what failed were kept: what its trail tells is what its rows have."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from integration.audit.lived import flaws, live, rows, sql
from registry_docker_updater.core.audit.canonical import canonical
from registry_docker_updater.core.audit.entries import Step, TrailHead, sealed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """As the version before would have left it: neither its tables nor its entries have logs."""
    path = tmp_path / "updater.db"
    live(path)
    head = TrailHead()
    with sql(path) as connection:
        for row in connection.execute("SELECT * FROM trail ORDER BY id").fetchall():
            content = json.loads(row["content"])
            for outcome in content.get("rows", {}).get("outcomes", ()):
                del outcome["log"]
            step = Step(row["kind"], event=row["event"], rollout=row["rollout"])
            at = datetime.fromisoformat(f"{row['at']}+00:00")
            entry = sealed(head, row["id"], at, step, canonical(content))
            connection.execute(
                "UPDATE trail SET content = ?, content_hash = ?, hash = ? WHERE id = ?",
                (entry.content, entry.content_hash, entry.hash, entry.sequence),
            )
            head = entry.head
        connection.executescript(
            "ALTER TABLE outcomes DROP COLUMN log; ALTER TABLE targets DROP COLUMN notify;"
            'ALTER TABLE hosts DROP COLUMN "groups";'
            "DELETE FROM migrations WHERE name LIKE '0010%'"
        )
    return path


def test_after_the_upgrade_it_holds(path: Path) -> None:
    assert "log" not in rows(path, "outcomes")[0]
    assert flaws(path) == []
    assert {row["log"] for row in rows(path, "outcomes")} == {"[]"}


def test_a_log_that_somebody_gives_what_ended_before_is_found(path: Path) -> None:
    assert flaws(path) == []
    with sql(path) as connection:
        connection.execute("UPDATE outcomes SET log = '[\"other\"]' WHERE rowid = 1")
    (flaw,) = flaws(path)
    assert ": log is not as entry" in flaw.sentence
