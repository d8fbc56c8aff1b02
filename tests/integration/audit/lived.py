"""A database in which something of everything has happened."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from integration.keeping import ANN, ONCE, WEB, begin, end, ended, record, send_all
from registry_docker_updater.activities.freezing import FreezeWish, freeze, thaw
from registry_docker_updater.activities.silencing import Wish, end_silence, silence
from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.flaws import Flaw
from registry_docker_updater.core.audit.heads import KeptHeads
from registry_docker_updater.core.audit.kinds import NEWS_CAME
from registry_docker_updater.core.events.pushes import Push, Unreadable, UnresolvedPush
from registry_docker_updater.core.policy.freezes import Scope
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.silences import Subject
from registry_docker_updater.storage import tables
from registry_docker_updater.storage.actions import (
    decide,
    keep_matches,
    keep_outcome,
    push_by_hand,
    retry_rollout,
)
from registry_docker_updater.storage.arrivals import Arrived
from registry_docker_updater.storage.chain import append
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.evidence import verify
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.storage.written import wrote
from unit.builders import NEW, NEWER, NOON, OLD, at


def live(path: Path) -> None:
    """Have something of everything happen, each at its own second from :data:`NOON` on."""
    database = Database(path, clock=lambda: NOON)
    storage = Storage(database)
    record(storage, now=at(1))
    keep_matches(storage, {1: {WEB: "due"}}, [], 1, at(2))
    begin(storage, at(3))
    keep_outcome(storage, 1, NEW, ended(Outcome.ROLLED_BACK, after=OLD), at(4))
    end(
        storage,
        at(5),
        ended(Outcome.ROLLED_BACK, after=OLD),
        ended(Outcome.FAILED, "service/x", None),
        retry=ONCE,
    )
    send_all(storage, at(6))
    _tell_as_before(database, at(6))
    assert retry_rollout(storage, 1, {WEB: ()}, ANN, at(7))
    known = silence(storage, Wish(Subject.HOST, "solo", at(9000), "it moves"), ANN, at(7))
    end_silence(storage, known["id"], ANN, at(7))
    freeze(storage, FreezeWish(Scope.EVERYTHING, "", at(8000), "it moves"), ANN, at(7))
    thaw(storage, 1, ANN, at(7))
    decide(storage, 1, [WEB], ANN, at(7), is_approval=False, reason="not today")
    waiting = UnresolvedPush("production", "test/app", "2", at(8), "claimed", "bob", NEW)
    storage.events.record_all(
        [
            Arrived(
                "production",
                [waiting, Unreadable("no digest", {"a": 1.5, "b": "x" * 600})],
                at(8),
                address="192.0.2.1",
            ),
            Arrived("production", [replace(waiting, tag="3", key="other")], at(8), ["a pull"]),
        ]
    )
    by_hand = Push("production", "test/app", "4", NEWER, at(9), "by hand", "ann (by hand)", by_hand=True)
    push_by_hand(storage, "production", by_hand, dict.fromkeys(("container/solo/db", WEB), ()), ANN)
    database.close()


def _tell_as_before(database: Database, now: datetime) -> None:
    """Keep a message as a version did that knew no receivers: its rows stay."""
    row = {
        "rollout": 1,
        "run": 1,
        "content": {"image": "app"},
        "state": "sent",
        "attempts": 1,
        "due_at": now,
        "channels": ["slack"],
        "error": "teams: HTTP 500",
        "sent_at": now,
    }
    with database.writing() as connection:
        connection.execute(insert(tables.notifications).values(row))
        wrote(connection, tables.notifications, row)
        append(connection, Step(NEWS_CAME, {"topic": "as before"}, 1, 1), now)


@contextmanager
def sql(path: Path) -> Iterator[sqlite3.Connection]:
    """Do something to a database that no operator would."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = OFF")
        yield connection


def flaws(path: Path, heads: KeptHeads | None = None) -> list[Flaw]:
    """What is found wrong with a database."""
    database = Database(path)
    found = list(verify(Storage(database), heads))
    database.close()
    return found


def copied(path: Path, to: Path) -> Path:
    shutil.copy(path, to)
    return to


def rows(path: Path, table: str) -> list[dict[str, Any]]:
    with sql(path) as connection:
        return [
            dict(row)
            for row in connection.execute(f"SELECT rowid AS its_place, * FROM {table} ORDER BY rowid")
        ]
