"""Following an engine's events: what is said of it, and what comes after a stream that broke or never opened."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.waiting import until
from registry_docker_updater.core.fleet.live import FOLLOWED
from registry_docker_updater.edges.engine.live import LiveView
from registry_docker_updater.edges.engine.port import Followed
from unit.engines import Answer, played_engine

DEPLOYED = {"Type": "service", "Action": "create", "Actor": {"ID": "api"}}


@dataclass
class Heard:
    """What a live view told of a host."""

    events: list[str] = field(default_factory=list)
    states: list[str | None] = field(default_factory=list)


@pytest.fixture(name="heard")
def _heard() -> Heard:
    return Heard()


@pytest.fixture(name="view")
def _view(heard: Heard) -> Iterator[LiveView]:
    view = LiveView(Followed(heard.events.append, lambda _, state: heard.states.append(state)))
    yield view
    view.stop()


@pytest.fixture(name="socket")
def _socket() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder) / "docker.sock"


def wait_for_states(heard: Heard, number: int) -> None:
    until(lambda: len(heard.states) >= number, who="the live view", what=f"said {number} things", deadline=30)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("here", "docker_live 'here' is no address"),
        ({"docker_hots": "unix:///x"}, "docker_live has no docker_hots"),
        ("unix:///nowhere/docker.sock", "No such file"),
    ],
)
def test_a_host_that_cannot_be_followed_says_why(
    view: LiveView, heard: Heard, said: object, words: str
) -> None:
    view.follow("solo", said)
    wait_for_states(heard, 1)
    assert "cannot be followed" in str(heard.states[0])
    assert words in str(heard.states[0])
    assert heard.events == []
    view.follow("solo", None)
    assert heard.states[-1] is None


def test_a_stream_that_ends_is_opened_again_and_its_host_looked_at_each_time(
    view: LiveView, heard: Heard, socket: Path
) -> None:
    """Once because of what nobody followed before, and once for each event that can be about a target."""
    events = Answer(json.dumps(DEPLOYED).encode() + b"\n")
    answers = {"/version": Answer({"ApiVersion": "1.47"}), "/events": events}
    with played_engine(socket, {**answers}) as engine:
        view.follow("solo", engine.address)
        wait_for_states(heard, 4)
    ended = "cannot be followed, and is asked as often as any: the engine ended the stream"
    assert heard.states[:4] == [FOLLOWED, ended, FOLLOWED, ended]
    assert heard.events[:4] == ["solo"] * 4
    asked = [one for one in engine.asked if one.what == "/events"]
    assert set(json.loads(asked[0].query["filters"])) == {"type", "event"}
