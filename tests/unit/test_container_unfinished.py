"""What a scan tells of updates that were begun and have not ended: a real journal, and an engine that is played."""

import fcntl
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    RUNNING,
    Member,
    Swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap_json import (
    to_json,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.unfinished import (
    find_unfinished,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.scan import scan

from unit.builders import NEW, OLD
from unit.engines import container_of, engine_with, played_engine

APP = "registry.example.com/test/app:1"
KNOWN = (f"registry.example.com/test/app@{OLD}", f"registry.example.com/test/app@{NEW}")
REQUEST: dict[str, Any] = {
    "body": {"HostConfig": {}},
    "platform": "",
    "connect": {},
    "disconnect": [],
    "image": "sha256:new",
    "reference": "registry.example.com/test/app:1",
}
SWAP = Swap(
    "0123abcd",
    (Member("app", "old-id", RUNNING, {"Name": "no"}, False, REQUEST, REQUEST, new_id="new-id"),),
    (),
    {"name": "app", "image": APP, "digest": NEW, "new_image": "x", "begun_at": 1000.0},
)


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(name="journal")
def _journal(folder: Path) -> Journal:
    journal = Journal(str(folder / "state"), "engine")
    journal.keep("app", to_json(SWAP))
    return journal


def scanned(folder: Path, *containers: dict[str, Any]) -> dict[str, Any]:
    with played_engine(folder / "docker.sock", engine_with(*containers, digests=KNOWN)) as engine:
        return scan(Engine({"docker_host": engine.address}), state_directory=str(folder / "state"))


def aside(which: str, status: str, **more: Any) -> dict[str, Any]:
    return container_of(f"app.updater-0123abcd-{which}", APP, State={"Status": status}, **more)


@pytest.mark.usefixtures("journal")
def test_a_container_of_which_only_the_two_of_an_update_are_left_is_told_as_on_its_way(folder: Path) -> None:
    found = scanned(folder, aside("new", "created"), aside("old", "exited"))
    (target,) = found["targets"]
    assert (target["name"], target["state"], target["digests"]) == ("app", "unfinished", [])
    assert (target["image"], target["reference"]) == (APP, APP)
    assert found["warnings"] == []


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize("status", ["created", "running"])
def test_one_that_has_its_name_and_is_not_proven_is_on_its_way_too(folder: Path, status: str) -> None:
    app = container_of("app", APP, Id="new-id", State={"Status": status})
    found = scanned(folder, app, aside("old", "exited"))
    (target,) = found["targets"]
    assert (target["name"], target["state"], target["digests"]) == ("app", "unfinished", [])


def test_a_scan_tells_what_is_unfinished_how_old_it_is_and_whether_somebody_works_on_it(
    folder: Path, journal: Journal
) -> None:
    (left,), warnings = find_unfinished(str(folder / "state"), "engine", 1012.34)
    assert (left.as_json(), warnings) == (
        {"name": "app", "image": APP, "digest": NEW, "age": 12.3, "is_worked_on": False},
        [],
    )
    with journal.lock(1):
        (left,), _ = find_unfinished(str(folder / "state"), "engine", 500)
    assert (left.is_worked_on, left.age) == (True, 0)
    (found,) = scanned(folder)["unfinished"]
    assert found["name"] == "app"


def test_a_scan_makes_no_journal_where_there_is_none(folder: Path) -> None:
    assert scanned(folder)["unfinished"] == []
    assert not (folder / "state").exists()


def test_a_look_at_a_journal_is_not_taken_for_an_update_that_was_waited_for(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([BlockingIOError()])
    real = fcntl.flock

    def flock(file: int, how: int) -> None:
        error = next(looks, None)
        if error:
            raise error
        real(file, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with journal.lock(5) as lock:
        assert not lock.waited


def test_what_an_update_left_without_a_journal_is_a_warning(folder: Path) -> None:
    found = scanned(folder, aside("old", "exited"))
    assert found["targets"] == []
    (warning,) = found["warnings"]
    assert "app.updater-0123abcd-old" in warning
    assert "start it again under its own name" in warning


def test_a_journal_of_another_version_or_that_nobody_can_read_is_a_warning_and_the_scan_goes_on(
    folder: Path, journal: Journal
) -> None:
    journal.keep("other", {**to_json(replace(SWAP, wanted={**SWAP.wanted, "name": "other"})), "version": 99})
    found, warnings = find_unfinished(str(folder / "state"), "engine", time.time())
    assert [one.swap.wanted["name"] for one in found] == ["app"]
    assert "the update of other was begun by a later version" in warnings[0]
    assert "upgrade what updates this host, which finishes it then" in warnings[0]
    (next((folder / "state").rglob("other.swap.json"))).write_text("{")
    found, warnings = find_unfinished(str(folder / "state"), "engine", time.time())
    assert [one.swap.wanted["name"] for one in found] == ["app"], "it hides no other"
    assert "other.swap.json" in warnings[0]
    assert "remove the file" in warnings[0]
    assert journal.holds("other")
