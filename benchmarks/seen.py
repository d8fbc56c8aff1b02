# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001, S311, T201 - a program, not a package
"""How long pages and answers of the API take in a large fleet, and what it costs the operator that a page is open.

    PYTHONPATH=tests python benchmarks/seen.py [--scale 1.0] [--rounds 40] [--write docs/performance.md]

There are 100,000 events, 10,000 rollouts, 10,000 hosts and 200,000 targets, made up and kept in a database; a process serves them as
the operator does. What is timed is a whole request of a client in another process.
"""

import argparse
import http.client
import itertools
import multiprocessing
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlencode

import psutil
from pages import show

from browser.filled import Filled, Served, served
from integration.keeping import ONCE
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.index import FleetChange
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.rollouts.lifecycle import RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.runs.results import TaskStart
from registry_docker_updater.storage import actions
from unit.builders import HOST, container

_TARGETS_A_HOST = 20
_FOLLOWED_SECONDS = 30.0


@dataclass(frozen=True)
class Size:
    """How much there is."""

    events: int
    rollouts: int
    hosts: int
    images: int = 2_000

    @classmethod
    def of(cls, scale: float) -> "Size":
        """Return a part of what the benchmark is about."""
        return cls(int(100_000 * scale), int(10_000 * scale), int(10_000 * scale))

    @property
    def targets(self) -> int:
        """How many targets there are."""
        return self.hosts * _TARGETS_A_HOST


def digest(image: int, version: int) -> str:
    """Return the digest of a version of an image."""
    return f"sha256:{image:032x}{version:032x}"


