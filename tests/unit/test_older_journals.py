"""Journals that another version left on a host: an older one's is read and gone on with, a later one's is left alone.

The folders of ``journals/`` are what those versions wrote, by the version of the journal: they were killed after they had
written an update down.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap_json import (
    VERSION,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.finish import repair
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.unfinished import (
    find_unfinished,
)

from unit.engines import Answer, container_of, engine_with, played_engine
from unit.test_container_crashes import AT_ONCE, PlayedContainers
from unit.test_container_module import run

WRITTEN = sorted((Path(__file__).parent / "journals").iterdir())
APP = "registry.example.com/test/app:1"
NEW, BAD = f"sha256:{'b' * 64}", f"sha256:{'c' * 64}"

every_format = pytest.mark.parametrize("written", WRITTEN, ids=lambda one: one.name)


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def left(written: Path, folder: Path) -> Journal:
    """The journal as another version left it."""
    shutil.copytree(written, folder / "state" / "containers" / "engine")
    return Journal(str(folder / "state"), "engine")


def later(folder: Path) -> Path:
    """The journal of a later version, whose fields mean something else; return its file."""
    left(WRITTEN[0], folder)
    file = folder / "state" / "containers" / "engine" / "app.swap.json"
    file.write_text(json.dumps({"version": VERSION + 1, "wanted": {"name": "app"}, "members": "elsewhere"}))
    return file


def with_app(written: Path) -> PlayedContainers:
    """An engine on which the container is as it was when the other version was killed: nothing was done to it yet."""
    member = json.loads((written / "app.swap.json").read_text())["members"][0]
    containers = PlayedContainers()
    added = containers.add("app", member["restore"]["image"], member["restore"]["body"]["HostConfig"])
    containers.found[member["old_id"]] = {**containers.found.pop(added), "Id": member["old_id"]}
    containers._start(containers.found[member["old_id"]])
    return containers


@every_format
def test_what_an_older_version_had_not_touched_yet_is_given_up(written: Path, folder: Path) -> None:
    journal, containers = left(written, folder), with_app(written)
    (result,) = repair(cast("Containers", containers), journal, AT_ONCE)
    assert (result["outcome"], result["name"], result["digest"]) == ("unchanged", "app", NEW)
    assert running(containers) == ("/app", f"sha256:{'1' * 64}", "running")
    assert not journal.holds("app")


@every_format
def test_what_an_older_version_had_stopped_is_up_again(written: Path, folder: Path) -> None:
    journal, containers = left(written, folder), with_app(written)
    # It wrote this down before it stopped the old container, and was killed after that.
    journal.keep("app", {**json.loads((written / "app.swap.json").read_text()), "touched": True})
    containers.stop(containers.look("app") or {})
    (result,) = repair(cast("Containers", containers), journal, AT_ONCE)
    assert (result["outcome"], result["name"], result["digest"]) == ("rolled_back", "app", NEW)
    assert running(containers) == ("/app", f"sha256:{'1' * 64}", "running")
    assert not journal.holds("app")


def running(containers: PlayedContainers) -> tuple[str, str, str]:
    """Name, image and status of the only container that there is."""
    (one,) = containers.found.values()
    return one["Name"], one["Image"], one["State"]["Status"]


@every_format
def test_a_scan_tells_of_what_an_older_version_began(written: Path, folder: Path) -> None:
    left(written, folder)
    (found,), warnings = find_unfinished(str(folder / "state"), "engine", now=1795788700.0)
    assert (found.as_json()["name"], found.as_json()["digest"], warnings) == ("app", NEW, [])


@every_format
def test_what_an_older_version_found_bad_stays_so(written: Path, folder: Path) -> None:
    refusal = left(written, folder).refusal("app", BAD)
    assert refusal
    assert refusal["reason"] == "app ended with code 1"


def test_what_a_later_version_began_is_told_with_its_file_and_left_as_it_is(folder: Path) -> None:
    file = later(folder)
    before = file.read_bytes()
    journal = Journal(str(folder / "state"), "engine")
    assert repair(cast("Containers", with_app(WRITTEN[0])), journal, AT_ONCE) == []
    found, (warning,) = find_unfinished(str(folder / "state"), "engine", now=0.0)
    assert found == []
    assert f"{file} has version {VERSION + 1}, and this one reads {VERSION}" in warning
    assert file.read_bytes() == before


def test_an_update_of_what_a_later_version_began_fails_with_that_and_touches_nothing(folder: Path) -> None:
    file = later(folder)
    before = file.read_bytes()
    app = container_of("app", APP)
    answers: dict[str, Any] = {**engine_with(app), "/containers/app/json": Answer(app)}
    with played_engine(folder / "docker.sock", answers) as engine:
        answer = run(engine, folder, name="app", image=APP, digest=NEW)
        seen = run(engine, folder, state="repaired", _ansible_check_mode=True)
    assert (answer["outcome"], answer["name"]) == ("failed", "app")
    assert answer["message"] == (
        f"the update of app was begun by a later version: {file} has version {VERSION + 1}, and this one reads {VERSION}."
        " It is left as it is: upgrade what updates this host, which finishes it then"
    )
    assert seen["message"] == "nothing is left to repair"
    assert all(one.method == "GET" for one in engine.asked)
    assert file.read_bytes() == before
