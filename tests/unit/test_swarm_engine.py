# SPDX-License-Identifier: Apache-2.0
"""Asking a manager through the weather of a swarm: what passes is waited for, what does not is told."""

import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NoAnswer,
    NotFound,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.decisions.changes import (
    Change,
    Superseded,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.swarm.engine import (
    Lost,
    Refused,
    SwarmEngine,
)

_NO_LEADER = EngineError(503, "The swarm does not have a leader", "GET")
_STALE = EngineError(500, "rpc error: code = Unknown desc = update out of sequence", "POST")


class ScriptedEngine:
    """Answers as it is told: each entry is returned, or raised."""

    def __init__(self, posts: Iterator[Any], gets: Iterator[Any] | None = None) -> None:
        self.posts, self.gets = posts, gets
        self.version = 0
        self.sent: list[Any] = []

    def get(self, path: str, query: Any = None) -> Any:
        del path, query
        self.version += 1
        given = next(self.gets) if self.gets else None
        if isinstance(given, Exception):
            raise given
        return {"ID": "s", "Version": {"Index": self.version}, "Spec": {}}

    def post(self, path: str, query: Any, body: Any, auth: Any) -> Any:
        self.sent.append((path, query["version"], body, auth))
        given = next(self.posts)
        if isinstance(given, Exception):
            raise given
        return given


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that passes only by being waited for."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))


def _swarm(engine: ScriptedEngine, say: Callable[[str], None] = lambda _: None) -> SwarmEngine:
    return SwarmEngine(engine, "s", say)  # type: ignore[arg-type]


def _always(service: Any) -> Change:
    del service
    return Change({"new": True}, {"registryAuthFrom": "spec"}, {"username": "u"})


@pytest.mark.parametrize("weather", [_STALE, _NO_LEADER, NoAnswer("gone"), EngineUnreachable("restarting")])
def test_a_change_is_decided_anew_after_what_passes_by_itself(weather: Exception) -> None:
    engine = ScriptedEngine(iter([weather, weather, {"Warnings": ["mind"]}]))

    assert _swarm(engine).send(_always) == ["mind"]
    assert [version for _, version, _, _ in engine.sent] == [1, 2, 3]
    assert engine.sent[-1] == ("/services/s/update", 3, {"new": True}, {"username": "u"})


def test_a_change_that_is_there_already_is_not_sent_again() -> None:
    engine = ScriptedEngine(iter([NoAnswer("gone")]))
    left = iter([_always(None), None])

    assert _swarm(engine).send(lambda _: next(left)) == []
    assert len(engine.sent) == 1


def test_a_change_that_never_gets_through_is_given_up() -> None:
    engine = ScriptedEngine(repeat(_STALE))

    with pytest.raises(Refused, match=r"in 10 tries: .*out of sequence"):
        _swarm(engine).send(_always)
    assert len(engine.sent) == 10


@pytest.mark.parametrize(
    "error", [EngineError(400, "invalid spec", "POST"), EngineError(501, "not supported", "POST")]
)
def test_a_change_that_the_swarm_refuses_is_not_repeated(error: Exception) -> None:
    engine = ScriptedEngine(iter([error]))

    with pytest.raises(Refused, match="the swarm refuses the update"):
        _swarm(engine).send(_always)


def test_a_service_that_is_gone_is_superseded() -> None:
    with pytest.raises(Superseded):
        _swarm(ScriptedEngine(iter(()), repeat(NotFound(404, "no such service", "GET")))).service()
    with pytest.raises(Superseded):
        _swarm(ScriptedEngine(iter([NotFound(404, "no such service", "POST")]))).send(_always)


def test_a_new_leader_is_waited_for_and_that_is_told() -> None:
    reported: list[str] = []
    engine = ScriptedEngine(iter(()), chain([_NO_LEADER] * 5, repeat(None)))

    assert _swarm(engine, reported.append).service()["ID"] == "s"
    assert (
        reported == ["waiting: the swarm does not answer this manager: The swarm does not have a leader"] * 5
    )


@pytest.mark.parametrize("weather", [_NO_LEADER, NoAnswer("silent"), EngineUnreachable("no engine")])
def test_a_manager_that_sees_no_swarm_is_given_up_after_a_while(weather: Exception) -> None:
    with pytest.raises(Lost):
        _swarm(ScriptedEngine(iter(()), repeat(weather))).service()


class Asked:
    """An engine that has asked a registry: it hands on what that answered."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def distribution(self, name: str, auth: Any) -> dict[str, Any]:
        self.asked.append((name, auth))
        return self.answer


def test_a_registry_that_answers_of_another_digest_is_not_believed() -> None:
    engine = Asked({"Descriptor": {"digest": "sha256:other"}, "Platforms": []})
    with pytest.raises(Refused, match="answered with sha256:other when it was asked for host/app@sha256:new"):
        SwarmEngine(engine, "s", print).platforms_of("host/app", "sha256:new", None)  # type: ignore[arg-type]


def test_a_registry_is_asked_of_the_digest_with_the_credentials_and_names_its_platforms() -> None:
    platforms = [{"architecture": "amd64", "os": "linux"}]
    engine = Asked({"Descriptor": {"digest": "sha256:new"}, "Platforms": platforms})
    found = SwarmEngine(engine, "s", print).platforms_of("host/app", "sha256:new", {"username": "u"})  # type: ignore[arg-type]
    assert found == [{"Architecture": "amd64", "OS": "linux"}]
    assert engine.asked == [("host/app@sha256:new", {"username": "u"})]