def fill(site: Filled, size: Size) -> None:
    """Make the fleet up, and what happened to it."""
    chance, now = random.Random(1), utc_now()
    targets: dict[str, Target] = {}
    for number in range(size.hosts):
        for n in range(_TARGETS_A_HOST - 1):
            image = chance.randrange(size.images)
            # One in twenty is behind.
            version = 1 if chance.random() < 0.05 else 2
            one = container(
                f"app{image}-{n}",
                f"host{number:05}.example.com",
                f"{HOST}/team{image % 40}/app{image}:1",
                digest(image, version),
                now - timedelta(days=9),
            )
            targets[one.key] = replace(one, state="running")
    hosts = {name: Host(name, now, engine="28.0.4") for one in targets.values() for name in one.hosts}
    for name in chance.sample(sorted(hosts), size.hosts // 100):
        hosts[name] = Host(name, now, "no route to host")
    site.storage.fleet.apply(FleetChange(hosts, targets))
    site.fleet = site.storage.fleet.load()
    began = now - timedelta(days=5)
    for first in range(0, size.events, 1000):
        at = began + timedelta(seconds=first)
        pushes = [
            Push(
                "production",
                f"team{n % size.images % 40}/app{n % size.images}",
                "1",
                digest(n % size.images, 2),
                at,
                f"{n}",
                f"person{n % 300}",
            )
            for n in range(first, min(first + 1000, size.events))
        ]
        site.storage.events.record("production", pushes, at)
    desired = list(site.storage.events.desired({"production": (HOST,)}))
    some = list(targets.values())
    fill_one(site, size.hosts)
    for number in range(size.rollouts - 1):
        at = now - timedelta(seconds=size.rollouts - number)
        pushed = replace(desired[number % len(desired)], push=size.events - size.rollouts + number + 1)
        chosen = tuple(some[(number * 3 + n) % len(some)] for n in range(3))
        rollout = actions.begin_run(site.storage, Start(pushed, chosen, ()), at)
        said = tuple(
            TargetOutcome(
                one.key,
                one.kind,
                one.name,
                one.place,
                Outcome.UPDATED if n else chance.choice((Outcome.UPDATED, Outcome.FAILED)),
                digest(1, 1),
                digest(1, 2),
                "no space left on device" if not n else None,
            )
            for n, one in enumerate(chosen)
        )
        actions.end_run(site.storage, rollout.id, RunEnd(pushed.digest, said, {}), ONCE, at)


def fill_one(site: Filled, count: int) -> None:
    """Have one rollout, the first, be for one more target of each of ``count`` hosts, of which one in a hundred failed."""
    at = utc_now() - timedelta(days=1)
    targets = [
        replace(
            container("everywhere", f"host{n:05}.example.com", f"{HOST}/team/everywhere:1", digest(9, 1), at),
            state="running",
        )
        for n in range(count)
    ]
    site.storage.fleet.apply(FleetChange(targets={one.key: one for one in targets}))
    site.fleet = site.storage.fleet.load()
    push = site.push("team/everywhere:1", digest(9, 2), "person1")
    (desired,) = [one for one in site.storage.events.desired({"production": (HOST,)}) if one.push == push]
    rollout = actions.begin_run(site.storage, Start(desired, tuple(targets), ()), at)
    with site.storage.transaction() as kept:
        for n, one in enumerate(targets):
            outcome = Outcome.UPDATED if n % 100 else Outcome.FAILED
            passed = {
                stage: at + timedelta(seconds=n % 60 + k) for k, stage in enumerate(("reached", "pulled"))
            }
            said = TargetOutcome(
                one.key,
                one.kind,
                one.name,
                one.place,
                outcome,
                digest(9, 1),
                digest(9, 2),
                stages=passed,
            )
            actions.keep_outcome(kept, rollout.id, desired.digest, said, at)
    actions.end_run(site.storage, rollout.id, RunEnd(desired.digest, (), {}), ONCE, at)


def serve(folder: str, size: Size, answers: Connection) -> None:
    """Serve a site in a process of its own: say where, and which rollout runs, and move that on until something is sent."""
    # For metrics a second is over with every request: a reading of a moment ago would serve them all.
    with served(Path(folder), steady=itertools.count().__next__) as site:
        fill(site, size)
        number = begin_running(site)
        key = next(iter(site.fleet.targets))
        answers.send((site.url, number, key))
        task = 0
        while not answers.poll(1.0):
            task += 1
            site.progress.task(
                number,
                TaskStart(site.progress.running[number].targets[0].hosts[0], f"task {task}"),
                utc_now(),
            )


def begin_running(site: Served) -> int:
    """Begin a rollout of a hundred targets; return its number."""
    push = site.push("team1/app1:1", digest(1, 3), "person1")
    (desired,) = [one for one in site.storage.events.desired({"production": (HOST,)}) if one.push == push]
    chosen = site.fleet.running(desired.image_names)[:100]
    start = Start(desired, tuple(chosen), ())
    rollout = actions.begin_run(site.storage, start, utc_now())
    site.progress.begin(start, rollout, utc_now())
    return rollout.id


def asked(size: Size, running: int, key: str) -> dict[str, str]:
    """Return what is asked for, by what it is."""
    some = f"host{size.hosts // 2:05}.example.com"
    return {
        "now": "/",
        "the fleet": "/fleet",
        "the fleet, sorted by the newest push": "/fleet?sort=pushed",
        "the fleet, sorted by verdict, downwards": "/fleet?sort=verdict&order=down",
        "what is behind, sorted by name": "/fleet?behind=yes&sort=name",
        "targets with a text in them": "/fleet?text=team7%2Fapp",
        "the last page of targets": f"/fleet?page={size.targets // 100}",
        "targets of one verdict": "/fleet?verdict=current&sort=image",
        "one target": f"/targets/{key}",
        "hosts": "/hosts",
        "hosts that do not answer": "/hosts?answers=no&sort=asked",
        "one host": f"/hosts/{some}",
        "swarms": "/swarms",
        "rollouts": "/rollouts",
        "rollouts with a text in them that none has": "/rollouts?text=nothing-like-it",
        "one rollout of many targets": "/rollouts/1",
        "one rollout that runs": f"/rollouts/{running}",
        "events": "/events",
        "events with a text in them that none has": "/events?text=nothing-like-it",
        "events of one person": "/events?actor=person7",
        "the trail": "/trail",
        "a search": "/search?text=app77",
        "API: status": "/api/v1/status",
        "API: targets": "/api/v1/targets",
        "API: targets that are behind": "/api/v1/targets?behind=true",
        "API: one target": f"/api/v1/targets/{key}",
        "API: hosts": "/api/v1/hosts",
        "API: rollouts": "/api/v1/rollouts",
        "API: one rollout": f"/api/v1/rollouts/{running}",
        "API: events": "/api/v1/events",
        "API: the trail": "/api/v1/trail",
        "metrics, read anew": "/metrics",
    }


@contextmanager
def serving(size: Size) -> Iterator[tuple[str, int, str, psutil.Process]]:
    """Serve a site: give its address, the rollout that runs, a target's key, and the process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=serve, args=(folder, size, theirs))
        process.start()
        began = time.monotonic()
        while not ours.poll(5):
            if not process.is_alive():
                raise SystemExit("the site could not be made")
        url, number, key = ours.recv()
        print(f"made up in {time.monotonic() - began:.0f} s", flush=True)
        try:
            yield url.removeprefix("http://"), number, key, psutil.Process(process.pid)
        finally:
            ours.send("end")
            process.join(30)


def times(address: str, path: str, rounds: int) -> list[float]:
    """Return how many milliseconds each of ``rounds`` requests took."""
    connection = http.client.HTTPConnection(address, timeout=60)
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        found.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise SystemExit(f"{path} was answered {answer.status}")
    connection.close()
    return found


def follow(address: str, path: str, topic: str, seconds: float) -> int:
    """Do as a page that is open does: fetch it again when it has changed, at most every two seconds; return how often."""
    fetched, last, end = 0, 0.0, time.monotonic() + seconds
    stream = http.client.HTTPConnection(address, timeout=60)
    stream.request("GET", "/live?" + urlencode({"topic": topic, "version": "old"}))
    answer = stream.getresponse()
    while time.monotonic() < end:
        if answer.readline() != b"event: changed\n":
            continue
        time.sleep(max(0.0, last + 2 - time.monotonic()))
        last = time.monotonic()
        times(address, path, 1)
        fetched += 1
    answer.close()
    stream.close()
    return fetched


def processor(process: psutil.Process, seconds: float) -> float:
    """Return which share of a processor the process takes, in per cent, over some seconds."""

    def taken() -> float:
        one = process.cpu_times()
        return one.user + one.system

    began = taken()
    time.sleep(seconds)
    return (taken() - began) / seconds * 100


def measured(size: Size, rounds: int) -> Iterator[str]:
    """Yield the lines of what is measured."""
    with serving(size) as (address, number, key, process):
        yield f"{size.events:,} events, {size.rollouts:,} rollouts, {size.hosts:,} hosts, {size.targets:,} targets; milliseconds, of {rounds} requests each"
        yield ""
        yield "| what | median | 95 of 100 within | longest |"
        yield "|---|---|---|---|"
        for what, path in asked(size, number, key).items():
            taken = sorted(times(address, path, rounds))
            within = taken[int(len(taken) * 0.95) - 1]
            yield f"| {what} | {statistics.median(taken):.0f} | {within:.0f} | {taken[-1]:.0f} |"
        alone = processor(process, _FOLLOWED_SECONDS)
        followed: list[int] = []
        path = f"/rollouts/{number}"
        follower = threading.Thread(
            target=lambda: followed.append(follow(address, path, f"rollout:{number}", _FOLLOWED_SECONDS + 2))
        )
        follower.start()
        share = processor(process, _FOLLOWED_SECONDS) - alone
        follower.join()
        memory = process.memory_info().rss / 2**20
        yield ""
        yield (
            f"A page that follows a rollout of 100 targets in which something happens every second, fetched again {followed[0]} times in"
            f" {_FOLLOWED_SECONDS:.0f} s, takes {share:.2f} % of a processor (nobody looks: {alone:.2f} %); the process has {memory:.0f} MiB."
        )


def main() -> None:
    """Measure, print, and write the table where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    show(measured(Size.of(given.scale), given.rounds), given.write, "seen")


if __name__ == "__main__":
    main()
