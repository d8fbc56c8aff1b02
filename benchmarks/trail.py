# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001, T201 - a program, not a package
"""What the trail costs: with an event, with a rollout, in bytes, and to check all of it.

    PYTHONPATH=tests python benchmarks/trail.py [--seconds 6] [--rounds 3] [--write docs/performance.md]

Events are sent to two operators in turn, of which one appends no entries. Rollouts are of real fleets in a lab. What is checked is a
database of 100,000 entries and 10,000 kept runs, made for it.
"""

import argparse
import json
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from door import operator, port_of, sent, serving
from fleets import running
from pages import show
from tools import operator as rolling_out

from lab import Lab
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.core.fleet.targets import Kind, Target, container_key
from registry_docker_updater.core.references import Reference
from registry_docker_updater.core.rollouts.lifecycle import RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import RetryPolicy
from registry_docker_updater.edges.runs.kept_runs import digest_of
from registry_docker_updater.edges.runs.packing import ProcessEnd, pack
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage

ENTRIES, RUNS = 100_000, 10_000
_CONNECTIONS = 16
# Three of an entry's columns are hashes and the time; what SQLite and its indexes take comes on top.
_HEADER = 200
# The operator, but for the entries of events.
_WITHOUT = (
    "from registry_docker_updater.storage import arrivals; arrivals.append_all = lambda *_: None;"
    " from registry_docker_updater.cli.main import main; raise SystemExit(main())"
)
_REGISTRY = "registry.example.com"


@contextmanager
def without_trail(folder: Path) -> Iterator[psutil.Popen]:
    """Have an operator run that appends nothing for events, on the settings of the other."""
    with serving(folder, "-c", _WITHOUT, "--config", str(folder / "config.yml"), "serve") as process:
        yield process


