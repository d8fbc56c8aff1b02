"""Work that a helper does for the container in which we run: its answer reaches somebody, whoever is killed meanwhile.

The engine is played: it starts a helper by having it work at once. What a real one does stands in the fleet's tests.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container import handover, helper, place
from ansible_collections.registry.docker_updater.plugins.module_utils.container.asked import requests_of
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    RUNNING,
    Member,
    Swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap_json import (
    to_json,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import (
    Journal,
    read_file,
    write_file,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.scan import scan

from unit.builders import HOST, NEW
from unit.engines import Answer, Asked, PlayedEngine, container_of, engine_with, played_engine

IMAGE = f"{HOST}/ops/updater:1"
RESULT = {
    "name": "updater",
    "digest": NEW,
    "outcome": "updated",
    "changed": True,
    "message": "it runs it",
    "stages": {},
}
ABOUT = {"name": "updater", "image": IMAGE, "digest": NEW}


@pytest.fixture(name="folder")
def _folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(handover, "_PAUSE_SECONDS", 0)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(name="journal")
def _journal(folder: Path) -> Journal:
    return Journal(str(folder / "state"), "engine-id")


@pytest.fixture(name="engine")
def _engine(folder: Path) -> Iterator[PlayedEngine]:
    own = container_of(
        "updater",
        IMAGE,
        Mounts=[{"Type": "volume", "Name": "state", "Destination": str(folder / "state")}],
        NetworkSettings={},
    )
    answers = {
        **engine_with(own),
        "/info": Answer({"ID": "engine-id"}),
        "/containers/updater/json": Answer(own),
        f"/containers/{own['Id']}/json": Answer(own),
    }
    with played_engine(folder / "docker.sock", answers) as engine:
        yield engine


@pytest.fixture(name="is_inside")
def _is_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process runs in the container called updater, whose image is ours."""
    monkeypatch.setattr(handover, "ids_of_own_container", lambda: {"id-of-updater"})
    monkeypatch.setattr(handover, "_is_our_image", lambda: True)


def _params(engine: PlayedEngine, folder: Path, **options: Any) -> dict[str, Any]:
    return {
        "name": "updater",
        "image": IMAGE,
        "digest": NEW,
        "aliases": [],
        "found_digests": [],
        "found_image": None,
        "moves_from": None,
        "containers": None,
        "parallel": 2,
        "credentials": [{"registry": HOST, "account": {"username": "robot", "password": "not to be kept"}}],
        "state": "present",
        "settle": 0,
        "health_timeout": None,
        "paused": "skip",
        "cleanup": False,
        "try_again": False,
        "state_directory": str(folder / "state"),
        "at_once": None,
        "engine": {"docker_host": engine.address},
        **options,
    }


def _work(params: dict[str, Any]) -> dict[str, Any]:
    answer = place.work(params, params["containers"] or (), requests_of(params, params["containers"] or ()))
    assert answer is not None
    return answer


def _helpers(engine: PlayedEngine, started: Callable[[str], None]) -> list[str]:
    """Have the engine make and start helpers; return their names, as they are made."""
    made: list[str] = []

    def create(asked: Asked) -> Answer:
        made.append(asked.query["name"])
        return Answer({"Id": "id-of-helper"}, 201)

    def start(_: Asked) -> Answer:
        body = next(one.body for one in engine.asked if one.what == "/containers/create")
        started(json.loads(body)["Entrypoint"][-1])
        return Answer(None, 204)

    engine.answers["/containers/create"] = create
    engine.answers["/containers/id-of-helper/start"] = start
    return made


def _answered(path: str) -> None:
    kept = read_file(path)
    del kept["params"], kept["containers"]
    write_file(path, {**kept, "answer": {"containers": [RESULT], "repairs": []}})


