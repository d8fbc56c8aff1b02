"""The process that works and the one that watches over it, with real processes that are killed."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container import (
    worker as container_worker,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.worker import run_detached


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_worker, "_PAUSE_SECONDS", 0)


@pytest.fixture(name="calls")
def _calls(tmp_path: Path) -> Path:
    """A folder with a file for each call of the work, named after its process."""
    folder = tmp_path / "calls"
    folder.mkdir()
    return folder


def called(calls: Path) -> int:
    """Note a call; return how many there were before."""
    before = len(list(calls.iterdir()))
    (calls / str(os.getpid())).touch()
    return before


def test_work_that_was_killed_is_done_anew(calls: Path) -> None:
    def work() -> dict[str, Any]:
        if called(calls) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"done": True}

    assert run_detached(work) == {"done": True}
    assert len(list(calls.iterdir())) == 2


def test_work_that_is_killed_each_time_ends_without_an_answer_after_three_times(calls: Path) -> None:
    def work() -> dict[str, Any]:
        called(calls)
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    assert run_detached(work) is None
    assert len(list(calls.iterdir())) == 3


def test_work_goes_on_to_its_end_when_the_process_that_watches_it_is_killed(calls: Path) -> None:
    def work() -> dict[str, Any]:
        called(calls)
        watcher = os.getppid()
        os.kill(watcher, signal.SIGKILL)
        while os.getppid() == watcher:
            time.sleep(0.01)
        return {"done": True}

    assert run_detached(work) == {"done": True}
    assert len(list(calls.iterdir())) == 1


def test_an_error_of_the_work_is_its_answer_and_nothing_is_done_anew(calls: Path) -> None:
    def work() -> dict[str, Any]:
        called(calls)
        raise RuntimeError("so it is")

    answer = run_detached(work)
    assert answer is not None
    assert "so it is" in answer["traceback"]
    assert len(list(calls.iterdir())) == 1


def test_half_an_answer_of_one_that_was_killed_is_none() -> None:
    assert container_worker._last_answer('\n{"half": \n{"whole": 1}\n') == {"whole": 1}
    assert container_worker._last_answer('\n{"whole": 1}\n\n{"half"') == {"whole": 1}
    assert container_worker._last_answer("") is None