def events(seconds: float, rounds: int) -> Iterator[str]:
    """Yield what an entry adds to an event."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    costs: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds):
        for has_trail in (True, False):
            with tempfile.TemporaryDirectory(prefix="rdu-") as parent:
                folder = Path(parent) / "operator"
                with operator(folder, 0) as process:
                    if has_trail:
                        found = _measured(folder, process, seconds, f"{number}")
                if not has_trail:
                    shutil.rmtree(folder / "state")
                    (folder / "log").unlink()
                    with without_trail(folder) as process:
                        found = _measured(folder, process, seconds, f"{number}")
            rates[has_trail].append(found[0])
            costs[has_trail].append(found[1])
    rate, bare = statistics.median(rates[True]), statistics.median(rates[False])
    cost, bare_cost = statistics.median(costs[True]), statistics.median(costs[False])
    yield (
        f"| an event, {_CONNECTIONS} connections | {rate:.0f} a second beside {bare:.0f} without, {rate / bare - 1:+.1%};"
        f" {cost * 1000:.2f} ms of a processor beside {bare_cost * 1000:.2f}, {cost / bare_cost - 1:+.1%} |"
    )


def _measured(folder: Path, process: psutil.Popen, seconds: float, mark: str) -> tuple[float, float]:
    """Return how many events are taken in a second, and what one costs of a processor, in seconds."""
    port = port_of(folder)
    sent(port, 4, 1, "warm")
    before = process.cpu_times()
    found = sent(port, _CONNECTIONS, seconds, mark)
    after = process.cpu_times()
    return found.rate, (after.user + after.system - before.user - before.system) / found.rate / seconds


@dataclass(frozen=True)
class Kept:
    """What is kept of a rollout: bytes of its runs, and of its entries, how many these are, and how long it took in s."""

    runs: int
    trail: int
    entries: int
    took: float


def rollouts(kind: str, rounds: int) -> Iterator[str]:
    """Yield what is kept of a rollout of a real fleet, and what its entries cost."""
    with running(kind) as fleet, rolling_out(fleet) as tool:
        took = []
        for _ in range(rounds):
            begun = time.time()
            digest = fleet.push()
            _, done, _ = tool(fleet, digest)
            took.append(done - begun)
        kept = [_kept(fleet.updater.state, number, seconds) for number, seconds in enumerate(took, start=1)]
    one = kept[-1]
    append = _append_seconds()
    yield (
        f"| a rollout, hosts x containers: {kind} | {one.runs / 1000:.1f} kB of runs, {one.trail / 1000:.1f} kB of the trail in {one.entries}"
        f" entries; appending these {append * one.entries * 1000:.1f} ms of {one.took:.2f} s, {append * one.entries / one.took:.2%} |"
    )


def _kept(state: Path, rollout: int, took: float) -> Kept:
    with closing(sqlite3.connect(state / "updater.db")) as connection:
        (push,) = connection.execute("SELECT push FROM rollouts WHERE id = ?", (rollout,)).fetchone()
        contents = connection.execute(
            "SELECT content FROM trail WHERE rollout = ? OR event = ?", (rollout, push)
        ).fetchall()
    files = [path for path in (state / "runs" / str(rollout)).rglob("*") if path.is_file()]
    return Kept(
        sum(path.stat().st_size for path in files),
        sum(len(content) + _HEADER for (content,) in contents),
        len(contents),
        took,
    )


def _append_seconds() -> float:
    """Return what appending an entry to an open transaction takes."""
    storage = Storage(Database(Path(":memory:")))
    step = Step("target.ended", {"facts": "x" * 600}, 1, 1)
    with storage.transaction() as kept:
        begun = time.process_time()
        for _ in range(1000):
            kept.trail.append(step, utc_now())
        return (time.process_time() - begun) / 1000


def checking(folder: Path) -> Iterator[str]:
    """Yield how long checking everything takes."""
    settings = folder / "config.yml"
    (folder / "secret").write_text("a-secret-of-the-benchmark")
    (folder / "hosts.yml").write_text("all: {hosts: {}}\n")
    registry = {"format": "distribution", "hosts": [_REGISTRY], "secret": {"file": "secret"}}
    settings.write_text(
        json.dumps(
            {
                "state_directory": "state",
                "registries": {"registry": registry},
                "fleet": {"inventory": "hosts.yml"},
            }
        )
    )
    (folder / "state").mkdir()
    database = Database(folder / "state/updater.db")
    _fill(Storage(database), folder / "state/runs")
    database.close()
    command = [
        sys.executable,
        "-m",
        "registry_docker_updater",
        "--config",
        str(settings),
        "audit",
        "verify",
        "--json",
    ]
    begun = time.monotonic()
    process = psutil.Popen(command, stdout=subprocess.PIPE, text=True)
    largest = 0
    while process.poll() is None:
        try:
            largest = max(largest, process.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.05)
    took = time.monotonic() - begun
    answer = json.loads(process.communicate()[0])
    if not answer["holds"] or answer["entries"] < ENTRIES:
        raise SystemExit(f"not as it is to be: {answer}")
    size = (folder / "state/updater.db").stat().st_size
    yield (
        f"| `audit verify`, {answer['entries']:,} entries and {RUNS:,} kept runs | {took:.1f} s, {largest / 2**20:.0f} MB of memory;"
        f" the database has {size / 2**20:.0f} MB |"
    )


def _fill(storage: Storage, runs: Path) -> None:
    """Have rollouts with a kept run each, and events of which nothing came, until there are enough entries."""
    began = utc_now() - timedelta(days=30)
    retry = RetryPolicy(Backoff(timedelta(seconds=10), timedelta(seconds=80)), 1)
    packed = _packed(runs)
    for first in range(0, RUNS, 500):
        with storage.transaction() as kept:
            for number in range(first, first + 500):
                _roll_out(kept, runs, packed, number, began + timedelta(seconds=number), retry)
    left = ENTRIES - storage.trail.last_given()
    pushes = [
        Push("registry", f"other/{number % 500}", "1", f"sha256:{number:064x}", began, f"other {number}")
        for number in range(left)
    ]
    for begin in range(0, left, 1000):
        storage.events.record("registry", pushes[begin : begin + 1000], began + timedelta(seconds=begin))
    shutil.rmtree(packed)


def _packed(runs: Path) -> Path:
    """Return a run as one of a container is kept: 90 events, of which each has its own to say."""
    directory = runs / "template/update-1"
    directory.mkdir(parents=True)
    made = (
        {"uuid": uuid.uuid4().hex, "counter": n, "event": "runner_on_ok", "stdout": f"ok: {n}"}
        for n in range(90)
    )
    (directory / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in made))
    pack(directory, {"playbook": "update"}, ProcessEnd("successful", 0, utc_now()))
    return directory


def _roll_out(  # noqa: PLR0913, PLR0917 - what a rollout is made of
    kept: Storage, runs: Path, packed: Path, number: int, now: datetime, retry: RetryPolicy
) -> None:
    name = f"app/{number % 300}"
    (push,) = kept.events.record(
        "registry", [Push("registry", name, "1", f"sha256:{number:064x}", now, f"{number}", "ci")], now
    ).pushes
    image = f"{_REGISTRY}/{name}:1"
    key = container_key("host", f"app-{number % 300}")
    target = Target(
        key, Kind.CONTAINER, key, key, "host host", ("host",), image, Reference.parse(image), frozenset(), now
    )
    desired = kept.events.desired({"registry": (_REGISTRY,)}, after=number)[-1]
    actions.keep_matches(kept, {push: {key: "due"}}, [], desired.change, now)
    rollout = actions.begin_run(kept, Start(desired, (target,), ()), now)
    outcome = TargetOutcome(key, Kind.CONTAINER, key, "host host", Outcome.UPDATED, None, desired.digest)
    actions.keep_outcome(kept, rollout.id, desired.digest, outcome, now)
    where = f"{rollout.id}/update-1"
    shutil.copytree(packed, runs / where)
    left = {"kept_in": where, "manifest": digest_of(packed), "status": "successful", "exit_code": 0}
    actions.end_run(kept, rollout.id, RunEnd(desired.digest, (outcome,)), retry, now, left)


def table(seconds: float, rounds: int) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"{datetime.now().astimezone():%Y-%m-%d}, {platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}."
    yield ""
    yield "| what | measured |"
    yield "|---|---|"
    yield from events(seconds, rounds)
    with tempfile.TemporaryDirectory(prefix="rdu-") as folder:
        yield from checking(Path(folder))
    if Lab.why_not():
        print(Lab.why_not(), file=sys.stderr)
        return
    for kind in ("1x1", "40x1"):
        yield from rollouts(kind, rounds)


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    show(table(given.seconds, given.rounds), given.write, "trail")


if __name__ == "__main__":
    main()
