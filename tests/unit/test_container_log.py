"""Asking an engine for the log of what did not come up: what it answers, and that it costs an update nothing."""

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.engine import container_log
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.container_log import (
    log_of_container,
    log_of_task,
)

from unit.engines import Answer, Asked, PlayedEngine, played_engine
from unit.test_log_lines import ERR, OUT, frame

LOG = frame(OUT, b"begins\n") + frame(ERR, b"cannot work\n")


@pytest.fixture
def played() -> Iterator[PlayedEngine]:
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        played_engine(Path(folder) / "docker.sock", {}) as engine,
    ):
        yield engine


def log(played: PlayedEngine, *, has_terminal: bool = False) -> list[str]:
    return log_of_container(Engine({"docker_host": played.address}), "c", has_terminal=has_terminal)


def test_the_last_ten_lines_of_both_streams_are_asked_for(played: PlayedEngine) -> None:
    played.answers["/containers/c/logs"] = Answer(LOG)
    assert log(played) == ["begins", "cannot work"]
    assert played.asked[-1].query == {"stdout": "true", "stderr": "true", "tail": "10"}


def test_the_log_of_a_task_is_asked_for_as_such(played: PlayedEngine) -> None:
    played.answers["/tasks/t/logs"] = Answer(b"cannot work\r\n")
    engine = Engine({"docker_host": played.address})
    assert log_of_task(engine, "t", has_terminal=True) == ["cannot work"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"message": "configured logging driver does not support reading"}, 501),
        Answer({"message": "no such container"}, 404),
        Answer(cut_off=True),
    ],
)
def test_a_log_that_cannot_be_had_is_no_log(played: PlayedEngine, answer: Answer) -> None:
    played.answers["/containers/c/logs"] = answer
    assert log(played) == []


def test_an_engine_that_is_gone_has_no_log() -> None:
    assert log_of_container(Engine({"docker_host": "unix:///nowhere.sock"}), "c", has_terminal=False) == []


def test_of_an_answer_that_breaks_off_what_came_is_told(played: PlayedEngine) -> None:
    played.answers["/containers/c/logs"] = Answer(LOG, headers={"Content-Length": "9999"})
    assert log(played) == ["begins", "cannot work"]


def test_no_more_is_read_than_ten_lines_can_be(played: PlayedEngine) -> None:
    line = b"x" * 1023 + b"\n"
    played.answers["/containers/c/logs"] = Answer(line * 1024 + b"last\n")
    assert log(played, has_terminal=True) == ["x" * 299 + "…"] * 10


def test_a_log_that_does_not_come_is_not_waited_for(
    played: PlayedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that has gone, or a driver that hangs."""
    monkeypatch.setattr(container_log, "_SECONDS", 0.3)
    asked, over = threading.Event(), threading.Event()

    def hang(_: Asked) -> Answer:
        asked.set()
        over.wait(30)
        return Answer(LOG)

    played.answers["/containers/c/logs"] = hang
    began = time.monotonic()
    assert log(played) == []
    over.set()
    assert asked.is_set()
    assert time.monotonic() - began < 5
