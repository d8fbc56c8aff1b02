"""The module as Ansible runs it, in a process of its own, on an engine that is played."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import (
    Journal,
    JournalUnusable,
)

from unit.builders import HOST, NEW
from unit.engines import Answer, PlayedEngine, container_of, engine_with, played_engine

MODULE = "ansible_collections.registry.docker_updater.plugins.modules.standalone_container"
IMAGE = f"{HOST}/test/app:1"


@pytest.fixture(name="folder")
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(name="engine")
def _engine(folder: Path) -> Iterator[PlayedEngine]:
    web = container_of("shop-web", IMAGE)
    answers = {
        **engine_with(web, digests=(f"{HOST}/test/app@{NEW}",)),
        "/containers/shop-web/json": Answer(web),
    }
    with played_engine(folder / "docker.sock", answers) as engine:
        yield engine


def run(engine: PlayedEngine, folder: Path, **options: Any) -> dict[str, Any]:
    arguments = {
        "name": "shop-web",
        "image": IMAGE,
        "digest": NEW,
        "engine": {"docker_host": engine.address},
        "state_directory": str(folder / "state"),
        **options,
    }
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_name_of_a_registrys_user_is_not_blotted_out_of_what_is_told(
    engine: PlayedEngine, folder: Path
) -> None:
    account = {"username": "shop", "password": "s3cret-of-the-shop"}
    answer = run(engine, folder, credentials=[{"registry": HOST, "account": account}])
    assert (answer["name"], answer["outcome"]) == ("shop-web", "unchanged")
    assert "s3cret-of-the-shop" not in json.dumps(answer)


def test_nothing_moves_from_the_name_of_another_repository(engine: PlayedEngine, folder: Path) -> None:
    answer = run(engine, folder, moves_from=f"{HOST}/test/other:1")
    assert answer["failed"]
    assert "does not move to" in answer["msg"]
    assert all(one.method == "GET" for one in engine.asked)


@pytest.mark.parametrize("name", ["../../../../../tmp/x", "..", ".", "a/b", "/etc/passwd", "x\0y", "é" * 200])
def test_a_name_of_a_lying_engine_never_leads_out_of_the_journal(folder: Path, name: str) -> None:
    journal = Journal(str(folder / "state"), "engine")
    journal.keep(name, {"of": name})
    (kept,) = (folder / "state" / "containers" / "engine").iterdir()
    assert kept.name.endswith(".swap.json")
    assert list(journal.swaps()) == [{"of": name}]
    journal.drop(name)
    assert list(journal.swaps()) == []


@pytest.mark.parametrize("engine_id", ["..", "../..", "/", "../../etc", ""])
def test_nor_does_the_id_of_a_lying_engine(folder: Path, engine_id: str) -> None:
    Journal(str(folder / "state"), engine_id).keep("web", {})
    (kept,) = (folder / "state").rglob("*.json")
    assert kept.parent.parent == folder / "state" / "containers"


def test_the_journal_of_an_ordinary_name_is_where_it_always_was(folder: Path) -> None:
    Journal(str(folder), "ABCD:EFGH").keep("my_web.1-a", {})
    assert (folder / "containers" / "ABCD-EFGH" / "my_web.1-a.swap.json").exists()


def test_a_link_in_place_of_a_file_of_the_journal_is_not_followed(folder: Path) -> None:
    journal = Journal(str(folder / "state"), "engine")
    foreign = folder / "foreign"
    foreign.write_text('{"digest": {}}')
    place = folder / "state" / "containers" / "engine"
    for name in ("web.refused.json", "web.swap.json.new", "lock"):
        (place / name).symlink_to(foreign)
    with pytest.raises(JournalUnusable):
        journal.refusal("web", NEW)
    with pytest.raises(OSError, match="symbolic"):
        journal.keep("web", {})
    with pytest.raises(OSError, match="symbolic"), journal.lock(1):
        pass
    assert foreign.read_text() == '{"digest": {}}'
