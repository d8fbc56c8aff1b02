# SPDX-License-Identifier: Apache-2.0
"""A swarm of the lab as the tests of services use it: services made, looked at, and changed by "a person"."""

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine

from fleet.services_module import Running, socket_of
from lab import Host, Lab, Swarm
from lab.images import Image
from lab.waiting import until

_SIDE_BY_SIDE = 12
_numbers = itertools.count(1)
# The tests do not wait for the five seconds of swarm's defaults where a shorter time proves the same.
QUICK = (
    "--update-monitor=2s",
    "--rollback-monitor=2s",
    "--restart-delay=1s",
    "--stop-grace-period=1s",
)


@dataclass(frozen=True)
class Place:
    """One swarm and a registry, with names that no other test uses."""

    lab: Lab
    swarm: Swarm
    registry: str = "registry"
    name: str = field(default_factory=lambda: f"service{next(_numbers)}")

    @property
    def manager(self) -> Host:
        return self.swarm.managers[0]

    @property
    def socket(self) -> Path:
        return socket_of(self.manager)

    @property
    def engine(self) -> Engine:
        return Engine({"docker_host": f"unix://{self.socket}"})

    @property
    def image(self) -> str:
        """The name that is pushed, with its tag."""
        return f"{self.lab.registry(self.registry).address}/{self.name}/app:1"

    def push(self, image: Image) -> str:
        return self.lab.registry(self.registry).push(f"{self.name}/app", "1", image)

    def create(self, *options: str, image: str | None = None, command: tuple[str, ...] = ()) -> str:
        """Create a service with short waits, opted in; return its name, without waiting for it."""
        self.docker(
            *(
                "service",
                "create",
                "--detach",
                "--name",
                self.name,
                "--label",
                "registry-docker-updater=true",
            ),
            *QUICK,
            *options,
            image or self.image,
            *command,
        )
        return self.name

    def docker(self, *arguments: str) -> str:
        return self.manager.docker(*arguments)

    def start(self, digest: str, **options: Any) -> Running:
        """Start the module in the background."""
        socket = options.pop("socket", self.socket)
        return Running(socket, self.name, options.pop("image", self.image), digest, **options)

    def update(self, digest: str, **options: Any) -> dict[str, Any]:
        """Run the module to its end."""
        return self.start(digest, **options).result()

    def service(self) -> dict[str, Any]:
        found: dict[str, Any] = self.engine.get(f"/services/{self.name}")
        return found

    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.service()["Spec"]
        return spec

    def image_in_spec(self) -> str:
        image: str = self.spec()["TaskTemplate"]["ContainerSpec"]["Image"]
        return image

    def update_state(self) -> str | None:
        state: str | None = self.service().get("UpdateStatus", {}).get("State")
        return state

    def pinned(self, digest: str) -> str:
        return f"{self.image}@{digest}"

    def tasks(self, **filters: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.engine.get(
            "/tasks", {"filters": {"service": [self.name], **filters}}
        )
        return found

    def running(self) -> list[str]:
        """The images of the tasks that run and shall run."""
        return [
            task["Spec"]["ContainerSpec"]["Image"]
            for task in self.tasks()
            if task["Status"]["State"] == task["DesiredState"] == "running"
        ]

    def wait_until_up(self, tasks: int = 1, deadline: float = 30) -> None:
        self.wait(lambda: len(self.running()) == tasks, f"{tasks} tasks run", deadline)

    def wait(self, condition: Callable[[], bool], what: str, deadline: float = 30) -> None:
        until(condition, who=f"{self.name} on {self.manager.name}", what=what, deadline=deadline, pause=0.2)

    def history(self) -> str:
        """What the swarm tells of the service's tasks, for the reader of a failed test."""
        return self.manager.run("docker", "service", "ps", "--no-trunc", self.name, check=False).stdout

    def remove(self) -> None:
        self.manager.run("docker", "service", "rm", self.name, check=False)


Case = Callable[[Place], None]


class Stage:
    """Runs cases side by side, each on both swarms: they spend their time waiting for engines."""

    def __init__(self, lab: Lab, cases: Iterable[Case]) -> None:
        self._pool = ThreadPoolExecutor(_SIDE_BY_SIDE)
        self._ends = {
            case: [self._pool.submit(_run, case, Place(lab, swarm)) for swarm in lab.swarms] for case in cases
        }

    def end_of(self, case: Case) -> None:
        """Return when the case has ended well on both; raise what it raised."""
        errors = [error for error in (end.exception() for end in self._ends[case]) if error]
        if errors:
            raise errors[0] if len(errors) == 1 else BaseExceptionGroup("on both engines", errors)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def _run(case: Case, place: Place) -> None:
    try:
        case(place)
    except BaseException as error:
        error.add_note(f"on {place.manager.name}, {place.manager.suite}: {place.history()}")
        raise
    finally:
        place.remove()


def on_both_engines(case: Case) -> Callable[[Stage], None]:
    """Make a test of ``case``: it runs on the swarms of both Debian releases, beside other such tests."""

    def test(stage: Stage) -> None:
        stage.end_of(case)

    test.__name__, test.__doc__, test.__module__ = case.__name__, case.__doc__, case.__module__
    test.case = case  # type: ignore[attr-defined]
    return test


def stage_of(lab: Lab, request: pytest.FixtureRequest) -> Stage:
    """Start the cases of those tests of the requesting folder that were selected."""
    tests = [
        getattr(item, "obj", None)
        for item in request.session.items
        if item.path.parent == request.path.parent
    ]
    return Stage(lab, [test.case for test in tests if test is not None and hasattr(test, "case")])
