# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001, S101, S311, T201 - a program, not a package
"""How long it takes to match a push, to plan after a scan, and to tell whether all is well, with 10,000 hosts and 200,000 targets.

    PYTHONPATH=tests python benchmarks/planning.py [--hosts 10000] [--images 2000] [--rounds 20]

The fleet is made up in memory; what is timed is the operator's own code that works on it, and nothing of Ansible; of the
database only what telling how all is reads of it.
"""

import argparse
import itertools
import random
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.core.fleet.merging import change_after_report
from registry_docker_updater.core.fleet.reports import HostReport, read_report
from registry_docker_updater.core.fleet.targets import ImageName, Target
from registry_docker_updater.core.rollouts.desired import DesiredImage
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.outlook import overview
from registry_docker_updater.core.rollouts.planner import open_targets, plan
from registry_docker_updater.core.schedules.registries import KnownRegistry
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.now import CurrentStatus
from registry_docker_updater.views.registries import CurrentRegistries
from unit.builders import HOST, NOON, container

_TARGETS_A_HOST = 20
_SLICE = 25


def digest(image: int, version: int) -> str:
    """Return the digest of a version of an image."""
    return f"sha256:{image:032x}{version:032x}"


def answer(targets: list[Target]) -> dict[str, object]:
    """Return what a host with these targets answers to a scan."""
    seen = [
        {
            "kind": "container",
            "id": one.id,
            "name": one.name,
            "image": one.image,
            "reference": one.image,
            "digests": sorted(one.digests),
            "state": "running",
            "age": 1000,
        }
        for one in targets
    ]
    return {"engine": {"version": "28"}, "swarm": None, "targets": seen, "warnings": []}


def timed(rounds: int, work: Callable[[], object]) -> list[float]:
    """Return the milliseconds of each of ``rounds`` runs."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return times


def main() -> None:
    """Make the fleet up, time, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    chance = random.Random(1)

    began = time.perf_counter()
    on_host = {
        f"host{number}": [
            container(
                f"c{one}",
                f"host{number}",
                f"{HOST}/team/app{image}:1",
                digest(image, 1),
                NOON - timedelta(days=1),
            )
            for one, image in enumerate(chance.choices(range(given.images), k=_TARGETS_A_HOST))
        ]
        for number in range(given.hosts)
    }
    fleet = Fleet(
        {name: Host(name, NOON) for name in on_host},
        {one.key: one for targets in on_host.values() for one in targets},
    )
    desired = [
        DesiredImage(image + 1, "production", (HOST,), f"team/app{image}", "1", digest(image, 1), NOON)
        for image in range(given.images)
    ]
    plan(desired, fleet.changed(FleetChange()), History(), NOON)
    print(
        f"{len(fleet.hosts)} hosts, {len(fleet.targets)} targets of {given.images} images,"
        f" made up in {time.perf_counter() - began:.1f} s; milliseconds, of {given.rounds}"
    )

    def after_push() -> None:
        image = chance.randrange(given.images)
        pushed = [
            *desired,
            DesiredImage(10**6, "production", (HOST,), f"team/app{image}", "1", digest(image, 2), NOON),
        ]
        open_targets(pushed, fleet)
        assert plan(pushed, fleet, History(), NOON).start

    names = sorted(on_host)
    answers = iter([(name, answer(on_host[name])) for name in chance.sample(names, _SLICE * given.rounds)])

    def after_scan() -> None:
        nonlocal fleet
        for host, said in itertools.islice(answers, _SLICE):
            report = HostReport(host, read_report(said), at=NOON)
            fleet = fleet.changed(change_after_report(fleet, report, NOON))
        open_targets(desired, fleet)
        assert not plan(desired, fleet, History(), NOON).start

    def match() -> None:
        assert fleet.running(ImageName.of_push((HOST,), f"team/app{chance.randrange(given.images)}", "1"))

    storage, soon = Storage(Database(Path(":memory:"))), NOON + timedelta(seconds=30)
    registries = CurrentRegistries(
        storage, {"production": KnownRegistry("harbor", (HOST,))}, dict, lambda: NOON
    )

    def tell(lost: int, *newer: DesiredImage) -> Callable[[], object]:
        """Return what tells how a fleet is of which so many hosts do not answer, and some images have newer pushes."""
        silent = dict(
            itertools.islice(((name, Host(name, NOON, "no route to host")) for name in names), lost)
        )
        seen = fleet.changed(FleetChange(silent))
        whole = overview(seen, [*desired[len(newer) :], *newer], [HOST], History(), soon)
        return CurrentStatus(storage, lambda: whole, registries, timedelta(minutes=1), running=dict)

    pushed = [
        DesiredImage(10**6 + image, "production", (HOST,), f"team/app{image}", "1", digest(image, 2), NOON)
        for image in range(given.images)
    ]
    print(f"{'what':<54}{'median':>10}{'longest':>10}")
    for what, work in (
        ("find the targets of one push", match),
        ("plan everything after one push", after_push),
        (f"merge the answers of {_SLICE} hosts, and plan everything", after_scan),
        ("tell how all is, where nothing is wrong", tell(0)),
        ("tell how all is, where no host answers", tell(given.hosts)),
        ("tell how all is, where every target is behind", tell(0, *pushed)),
    ):
        times = timed(given.rounds, work)
        print(f"{what:<54}{statistics.median(times):>10.3f}{max(times):>10.3f}")


if __name__ == "__main__":
    main()
