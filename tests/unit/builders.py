"""Short ways to say what the tests are about: digests, moments, targets, hosts, scans."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.core.fleet.reports import HostReport, read_report
from registry_docker_updater.core.fleet.targets import Kind, Target, container_key, service_key
from registry_docker_updater.core.references import Reference
from registry_docker_updater.core.rollouts.desired import DesiredImage, PushedName
from registry_docker_updater.core.rollouts.outcomes import TargetOutcome
from registry_docker_updater.core.rollouts.rollout import Rollout, RolloutState
from registry_docker_updater.core.runs import conclusion
from registry_docker_updater.core.runs.reading import ReportedOutcome, read
from registry_docker_updater.core.runs.results import ModuleResult

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OLD, NEW, NEWER = ("sha256:" + mark * 64 for mark in "abc")
HOST = "registry.example.com"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def host(name: str, asked_at: datetime = NOON, error: str | None = None, **more: Any) -> Host:
    return Host(name, asked_at, error, **more)


def container(
    name: str = "web",
    on: str = "solo",
    image: str = f"{HOST}/test/app:1",
    digest: str = OLD,
    since: datetime = NOON,
) -> Target:
    return Target(
        key=container_key(on, name),
        kind=Kind.CONTAINER,
        id=f"id-of-{name}",
        name=name,
        place=f"host {on}",
        hosts=(on,),
        image=image,
        reference=Reference.parse(image),
        digests=frozenset((digest,)),
        since=since,
    )


def service(
    name: str = "api",
    managers: tuple[str, ...] = ("m1", "m2", "m3"),
    image: str = f"{HOST}/test/app:1",
    digest: str = OLD,
    since: datetime = NOON,
) -> Target:
    return Target(
        key=service_key(f"id-of-{name}"),
        kind=Kind.SERVICE,
        id=f"id-of-{name}",
        name=name,
        place=f"swarm of {managers[0]}",
        hosts=managers,
        image=image,
        reference=Reference.parse(image),
        digests=frozenset((digest,)),
        since=since,
    )


def labelled(target: Target, /, **labels: str) -> Target:
    """A target with labels, of whose names `_` stands for `-`."""
    named = ((name.replace("_", "-"), value) for name, value in labels.items())
    return replace(target, labels=tuple(sorted(named)))


def fleet(*targets: Target, hosts: tuple[Host, ...] = ()) -> Fleet:
    known = {name: host(name) for target in targets for name in target.hosts}
    return Fleet({**known, **{one.name: one for one in hosts}}, {target.key: target for target in targets})


def whole(known: Fleet) -> FleetChange:
    """All of a fleet, as what is new of it."""
    return FleetChange(known.hosts, known.targets)


def desired(digest: str = NEW, push: int = 1, received_at: datetime = at(60), tag: str = "1") -> DesiredImage:
    return DesiredImage(push, "production", (HOST,), "test/app", tag, digest, received_at)


def rollout(
    state: RolloutState, due_at: datetime | None = None, push: int = 1, runs: int = 1, **more: Any
) -> Rollout:
    """The rollout of a push of :func:`desired`."""
    values = {"id": 7, "created_at": at(60), "ended_at": at(100), **more}
    name = PushedName("production", "test/app", "1")
    image = f"{HOST}/test/app:1"
    return Rollout(push=push, name=name, image=image, state=state, runs=runs, due_at=due_at, **values)


def seen(
    kind: str, name: str, digest: str | None = OLD, age: float | None = 100, **more: Any
) -> dict[str, Any]:
    """One target as the module ``targets_info`` returns it."""
    return {
        "kind": kind,
        "id": f"id-of-{name}",
        "name": name,
        "image": f"{HOST}/test/app:1",
        "reference": f"{HOST}/test/app:1",
        "digests": [digest] if digest else [],
        "state": "running",
        "age": age,
        **more,
    }


def scan(
    name: str,
    *targets: dict[str, Any],
    swarm: str | None = None,
    manager: bool = False,
    warnings: tuple[str, ...] = (),
) -> HostReport:
    said = {
        "engine": {"version": "28.0.0"},
        "swarm": {"id": swarm, "manager": manager} if swarm else None,
        "targets": list(targets),
        "warnings": list(warnings),
    }
    return HostReport(name, read_report(said))


def outcome_of(result: ModuleResult, expected: Mapping[str, Target]) -> TargetOutcome | None:
    """The outcome that a result says, of the target that it is about; ``expected`` has targets by each of their keys."""
    said = (one for one in read(result) if isinstance(one, ReportedOutcome))
    return next((conclusion.outcome_of(one, expected) for one in said), None)


def conclude(
    expected: Iterable[Target],
    known: Mapping[str, TargetOutcome],
    results: Iterable[ModuleResult],
    ended: str | None,
) -> tuple[TargetOutcome, ...]:
    """What became of ``expected`` targets in a run with these results."""
    readings = (reading for result in results for reading in read(result))
    return conclusion.conclude(expected, known, readings, ended)


def silence(name: str, error: str = "no route to host") -> HostReport:
    return HostReport(name, None, error)
