# SPDX-License-Identifier: Apache-2.0
"""The fleet of the demo: what runs on it, what a push is to change, and what it must never touch."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from demo.updater import endpoint
from lab import Host, HostSpec, Lab, LabSpec, RegistrySpec, SwarmSpec
from lab.images import good
from lab.waiting import until

_OPT_IN = "registry-docker-updater=true"


@dataclass(frozen=True)
class Deployed:
    """A service (made through a manager) or container; `is_target` if the push of the demo is to update it."""

    kind: str
    host: str
    name: str
    image: str
    is_target: bool
    labelled: bool = True
    replicas: int = 1
    options: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind} {self.name} on {self.host}"


def spec(name: str) -> LabSpec:
    """Two swarms, one of three managers; a standalone host; two registries of which both send events."""
    address = LabSpec(name).address
    return LabSpec(
        name=name,
        hosts=(HostSpec("solo"),),
        swarms=(SwarmSpec("alpha", managers=3, workers=1), SwarmSpec("beta", managers=1, workers=1)),
        registries=(
            RegistrySpec("registry", 5000, (endpoint(address, "registry"),)),
            RegistrySpec("elsewhere", 5001, (endpoint(address, "elsewhere"),)),
        ),
    )


def everything(lab: Lab) -> tuple[Deployed, ...]:
    """What runs on the fleet: targets of a push of test/app:1, and their lookalikes."""
    ours, also = lab.registry("registry").address, lab.registry("registry").host_name
    theirs = lab.registry("elsewhere").address
    app = f"{ours}/test/app:1"
    return (
        Deployed("service", "alpha-m1", "web", app, is_target=True, replicas=3),
        Deployed("service", "alpha-m1", "jobs", app, is_target=True),
        Deployed("service", "alpha-m1", "twin", app, is_target=False, labelled=False),
        Deployed("service", "alpha-m1", "other-tag", f"{ours}/test/app:2", is_target=False),
        Deployed("service", "alpha-m1", "ends-alike", f"{ours}/my/test/app:1", is_target=False),
        Deployed("service", "alpha-m1", "other-registry", f"{theirs}/test/app:1", is_target=False),
        Deployed("service", "beta-m1", "api", app, is_target=True, replicas=2),
        Deployed("service", "beta-m1", "twin", app, is_target=False, labelled=False),
        Deployed("container", "solo", "app", app, is_target=True),
        Deployed("container", "solo", "other-name", f"{also}/test/app:1", is_target=True),
        Deployed("container", "solo", "twin", app, is_target=False, labelled=False),
        Deployed("container", "solo", "other-tag", f"{ours}/test/app:2", is_target=False),
        Deployed("container", "solo", "ends-alike", f"{ours}/my/test/app:1", is_target=False),
        Deployed("container", "solo", "other-registry", f"{theirs}/test/app:1", is_target=False),
        Deployed("container", "beta-w1", "app", app, is_target=True),
    )


def push_first_images(lab: Lab) -> None:
    """Fill both registries with version 1 of everything that runs."""
    for registry in lab.registries:
        for repository, tag in (
            ("test/app", "1"),
            ("test/app", "2"),
            ("my/test/app", "1"),
            ("test/idle", "1"),
        ):
            registry.push(repository, tag, good("1"))


def deploy(lab: Lab, wished: tuple[Deployed, ...] = ()) -> tuple[Deployed, ...]:
    """Start what is wished, or everything; return it when all of it runs."""
    deployed = wished or everything(lab)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: _start(lab.host(one.host), one), deployed))
        list(pool.map(lambda one: _wait_until_running(lab.host(one.host), one), deployed))
    return deployed


def state_of(lab: Lab, one: Deployed) -> dict[str, Any]:
    """What the engine says that runs, in the few words that tell whether it was touched, and what runs in it."""
    host = lab.host(one.host)
    if one.kind == "service":
        service = json.loads(host.docker("service", "inspect", one.name))[0]
        image = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
        tasks = host.docker("service", "ps", "--no-trunc", "--format", "{{json .}}", one.name)
        running = [json.loads(line) for line in tasks.splitlines()]
        images = [task["Image"] for task in running if task["CurrentState"].startswith("Running")]
        return {"image": image, "spec": service["Spec"], "id": service["ID"], "running": images}
    container = json.loads(host.docker("inspect", one.name))[0]
    digests = json.loads(host.docker("image", "inspect", container["Image"]))[0]["RepoDigests"]
    running = [container["Config"]["Image"]] if container["State"]["Running"] else []
    return {
        "image": container["Config"]["Image"],
        "digests": digests,
        "id": container["Id"],
        "started": container["State"]["StartedAt"],
        "running": running,
    }


def runs_exactly(lab: Lab, one: Deployed, digest: str) -> bool:
    """Tell whether all of a service's tasks, or the container, run the image name and exactly this digest."""
    state = state_of(lab, one)
    if one.kind == "service":
        pinned = f"{one.image}@{digest}"
        return bool(state["image"] == pinned and state["running"] == [pinned] * one.replicas)
    repository = one.image.rpartition(":")[0]
    return bool(state["running"] == [one.image] and f"{repository}@{digest}" in state["digests"])


def _start(host: Host, one: Deployed) -> None:
    labels: Iterable[str] = ("--label", _OPT_IN) if one.labelled else ()
    if one.kind == "service":
        settings = ("--detach", "--replicas", str(one.replicas), "--update-monitor", "2s", "--name", one.name)
        host.docker("service", "create", *settings, *labels, *one.options, one.image, timeout=120)
    else:
        host.docker(
            "run",
            "--detach",
            "--restart",
            "unless-stopped",
            "--name",
            one.name,
            *labels,
            *one.options,
            one.image,
            timeout=120,
        )


def _wait_until_running(host: Host, one: Deployed) -> None:
    def is_running() -> bool:
        if one.kind == "container":
            return host.docker("inspect", "--format", "{{.State.Running}}", one.name).strip() == "true"
        listed = host.docker(
            "service", "ls", "--filter", f"name={one.name}", "--format", "{{.Name}} {{.Replicas}}"
        )
        return f"{one.name} {one.replicas}/{one.replicas}" in listed.splitlines()

    until(is_running, who=one.key, what="runs", deadline=120, pause=0.5)
