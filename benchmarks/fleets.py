# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - part of a program, not of a package
"""The fleets that are updated: a lab with targets of one image name."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from demo.updater import Updater
from lab import HostSpec, Lab, LabSpec, RegistrySpec, SwarmSpec, images

REPOSITORY, SETTLE = "bench/app", 1
_REGISTRY = (RegistrySpec("registry"),)

# One container after the other, as somebody would write it who trusts the image.
CONTAINERS_SCRIPT = """
image=$1; shift
docker pull --quiet "$image" >/dev/null
for name in "$@"; do
  docker rename "$name" "$name-old"
  docker create --name "$name" --label registry-docker-updater=true "$image" >/dev/null
  docker stop "$name-old" >/dev/null
  docker start "$name" >/dev/null
  docker rm "$name-old" >/dev/null
done
"""
SERVICE_SCRIPT = 'docker service update --quiet --image "$1" "$2" >/dev/null'


class Fleet:
    """Targets of one image name in a lab, with the operator that is to update them."""

    script = ""
    targets = 0

    def __init__(self, lab: Lab) -> None:
        self.lab, self.updater = lab, Updater(lab)
        self.image = f"{lab.registry().address}/{REPOSITORY}:1"
        self._versions = iter(range(1, 10_000))
        self.push()

    def push(self) -> str:
        """Put another image under the name, and return its digest."""
        return self.lab.registry().push(REPOSITORY, "1", images.good(str(next(self._versions))))

    @property
    def asked(self) -> Sequence[Any]:
        """The hosts on which the script runs."""
        return self.lab.hosts

    @property
    def arguments(self) -> str:
        """What the script is told."""
        raise NotImplementedError

    def running(self) -> Iterator[Any]:
        """Yield every container that is a target, or a part of one, with its engine."""
        raise NotImplementedError

    def last_start(self) -> float:
        """When the last container started, in seconds since the epoch; every one runs what was pushed last."""
        wanted = self.lab.registry().digest(REPOSITORY, "1")
        moments = []
        for engine, container in self.running():
            known = engine.images.get(container.attrs["Image"]).attrs["RepoDigests"]
            if not any(one.endswith(f"@{wanted}") for one in known):
                raise SystemExit(f"{container.name} does not run {wanted}")
            started = container.attrs["State"]["StartedAt"]
            moments.append(datetime.fromisoformat(started).timestamp())
        return max(moments)


class Containers(Fleet):
    """Hosts with the same containers."""

    script = CONTAINERS_SCRIPT

    def __init__(self, lab: Lab, containers: int) -> None:
        super().__init__(lab)
        self.names = [f"app-{number}" for number in range(1, containers + 1)]
        self.targets = containers * len(lab.hosts)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._fill, lab.hosts))

    def _fill(self, host: Any) -> None:
        for name in self.names:
            host.docker("run", "-d", "--name", name, "--label", "registry-docker-updater=true", self.image)

    @property
    def arguments(self) -> str:
        """The image, and the containers."""
        return " ".join((self.image, *self.names))

    def running(self) -> Iterator[Any]:
        """Yield the containers."""
        for host in self.lab.hosts:
            engine = host.api()
            for name in self.names:
                yield engine, engine.containers.get(name)


class Service(Fleet):
    """A swarm with one service of three replicas."""

    script = SERVICE_SCRIPT
    targets = 1

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        opted_in = ("--label", "registry-docker-updater=true", "--update-monitor", f"{SETTLE}s")
        self.asked[0].docker(
            "service", "create", "--quiet", "--name", "app", "--replicas", "3", *opted_in, self.image
        )

    @property
    def asked(self) -> Sequence[Any]:
        """The first manager."""
        return self.lab.hosts[:1]

    @property
    def arguments(self) -> str:
        """The image, and the service."""
        return f"{self.image} app"

    def running(self) -> Iterator[Any]:
        """Yield the containers of the replicas."""
        for host in self.lab.hosts:
            engine = host.api()
            for one in engine.containers.list(filters={"label": "com.docker.swarm.service.name=app"}):
                yield engine, one


@contextmanager
def running(kind: str) -> Iterator[Fleet]:
    """Have a fleet as it is named: 10x4, or swarm."""
    hosts, _, containers = kind.partition("x")
    if kind == "swarm":
        with Lab.running(
            LabSpec("updates", swarms=(SwarmSpec("swarm", managers=3, suite="trixie"),), registries=_REGISTRY)
        ) as lab:
            yield Service(lab)
    else:
        named = tuple(HostSpec(f"host-{number}", "trixie") for number in range(1, int(hosts) + 1))
        with Lab.running(LabSpec("updates", named, registries=_REGISTRY)) as lab:
            yield Containers(lab, int(containers))