@pytest.mark.usefixtures("is_inside")
def test_its_own_update_is_handed_to_a_helper_which_is_removed_once_it_has_answered(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    made = _helpers(engine, _answered)

    answer = _work(_params(engine, folder))

    assert [one["outcome"] for one in answer["containers"]] == ["updated"]
    assert len(made) == 1
    assert [one.what for one in engine.asked if one.method == "DELETE"] == [f"/containers/{made[0]}"]
    assert journal.handovers() == []


@pytest.mark.usefixtures("is_inside")
def test_what_would_not_end_it_is_done_by_itself(engine: PlayedEngine, folder: Path) -> None:
    made = _helpers(engine, _answered)
    (result,) = _work(_params(engine, folder, name="other"))["containers"]
    assert result["message"] == "there is no container other on this engine"
    assert made == []


@pytest.mark.usefixtures("is_inside")
def test_a_helper_that_cannot_be_made_leaves_everything_as_it_was_and_says_so(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    engine.answers["/containers/create"] = Answer({"message": "no space left"}, 500)
    assert "no space left" in _work(_params(engine, folder))["error"]
    assert journal.handovers() == []


@pytest.mark.usefixtures("is_inside")
def test_a_helper_that_ends_again_and_again_without_an_answer_is_given_up(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    made = _helpers(engine, lambda _: None)
    assert "without an answer" in _work(_params(engine, folder))["error"]
    assert len(made) == len([one for one in engine.asked if one.what.endswith("/start")]) == 3
    assert journal.handovers() == []


@pytest.mark.usefixtures("is_inside")
def test_a_helper_at_work_is_left_alone_while_the_engine_does_not_say_how_it_is(
    engine: PlayedEngine, folder: Path
) -> None:
    """To kill it then would leave nobody to start what it has just stopped."""
    inspects = iter(
        [Answer({"message": "busy"}, 500), Answer({"message": "busy"}, 503), Answer(None, cut_off=True)]
    )
    path = ""

    def started(file: str) -> None:
        nonlocal path
        path = file
        engine.answers[f"/containers/{made[0]}/json"] = inspect

    def inspect(_: Asked) -> Answer:
        answer = next(inspects, None)
        if answer is None:
            _answered(path)
        return answer or Answer(container_of(made[0], IMAGE))

    made = _helpers(engine, started)

    assert [one["outcome"] for one in _work(_params(engine, folder))["containers"]] == ["updated"]
    assert len(made) == 1


@pytest.mark.usefixtures("is_inside")
def test_what_it_handed_over_is_known_until_its_helper_is_removed(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    """The answer is told once, and whoever works there next removes what could not be removed."""
    known: list[int] = []
    removals = iter([Answer({"message": "device is busy"}, 500), Answer(None, 204)])

    def remove(_: Asked) -> Answer:
        known.append(len(journal.handovers()))
        return next(removals)

    def started(path: str) -> None:
        engine.answers[f"/containers/{made[0]}"] = remove
        _answered(path)

    made = _helpers(engine, started)

    assert [one["outcome"] for one in _work(_params(engine, folder))["containers"]] == ["updated"]
    assert len(journal.handovers()) == 1
    assert _work(_params(engine, folder, state="repaired", name=None))["repairs"] == []
    assert journal.handovers() == []
    assert known == [1, 1]


def test_of_two_who_wait_for_the_same_helper_one_makes_it_and_one_is_answered(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    path, name = _leave(journal, params={}, containers=[]), "updater.updater-0123abcd-helper"
    made = _helpers(engine, lambda _: _answered(path))

    def look(_: Asked) -> Answer:
        time.sleep(0.1)  # the others look meanwhile
        return Answer({"message": "none"}, 404)

    engine.answers[f"/containers/{name}/json"] = look

    def ask(_: int) -> list[Any]:
        containers = Containers(Engine({"docker_host": engine.address}))
        return handover.answers_of_others(containers, Journal(str(folder / "state"), "engine-id"))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))

    assert sorted(map(len, answers)) == [0, 0, 0, 1]
    assert made == [name]
    assert engine.asked[-1].method == "DELETE"


def test_what_was_killed_while_it_wrote_passwords_down_leaves_none(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    draft = Path(journal.file_of_handover("89abcdef") + ".new")
    draft.write_text('{"params": {"credentials": "not to be k')
    _leave(journal, answer={"containers": [RESULT], "repairs": []})
    _work(_params(engine, folder, state="repaired", name=None))
    assert not draft.exists()


@pytest.mark.usefixtures("is_inside")
def test_its_helper_is_in_all_of_its_networks_before_it_starts(engine: PlayedEngine, folder: Path) -> None:
    own = container_of(
        "updater",
        IMAGE,
        Mounts=[{"Type": "volume", "Name": "state", "Destination": str(folder / "state")}],
        NetworkSettings={"Networks": {"shop": {}, "to-the-engine": {}}},
    )
    engine.answers["/containers/id-of-updater/json"] = Answer(own)
    engine.answers["/networks/to-the-engine/connect"] = Answer(None)
    _helpers(engine, _answered)

    _work(_params(engine, folder))

    (created,) = (one for one in engine.asked if one.what == "/containers/create")
    assert json.loads(created.body)["HostConfig"]["NetworkMode"] == "shop"
    changes = [one.what.rpartition("/")[2] for one in engine.asked if one.method == "POST"]
    assert changes == ["create", "connect", "start"]


def test_a_helper_that_was_made_and_never_started_is_made_anew(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    """Who made it was killed before it was in all of its networks, perhaps."""
    path = _leave(journal, params={}, containers=[])
    name = "updater.updater-0123abcd-helper"
    engine.answers[f"/containers/{name}/json"] = Answer(
        container_of(name, IMAGE, State={"Status": "created"})
    )
    engine.answers[f"/containers/id-of-{name}"] = Answer(None, 204)
    made = _helpers(engine, lambda _: _answered(path))
    _work(_params(engine, folder, state="repaired", name=None))
    assert made == [name]


def test_the_answer_to_who_did_not_live_to_hear_it_is_that_of_who_asks_the_same_again(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    """The operator that was started anew goes on with its rollout."""
    _leave(journal, answer={"containers": [RESULT], "repairs": []})
    (result,) = _work(_params(engine, folder))["containers"]
    assert result["outcome"] == "updated"
    assert "stages" not in result
    assert journal.handovers() == []


def test_whoever_repairs_hears_the_answer_too(engine: PlayedEngine, folder: Path, journal: Journal) -> None:
    _leave(journal, answer={"containers": [RESULT], "repairs": []})
    answer = _work(_params(engine, folder, state="repaired", name=None))
    assert [one["outcome"] for one in answer["repairs"]] == ["updated"]


def test_who_asks_for_something_else_hears_it_beside_what_that_came_to(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    _leave(journal, answer={"containers": [RESULT], "repairs": []})
    answer = _work(_params(engine, folder, name="other"))
    assert [one["name"] for one in answer["containers"]] == ["other"]
    assert [one["outcome"] for one in answer["repairs"]] == ["updated"]


def test_a_helper_that_was_removed_by_hand_is_made_again(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    path = _leave(journal, params={}, containers=[])
    made = _helpers(engine, lambda _: _answered(path))
    _work(_params(engine, folder, state="repaired", name=None))
    assert made == ["updater.updater-0123abcd-helper"]


def test_a_helper_leaves_no_password_in_its_answer(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    params = _params(engine, folder, name="gone")
    path = _leave(journal, params=params, containers=[])

    helper.help_with(path)

    kept = read_file(path)
    assert "there is no container gone" in kept["answer"]["message"]
    assert "not to be kept" not in Path(path).read_text()
    helper.help_with(path)
    assert read_file(path) == kept


def test_a_helper_whose_work_nobody_wants_any_more_does_nothing(journal: Journal) -> None:
    helper.help_with(journal.file_of_handover("0123abcd"))
    assert journal.handovers() == []


@pytest.mark.parametrize(
    ("age", "kept", "is_worked_on"),
    [
        (1, {"params": {}}, True),
        # It neither holds the lock nor is it about to start.
        (120, {"params": {}}, False),
        (1, {"answer": {}}, False),
    ],
)
def test_a_scan_tells_of_it_as_unfinished_until_somebody_has_heard(
    engine: PlayedEngine,
    folder: Path,
    journal: Journal,
    age: float,
    kept: dict[str, Any],
    *,
    is_worked_on: bool,
) -> None:
    _leave(journal, begun_at=time.time() - age, **kept)
    (told_of,) = scan(Engine({"docker_host": engine.address}), state_directory=str(folder / "state"))[
        "unfinished"
    ]
    assert told_of == {**ABOUT, "age": pytest.approx(age, abs=30), "is_worked_on": is_worked_on}


def test_a_scan_says_of_what_it_cannot_read_that_it_cannot(
    engine: PlayedEngine, folder: Path, journal: Journal
) -> None:
    Path(journal.file_of_handover("0123abcd")).write_text("{")
    found = scan(Engine({"docker_host": engine.address}), state_directory=str(folder / "state"))
    assert found["unfinished"] == []
    assert any("helpers" in warning for warning in found["warnings"])


def test_an_image_of_others_hands_nothing_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own: dict[str, Any] = {"Name": "/own", "Mounts": [{"Type": "volume", "Destination": str(folder)}]}
    assert handover.why_not(own, str(folder)) == ""
    assert "no volume" in handover.why_not({**own, "Mounts": []}, str(folder))
    monkeypatch.setattr(handover, "_is_our_image", lambda: False)
    assert "collection" in handover.why_not(own, str(folder))


OF_A_PROJECT = {"com.docker.compose.project": "shop"}
# Recreated together with the proxy, and restarted with it.
LEANING = (
    {"HostConfig": {"NetworkMode": "container:id-of-proxy"}},
    {
        "Config": {
            "Image": IMAGE,
            "Labels": {**OF_A_PROJECT, "com.docker.compose.depends_on": "proxy:service_started:true"},
        }
    },
)


@pytest.mark.usefixtures("is_inside")
@pytest.mark.parametrize("leaning", LEANING, ids=["recreated", "restarted"])
def test_what_it_leans_on_is_not_touched_where_nobody_would_start_it_again(
    engine: PlayedEngine, folder: Path, leaning: dict[str, Any]
) -> None:
    labels = {**OF_A_PROJECT, "com.docker.compose.service": "proxy"}
    proxy = _whole(container_of("proxy", IMAGE, Config={"Image": IMAGE, "Labels": labels}))
    # Its journal is in no volume.
    own = _whole(container_of("updater", IMAGE, Mounts=[], **leaning))
    engine.answers.update(
        {
            **engine_with(proxy, own),
            "/info": Answer({"ID": "engine-id"}),
            "/version": Answer({"Arch": "amd64"}),
            "/networks": Answer([]),
            "/containers/proxy/json": Answer(proxy),
        }
    )

    (result,) = _work(_params(engine, folder, name="proxy"))["containers"]

    assert result["outcome"] == "failed"
    assert "no volume" in result["message"]
    assert {one.method for one in engine.asked} == {"GET"}


@pytest.mark.usefixtures("is_inside")
def test_nor_is_an_update_gone_on_with_that_would_stop_it(
    engine: PlayedEngine, folder: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = {
        "body": {"HostConfig": {}},
        "platform": "",
        "connect": {},
        "disconnect": [],
        "image": "sha256:1",
        "reference": IMAGE,
    }
    member = Member("proxy", "id-of-proxy", RUNNING, {}, False, create, create)
    wanted = {**ABOUT, "name": "proxy", "new_image": "sha256:1"}
    journal.keep("proxy", to_json(Swap("0123abcd", (member,), ("id-of-updater",), wanted)))
    monkeypatch.setattr(handover, "_is_our_image", lambda: False)
    assert "nobody left" in _work(_params(engine, folder, state="repaired", name=None))["error"]
    assert {one.method for one in engine.asked} == {"GET"}


def _whole(container: dict[str, Any]) -> dict[str, Any]:
    return {"Mounts": [], "NetworkSettings": {}, **container}


def _leave(journal: Journal, **kept: Any) -> str:
    """Leave what somebody handed over who was killed since."""
    path = journal.file_of_handover("0123abcd")
    helper = {"name": "updater.updater-0123abcd-helper", "body": {"Image": "sha256:1", "Entrypoint": [path]}}
    write_file(path, {"begun_at": time.time(), "targets": [ABOUT], "helper": helper, **kept})
    return path
