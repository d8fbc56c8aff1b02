# SPDX-License-Identifier: Apache-2.0
"""What a lab shall be: frozen, checked when made, and the same every time it is read.

Everything that can be known before a lab is up stands here: names, suites and addresses.
"""

import dataclasses
import hashlib
import ipaddress
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

SUITES = ("trixie", "bookworm")
"""The Debian releases hosts alternate between when none is asked for: Docker 26.1 and 20.10."""

KNOWN_SUITES = (*SUITES, "sid")

ENGINE, CONTROL = "engine", "control"
"""What a host is for: to run a Docker engine, or to be a machine with systemd and without one."""

FIRST_HOST = 10
LAST_HOST = 254
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,29}[a-z0-9])?")
_TEST_RANGE = ipaddress.ip_network("198.18.0.0/15")  # set aside for tests by RFC 2544


def network_of(lab: str) -> ipaddress.IPv4Network:
    """The /24 of the lab of this name: always the same, and most likely another one for another name."""
    number = int.from_bytes(hashlib.sha256(lab.encode()).digest()[:4], "big") % 512
    return ipaddress.IPv4Network((int(_TEST_RANGE.network_address) + number * 256, 24))


def is_name(name: str) -> bool:
    """Tell if `name` can be that of a lab, a host, a swarm or a registry."""
    return _NAME.fullmatch(name) is not None


def check_name(kind: str, name: str) -> None:
    """Raise `ValueError` unless `name` can be part of a host name, an interface and a path."""
    if not is_name(name):
        raise ValueError(f"{kind} {name!r}: up to 31 lower-case letters, digits and inner hyphens")


def _check_suite(suite: str | None) -> None:
    if suite is not None and suite not in KNOWN_SUITES:
        raise ValueError(f"suite {suite!r}: known are {', '.join(KNOWN_SUITES)}")


@dataclass(frozen=True)
class HostSpec:
    """A host. Without a suite it gets the next one in turn of `SUITES`. `kind` is `ENGINE` or `CONTROL`."""

    name: str
    suite: str | None = None
    kind: str = ENGINE

    def __post_init__(self) -> None:
        check_name("host", self.name)
        _check_suite(self.suite)
        if self.kind not in (ENGINE, CONTROL):
            raise ValueError(f"host {self.name}: kind {self.kind!r}: known are {ENGINE} and {CONTROL}")


@dataclass(frozen=True)
class SwarmSpec:
    """A swarm. Its hosts are called `<name>-m1`… and `<name>-w1`….

    `suite` is that of every node, or one for each (managers first), or none: then they take turns.
    """

    name: str
    managers: int = 1
    workers: int = 0
    suite: str | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check_name("swarm", self.name)
        if self.managers < 1 or self.workers < 0:
            raise ValueError(f"swarm {self.name}: at least one manager, and no fewer than no workers")
        if isinstance(self.suite, tuple) and len(self.suite) != self.managers + self.workers:
            raise ValueError(f"swarm {self.name}: {len(self.suite)} suites for {len(self.node_names)} nodes")
        for suite in self.suite if isinstance(self.suite, tuple) else (self.suite,):
            _check_suite(suite)

    @property
    def manager_names(self) -> tuple[str, ...]:
        return tuple(f"{self.name}-m{number}" for number in range(1, self.managers + 1))

    @property
    def worker_names(self) -> tuple[str, ...]:
        return tuple(f"{self.name}-w{number}" for number in range(1, self.workers + 1))

    @property
    def node_names(self) -> tuple[str, ...]:
        return self.manager_names + self.worker_names

    @property
    def nodes(self) -> tuple[HostSpec, ...]:
        suites = self.suite if isinstance(self.suite, tuple) else itertools.repeat(self.suite)
        return tuple(HostSpec(name, suite) for name, suite in zip(self.node_names, suites, strict=False))


@dataclass(frozen=True)
class Endpoint:
    """Where a registry sends its notifications. `authorization` is the value of that header, if any."""

    name: str
    url: str
    authorization: str = ""


@dataclass(frozen=True)
class RegistrySpec:
    """A registry on the lab's own address. With a user it refuses everybody else."""

    name: str
    port: int = 5000
    endpoints: tuple[Endpoint, ...] = ()
    username: str = ""
    password: str = ""

    def __post_init__(self) -> None:
        check_name("registry", self.name)
        if not 0 < self.port < 65536:
            raise ValueError(f"registry {self.name}: {self.port} is no port")


@dataclass(frozen=True)
class PlannedHost:
    """A host with all that the lab decided about it."""

    name: str
    suite: str
    address: str
    kind: str = ENGINE


@dataclass(frozen=True)
class LabSpec:
    """A whole lab. Raises `ValueError` for names that clash, and for more hosts than addresses."""

    name: str
    hosts: tuple[HostSpec, ...] = ()
    swarms: tuple[SwarmSpec, ...] = ()
    registries: tuple[RegistrySpec, ...] = ()

    def __post_init__(self) -> None:
        check_name("lab", self.name)
        names = [host.name for host in self._all_hosts()]
        for kind, taken in (
            ("host", names),
            ("swarm", [swarm.name for swarm in self.swarms]),
            ("registry", [registry.name for registry in self.registries]),
            ("registry port", [str(registry.port) for registry in self.registries]),
        ):
            for one in taken:
                if taken.count(one) > 1:
                    raise ValueError(f"lab {self.name}: two with the same {kind}: {one}")
        if len(names) > LAST_HOST - FIRST_HOST + 1:
            raise ValueError(f"lab {self.name}: {len(names)} hosts do not fit in its /24")

    @property
    def network(self) -> ipaddress.IPv4Network:
        return network_of(self.name)

    @property
    def address(self) -> str:
        """The address of the outer machine in the lab: of registries, and of listeners in tests."""
        return str(self.network[1])

    @property
    def planned_hosts(self) -> tuple[PlannedHost, ...]:
        """Every host, standalone ones first, with its suite and its address."""
        turns = itertools.cycle(SUITES)
        return tuple(
            PlannedHost(
                host.name, host.suite or next(turns), str(self.network[FIRST_HOST + number]), host.kind
            )
            for number, host in enumerate(self._all_hosts())
        )

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        raw: dict[str, Any] = json.loads(text)
        return cls(
            name=raw["name"],
            hosts=tuple(HostSpec(**host) for host in raw["hosts"]),
            swarms=tuple(
                SwarmSpec(**{**swarm, "suite": _suites_from_json(swarm["suite"])}) for swarm in raw["swarms"]
            ),
            registries=tuple(
                RegistrySpec(**{**one, "endpoints": tuple(Endpoint(**end) for end in one["endpoints"])})
                for one in raw["registries"]
            ),
        )

    def _all_hosts(self) -> Iterator[HostSpec]:
        yield from self.hosts
        for swarm in self.swarms:
            yield from swarm.nodes


def _suites_from_json(suite: str | list[str] | None) -> str | tuple[str, ...] | None:
    return tuple(suite) if isinstance(suite, list) else suite
