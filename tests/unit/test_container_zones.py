"""Times of engines whose daemon runs in another zone than the times that it shows of containers."""

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container import (
    files as container_files,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.sight import (
    Pair,
    Seen,
    View,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.steps import (
    next_step,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    RUNNING,
    Member,
    Swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine

from unit.engines import Answer, Asked, PlayedEngine, played_engine

CREATED = {
    "Id": "app",
    "Created": "2026-11-22T11:00:00.7Z",
    "Mounts": [],
    "Config": {"Labels": {"com.docker.compose.project": "shop"}},
}


@pytest.fixture(name="engine")
def _engine() -> Iterator[PlayedEngine]:
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        played_engine(Path(folder) / "docker.sock", {}) as engine,
    ):
        yield engine


def copied(engine: PlayedEngine, times: dict[str, str]) -> list[str]:
    """Which of the files with these times are taken for copied by Compose."""

    def stat(asked: Asked) -> Answer:
        shown = {"mode": 0o644, "mtime": times[asked.query["path"]]}
        found = base64.b64encode(json.dumps(shown).encode()).decode()
        return Answer(b"", headers={"X-Docker-Container-Path-Stat": found})

    engine.answers["/containers/app/changes"] = Answer([{"Path": path, "Kind": 1} for path in times])
    engine.answers["/containers/app/archive"] = stat
    return _paths(Containers(Engine({"docker_host": engine.address})).files.copied(CREATED))


def _paths(found: Any) -> list[str]:
    return sorted(found)


def test_what_compose_copied_is_told_from_what_the_image_brought_in_every_zone(engine: PlayedEngine) -> None:
    assert copied(
        engine,
        {
            "/of-the-image-tokyo": "2026-11-22T19:59:00+09:00",
            "/of-the-image-new-york": "2026-11-22T05:59:00-05:00",
            "/copied-tokyo": "2026-11-22T20:00:01+09:00",
            "/copied-new-york": "2026-11-22T06:00:01-05:00",
            "/copied-in-the-same-second": "2026-11-22T11:00:00Z",
            "/written-by-itself": "2026-11-22T20:00:01.25+09:00",
        },
    ) == ["/copied-in-the-same-second", "/copied-new-york", "/copied-tokyo"]


def test_files_that_compose_copied_are_looked_for_once_and_a_long_look_is_told(
    engine: PlayedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_files, "_LONG", -1.0)
    copied(engine, {"/a": "2026-11-22T11:00:01Z", "/b": "2026-11-22T11:00:02Z"})
    containers = Containers(Engine({"docker_host": engine.address}))
    engine.asked.clear()
    assert containers.files.copied(CREATED) == containers.files.copied(CREATED) == ["/a", "/b"]
    assert len([asked for asked in engine.asked if asked.what.endswith("/archive")]) == 2
    (sentence,) = containers.files.slow
    assert "look at the 2 files" in sentence


def test_who_was_started_before_the_container_came_back_is_started_anew_though_its_time_has_more_digits() -> (
    None
):
    """As texts, "…:00.5Z" comes after "…:00.12Z" and "…:00.45Z" before it, and "…:00.1Z" after "…:00.12Z"."""
    member = Member("web", "old", RUNNING, {"Name": "no"}, False, {}, {})
    swap = Swap("0123abcd", (member,), ("worker",), {"name": "web"}, touched=True).turned_back("bad")

    def next_verb(worker: int, provider: int) -> str:
        old = Seen("old", "web", "running", started_at=provider, policy="no")
        seen = Seen("worker", "worker", "running", started_at=worker)
        return next_step(swap, View([Pair(old, None, "old")], [seen])).verb.value

    assert next_verb(worker=100, provider=120) == "start_restart"
    assert next_verb(worker=130, provider=120) == "restored"
