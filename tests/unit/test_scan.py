"""What a scan finds on an engine, against an HTTP server on a unix socket that plays one."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.references import (
    InvalidReference,
    Reference,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.reading import Concerned
from ansible_collections.registry.docker_updater.plugins.module_utils.scan.scan import scan

from unit.builders import NEW, OLD
from unit.engines import Answer, Asked, PlayedEngine, container_of, engine_with, played_engine

Answers = dict[str, Answer | Callable[[Asked], Answer]]
APP = "registry.example.com/test/app:1"
KNOWN = (f"registry.example.com/test/app@{OLD}",)


@pytest.fixture
def engine() -> Iterator[PlayedEngine]:
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        played_engine(Path(folder) / "docker.sock", {}) as engine,
    ):
        yield engine


@pytest.fixture
def scanned(engine: PlayedEngine) -> Callable[[Answers], dict[str, Any]]:
    def run(answers: Answers) -> dict[str, Any]:
        engine.answers.update(answers)
        return scan(Engine({"docker_host": engine.address, "timeout": 5}))

    return run


Scanned = Callable[[Answers], dict[str, Any]]


def with_labels(labels: dict[str, str], image: str = APP, name: str = "web") -> dict[str, Any]:
    return container_of(name, image, Config={"Image": image, "Labels": labels})


def service_of(name: str = "api", image: str | None = f"{APP}@{OLD}", **labels: str) -> dict[str, Any]:
    return {
        "ID": f"id-of-{name}",
        "UpdatedAt": "2026-11-22T11:59:00.5Z",
        "Spec": {
            "Name": name,
            "Labels": {"registry-docker-updater": "true", **labels},
            "TaskTemplate": {"ContainerSpec": {"Image": image}} if image else {},
            "Mode": {"Replicated": {"Replicas": 2}},
        },
    }


def swarm_with(*services: dict[str, Any], **state: Any) -> Answers:
    answers = engine_with()
    info = answers["/info"]
    assert isinstance(info, Answer)
    info.body["Swarm"] = {
        "LocalNodeState": "active",
        "NodeID": "node-1",
        "ControlAvailable": True,
        "Cluster": {"ID": "alpha"},
        **state,
    }
    node = Answer({"ManagerStatus": {"Leader": True}})
    return {**answers, "/nodes/node-1": node, "/services": Answer(list(services))}


def test_a_container_that_opted_in_is_a_target(scanned: Scanned) -> None:
    found = scanned(engine_with(container_of("web", APP), digests=KNOWN))
    assert found["targets"] == [
        {
            "kind": "container",
            "id": "id-of-web",
            "name": "web",
            "image": APP,
            "image_id": "sha256:" + "1" * 64,
            "reference": APP,
            "digests": [OLD],
            "mode": None,
            "options": {},
            "notify": [],
            "labels": {},
            "state": "running",
            "changed_at": "2026-11-22T11:00:00.123456789Z",
            "age": pytest.approx(3599.876544),
        }
    ]
    assert (found["swarm"], found["warnings"]) == (None, [])
    assert found["engine"] == {
        "id": "engine",
        "name": "solo",
        "version": "28.0.0",
        "api_version": "1.47",
        "os": "linux",
        "architecture": "x86_64",
    }


def test_only_those_with_the_label_are_asked_for_even_when_stopped(scanned: Scanned) -> None:
    def listing(asked: Asked) -> Answer:
        assert asked.query == {"all": "true", "filters": '{"label": ["registry-docker-updater"]}'}
        return Answer([])

    assert scanned({**engine_with(), "/containers/json": listing})["targets"] == []


@pytest.mark.parametrize(
    "labels",
    [
        {"registry-docker-updater": "false"},
        {"registry-docker-updater": "true", "com.docker.swarm.task.id": "t"},
        {"registry-docker-updater": "true", "com.docker.compose.oneoff": "True"},
    ],
)
def test_who_said_no_tasks_of_services_and_one_off_runs_are_no_targets(
    scanned: Scanned, labels: dict[str, str]
) -> None:
    found = scanned(engine_with(with_labels(labels)))
    assert (found["targets"], found["warnings"]) == ([], [])


def test_a_container_of_compose_is_a_target(scanned: Scanned) -> None:
    labels = {"registry-docker-updater": "yes", "com.docker.compose.oneoff": "False"}
    assert len(scanned(engine_with(with_labels(labels)))["targets"]) == 1


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (
            {"registry-docker-updater": "ture"},
            "container web: label registry-docker-updater: 'ture' is neither",
        ),
        (
            {"registry-docker-updater": "true", "registry-docker-updater.x": "1"},
            "container web: label registry-docker-updater.x is not known",
        ),
        (
            {"registry-docker-updater": "true", "wud.watch": "false"},
            "container web has wud.watch=false, which means nothing here; say registry-docker-updater.enable: false",
        ),
    ],
)
def test_a_label_that_means_nothing_is_a_warning(
    scanned: Scanned, labels: dict[str, str], words: str
) -> None:
    (warning,) = scanned(engine_with(with_labels(labels)))["warnings"]
    assert words in warning


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (f"{APP}@{OLD}", "is pinned to a digest"),
        (f"registry.example.com/test/app@{OLD}", "is pinned to a digest"),
        ("sha256:" + "1" * 64, "is an image id"),
        ("1" * 64, "is an image id"),
    ],
)
def test_a_container_that_no_push_can_concern_is_shown_with_the_reason(
    scanned: Scanned, image: str, words: str
) -> None:
    found = scanned(engine_with(container_of("web", image), digests=KNOWN))
    (target,) = found["targets"]
    assert (target["reference"], target["digests"]) == (None, [])
    (warning,) = found["warnings"]
    assert words in warning


def test_an_image_known_under_several_digests_has_those_of_its_own_repository(scanned: Scanned) -> None:
    digests = (
        f"registry.example.com/test/app@{NEW}",
        f"registry.example.com/test/app@{OLD}",
        f"registry.example.com/other@sha256:{'d' * 64}",
        f"test/app@sha256:{'e' * 64}",
    )
    (target,) = scanned(engine_with(container_of("web", APP), digests=digests))["targets"]
    assert target["digests"] == [OLD, NEW]


def test_an_image_of_docker_hub_is_found_under_its_short_name(scanned: Scanned) -> None:
    (target,) = scanned(engine_with(container_of("web", "nginx"), digests=(f"nginx@{OLD}",)))["targets"]
    assert (target["reference"], target["digests"]) == ("nginx:latest", [OLD])


def test_a_container_whose_image_was_removed_has_no_digest(scanned: Scanned) -> None:
    answers = engine_with(container_of("web", APP))
    del answers["/images/sha256:" + "1" * 64 + "/json"]
    assert scanned(answers)["targets"][0]["digests"] == []


def test_a_container_removed_while_one_looks_is_left_out(scanned: Scanned) -> None:
    answers = engine_with(container_of("web", APP), container_of("gone", APP))
    del answers["/containers/id-of-gone/json"]
    assert [target["name"] for target in scanned(answers)["targets"]] == ["web"]


def test_a_manager_lists_its_services_without_their_digest(scanned: Scanned) -> None:
    found = scanned(swarm_with(service_of()))
    (target,) = found["targets"]
    assert found["swarm"] == {
        "id": "alpha",
        "node_id": "node-1",
        "manager": True,
        "may_be_manager": True,
        "leader": True,
    }
    assert (target["kind"], target["id"], target["name"]) == ("service", "id-of-api", "api")
    assert (target["image"], target["reference"], target["digests"]) == (f"{APP}@{OLD}", APP, [OLD])
    assert (target["mode"], target["age"]) == ("replicated", pytest.approx(59.5))


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ({"Global": {}}, "global"),
        ({"ReplicatedJob": {}}, "replicated-job"),
        ({"GlobalJob": {}}, "global-job"),
    ],
)
def test_the_mode_of_a_service_is_told_as_people_write_it(
    scanned: Scanned, mode: dict[str, Any], said: str
) -> None:
    service = service_of()
    service["Spec"]["Mode"] = mode
    assert scanned(swarm_with(service))["targets"][0]["mode"] == said


def test_a_service_without_an_image_or_a_tag_is_a_warning(scanned: Scanned) -> None:
    found = scanned(
        swarm_with(service_of("plugin", None), service_of("untagged", f"registry.example.com/app@{OLD}"))
    )
    assert [(one["name"], one["reference"]) for one in found["targets"]] == [("untagged", None)]
    assert "service plugin runs no container image" in found["warnings"][0]
    assert "names no tag" in found["warnings"][1]


def test_a_label_of_another_tool_on_a_service_is_a_warning_that_says_it_as_it_is_said_here(
    scanned: Scanned,
) -> None:
    found = scanned(
        swarm_with(service_of("web", APP, **{"com.centurylinklabs.watchtower.monitor-only": "true"}))
    )
    assert len(found["targets"]) == 1
    (warning,) = found["warnings"]
    assert warning.startswith(
        "service web has com.centurylinklabs.watchtower.monitor-only=true, which means nothing here"
    )
    assert warning.endswith("; say registry-docker-updater.monitor-only: true")


def test_a_worker_lists_no_services(scanned: Scanned) -> None:
    answers = swarm_with(ControlAvailable=False, Cluster=None)
    del answers["/services"]
    found = scanned(answers)
    assert (found["targets"], found["warnings"]) == ([], [])
    assert found["swarm"] == {
        "id": None,
        "node_id": "node-1",
        "manager": False,
        "may_be_manager": False,
        "leader": False,
    }


def test_a_manager_without_quorum_is_none_and_says_so(scanned: Scanned) -> None:
    for path in ("/nodes/node-1", "/services"):
        answers = swarm_with(service_of())
        answers[path] = Answer({"message": "The swarm does not have a leader."}, 503)
        found = scanned(answers)
        assert (found["swarm"]["manager"], found["targets"]) == (False, [])
        assert "has it lost its quorum" in found["warnings"][0]


def test_managers_that_elect_a_leader_are_waited_for_as_long_as_patience_lasts(engine: PlayedEngine) -> None:
    answers = swarm_with(service_of())
    looks: list[int] = []

    def manages(elected_after: int) -> bool:
        engine.answers.update({**answers, "/nodes/node-1": Answer({"message": "no leader"}, 503)})
        looks.clear()

        def patience() -> Iterator[bool]:
            for look in range(1, 9):
                looks.append(look)
                if look == elected_after:
                    engine.answers.update(answers)
                yield True

        found = scan(Engine({"docker_host": engine.address, "timeout": 5}), patience())
        return bool(found["swarm"]["manager"])

    assert manages(elected_after=3)
    assert looks == [1, 2, 3]
    assert not manages(elected_after=100)
    assert looks == [*range(1, 9)]


def test_an_engine_that_could_not_tell_its_swarms_id_is_asked_again_and_is_no_manager_without_it(
    engine: PlayedEngine,
) -> None:
    """It waited in vain for the leader that was lost; the one elected meanwhile answers all other questions."""
    mute = swarm_with(service_of(), Cluster={"ID": ""}, Error="context deadline exceeded")
    engine.answers.update(mute)

    def patience() -> Iterator[bool]:
        yield True
        engine.answers.update(swarm_with(service_of()))
        yield True

    found = scan(Engine({"docker_host": engine.address, "timeout": 5}), patience())
    assert (found["swarm"]["id"], found["swarm"]["manager"]) == ("alpha", True)
    engine.answers.update(mute)
    found = scan(Engine({"docker_host": engine.address, "timeout": 5}))
    assert (found["swarm"]["manager"], found["targets"]) == (False, [])
    assert "context deadline exceeded" in found["warnings"][0]


def test_a_node_locked_or_in_error_is_a_warning(scanned: Scanned) -> None:
    found = scanned(swarm_with(LocalNodeState="locked", ControlAvailable=False, Error="unlock it"))
    assert found["warnings"] == ["this node of a swarm is locked: unlock it"]


def test_a_clock_that_is_behind_makes_no_negative_age(scanned: Scanned) -> None:
    answers = engine_with(container_of("web", APP, Created="2026-11-22T12:30:00Z"))
    assert scanned(answers)["targets"][0]["age"] == 0


@pytest.mark.parametrize("created", [None, "", "yesterday"])
def test_a_moment_that_cannot_be_read_has_no_age(scanned: Scanned, created: str | None) -> None:
    assert scanned(engine_with(container_of("web", APP, Created=created)))["targets"][0]["age"] is None


def test_targets_are_narrowed_to_the_pushed_name_under_any_of_its_hosts() -> None:
    names = ["r.example.com/a:1", "r.internal:5000/a:1", "r.example.com/a:2", "r.example.com/x/a:1", None]
    targets = [{"kind": "service", "id": str(name), "reference": name} for name in names]
    pushed = Reference.parse(f"r.example.com/a:1@{NEW}")
    assert [one["reference"] for one in Concerned(pushed, ["r.internal:5000"]).of(targets)] == names[:2]
    assert [one["reference"] for one in Concerned(pushed).of(targets)] == names[:1]


def test_those_that_move_to_the_pushed_name_are_found_as_long_as_they_run_what_they_move_from() -> None:
    web, other, gone = (
        {"kind": "container", "id": name, "name": name, "reference": f"r.internal:5000/a:{tag}"}
        for name, tag in (("web", "1.4.2"), ("other", "1.4.2"), ("gone", "1.3"))
    )
    new = {"kind": "service", "id": "new", "name": "new", "reference": "r.example.com/a:1.4.3"}
    moves = {f"container/solo/{name}": "r.example.com/a:1.4.2" for name in ("web", "gone")}
    moves["service/new"] = "r.example.com/a:1.4.2"
    concerned = Concerned(Reference.parse("r.example.com/a:1.4.3"), ["r.internal:5000"], "solo", moves)
    assert concerned.of([web, other, gone, new]) == [{**web, "moves_from": "r.example.com/a:1.4.2"}, new]
    assert replace(concerned, host="far").of([web, new]) == [new]
    with pytest.raises(InvalidReference, match="is of another repository"):
        replace(concerned, moves={"container/solo/web": "r.example.com/b:1.4.2"}).of([web])


def test_the_played_engine_is_one(tmp_path: Path) -> None:
    """What these tests stand on: a path nobody prepared is a 404 as of an engine."""
    with played_engine(tmp_path / "s", {}) as engine:
        assert isinstance(engine, PlayedEngine)
        assert engine.answer(Asked("GET", "/v1.47/none", {}, {}, b"")).status == 404


def test_a_digest_that_an_engine_writes_without_a_name_is_passed_over(scanned: Scanned) -> None:
    found = scanned(engine_with(container_of("web", APP), digests=("<none>@<none>", *KNOWN)))
    assert found["targets"][0]["digests"] == [OLD]


def test_a_container_that_cannot_be_read_is_named_and_all_others_are_found(scanned: Scanned) -> None:
    answers = engine_with(
        *(container_of(name, APP, f"sha256:{name}") for name in ("ghost", "imageless", "nameless", "web")),
        digests=KNOWN,
    )
    answers["/containers/id-of-ghost/json"] = Answer({"message": "its folder is gone"}, 500)
    answers["/images/sha256:imageless/json"] = Answer({"message": "its layers are gone"}, 500)
    nameless = container_of("nameless", APP, "sha256:nameless", Config=None)
    answers["/containers/id-of-nameless/json"] = Answer(nameless)
    found = scanned(answers)
    assert [target["name"] for target in found["targets"]] == ["web"]
    assert [
        warning for warning in found["warnings"] if "ghost" in warning and "its folder is gone" in warning
    ]
    assert [warning for warning in found["warnings"] if "imageless" in warning and "layers" in warning]
    assert [warning for warning in found["warnings"] if "nameless" in warning]
