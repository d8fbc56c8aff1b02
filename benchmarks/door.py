# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001, T201 - a program, not a package
"""How many events the operator takes, how soon it answers them, and what one costs, beside a door that keeps nothing.

    PYTHONPATH=tests python benchmarks/door.py [--seconds 10] [--write docs/performance.md]

The operator runs as a whole, with a fleet of nothing; what sends is a process of its own on the same machine. Each
event is a push of its own, of one of 800 names.
"""

import argparse
import asyncio
import json
import multiprocessing
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml
from pages import show

from lab.waiting import until
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.events.pushes import Push
from registry_docker_updater.storage.arrivals import Arrived
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage

KNOWN = 50_000
_NAMES, _TAGS = 20, 40
_SECRET = "a-secret-of-the-benchmark"  # noqa: S105 - it opens nothing
_HEAD = (
    "POST /events/registry HTTP/1.1\r\nHost: operator\r\nAuthorization: Bearer {secret}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
)


@dataclass(frozen=True)
class Measured:
    """Answers in a second, the 50th and 99th percentile of their times in ms, the longest, and every status."""

    rate: float
    median: float
    late: float
    longest: float
    statuses: dict[int, int]


def event(key: str, number: int) -> bytes:
    """Return an event of Distribution as one sends it."""
    target = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "size": 1527,
        "digest": f"sha256:{number:064x}",
        "repository": f"team/app-{number % _NAMES}",
        "url": f"http://registry.example.com/v2/team/app/manifests/sha256:{number:064x}",
        "tag": f"v{number // _NAMES % _TAGS}",
    }
    one = {
        "id": key,
        "timestamp": "2026-11-22T10:59:05.514908490Z",
        "action": "push",
        "target": target,
        "request": {"id": key, "addr": "192.0.2.7:49360", "host": "registry.example.com", "method": "PUT"},
        "actor": {"name": "ci"},
        "source": {"addr": "registry:5000", "instanceID": key},
    }
    return json.dumps({"events": [one]}).encode()


async def send(port: int, connections: int, seconds: float, mark: str) -> Measured:
    """Send one event after the other over each of so many connections."""
    times: list[float] = []
    statuses = Counter[int]()
    end = time.perf_counter() + seconds

    async def through(connection: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = connection
        while time.perf_counter() < end:
            body = event(f"{mark}-{number}", number)
            begun = time.perf_counter()
            writer.write(_HEAD.format(secret=_SECRET, length=len(body)).encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            times.append(time.perf_counter() - begun)
            statuses[int(head[9:12])] += 1
            number += connections
        writer.close()

    await asyncio.gather(*(through(one) for one in range(connections)))
    times.sort()
    return Measured(
        len(times) / seconds,
        times[len(times) // 2] * 1000,
        times[len(times) * 99 // 100] * 1000,
        times[-1] * 1000,
        dict(statuses),
    )


def sent(port: int, connections: int, seconds: float, mark: str) -> Measured:
    """Have a process of its own send."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_sent, (port, connections, seconds, mark))


def _sent(port: int, connections: int, seconds: float, mark: str) -> Measured:
    return asyncio.run(send(port, connections, seconds, mark))


@contextmanager
def operator(folder: Path, known: int) -> Iterator[psutil.Popen]:
    """Have an operator run that knows so many names already."""
    folder.mkdir()
    (folder / "secret").write_text(_SECRET)
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {}}}))
    registry = {
        "format": "distribution",
        "hosts": ["registry.example.com"],
        "secret": {"file": "secret"},
        "url": "http://127.0.0.1:9",
    }
    settings = {
        "listen": {"address": "127.0.0.1", "port": 0},
        "state_directory": "state",
        "registries": {"registry": registry},
        "fleet": {"inventory": "hosts.yml", "scan_interval": "1h"},
    }
    (folder / "config.yml").write_text(yaml.safe_dump(settings))
    (folder / "state").mkdir()
    database = Database(folder / "state" / "updater.db")
    now = utc_now()
    pushes = [
        Push(
            "registry", f"known/{number // 50}", f"v{number % 50}", f"sha256:{number:064x}", now, f"{number}"
        )
        for number in range(known)
    ]
    Storage(database).events.record_all([Arrived("registry", pushes, now)])
    database.close()
    with serving(
        folder, "-m", "registry_docker_updater", "--config", str(folder / "config.yml"), "serve"
    ) as it:
        yield it


@contextmanager
def keeping_nothing(folder: Path, _known: int) -> Iterator[psutil.Popen]:
    """Have the same door stand alone, which reads events, keeps none, and says that it did."""
    folder.mkdir()
    with serving(folder, str(Path(__file__)), "--keep-nothing") as it:
        yield it


@contextmanager
def serving(folder: Path, *command: str) -> Iterator[psutil.Popen]:
    """Have something listen; where, it says in its log."""
    with (folder / "log").open("w") as log:
        process = psutil.Popen([sys.executable, *command], stdout=log, stderr=subprocess.STDOUT)
    try:
        until(lambda: bool(port_of(folder)), who="the door", what="listens", deadline=60, log=folder / "log")
        url = f"http://127.0.0.1:{port_of(folder)}/readyz"
        until(lambda: requests.get(url, timeout=10).ok, who="the door", what="is ready", deadline=60)
        yield process
    finally:
        process.terminate()
        process.wait()


def port_of(folder: Path) -> int:
    """Return the port that is listened on, once the log has it; else 0."""
    found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", (folder / "log").read_text())
    return int(found[1]) if found else 0


def serve_and_keep_nothing() -> None:
    """Be the door that keeps nothing."""
    from registry_docker_updater.core.events.formats import FORMATS  # noqa: PLC0415 - the sender needs none of it
    from registry_docker_updater.http.access import Access, AccessGuard  # noqa: PLC0415
    from registry_docker_updater.http.api import Api  # noqa: PLC0415
    from registry_docker_updater.http.application import application  # noqa: PLC0415
    from registry_docker_updater.http.entrance import Listening  # noqa: PLC0415
    from registry_docker_updater.http.guard import DeliveryGuard, Source  # noqa: PLC0415
    from registry_docker_updater.http.receiver import Receiver  # noqa: PLC0415
    from registry_docker_updater.http.refusals import Refusals  # noqa: PLC0415
    from registry_docker_updater.http.server import Server  # noqa: PLC0415
    from registry_docker_updater.http.together import Together  # noqa: PLC0415
    from registry_docker_updater.storage.arrivals import Recorded  # noqa: PLC0415

    guard = DeliveryGuard({"registry": Source("registry", FORMATS["distribution"], (_SECRET,))}, 2**23)
    refusals = Refusals(time.monotonic)
    receiver = Receiver(guard, lambda _: None, lambda _: None, utc_now, refusals)
    # Of it, only whether it works is asked.
    nothing: Any = None
    api = Api(nothing, nothing, lambda: None, "")
    endpoints = (*receiver.endpoints(), *api.probes())
    together = Together(
        application(endpoints, AccessGuard(Access()), refusals),
        lambda some: [Recorded(len(one.found), 0, 0) for one in some],
    )
    server = Server(together, guard, Listening("127.0.0.1", 0))
    server.start()
    print(f"listening on http://127.0.0.1:{server.port}", flush=True)
    time.sleep(3600)


def rows(seconds: float) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| events | connections | a second | median, ms | 99 of 100 within, ms | longest, ms | processor an event, ms | memory, MB |"
    yield "|---|---|---|---|---|---|---|---|"
    places = (
        ("kept in no place", keeping_nothing, 0),
        ("committed", operator, 0),
        (f"committed, {KNOWN:,} tags known", operator, KNOWN),
    )
    with tempfile.TemporaryDirectory(prefix="rdu-") as folder:
        for number, (what, place, known) in enumerate(places):
            with place(Path(folder) / str(number), known) as process:
                port = port_of(Path(folder) / str(number))
                sent(port, 4, 1, "warm")
                for connections in (1, 16, 64):
                    before = process.cpu_times()
                    found = sent(port, connections, seconds, f"{connections}")
                    if set(found.statuses) != {202}:
                        raise SystemExit(f"not all was kept: {found.statuses}")
                    after = process.cpu_times()
                    cost = after.user + after.system - before.user - before.system
                    yield (
                        f"| {what} | {connections} | {found.rate:.0f} | {found.median:.1f} | {found.late:.1f}"
                        f" | {found.longest:.0f} | {cost / found.rate / seconds * 1000:.2f}"
                        f" | {process.memory_info().rss / 2**20:.0f} |"
                    )


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--keep-nothing", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.keep_nothing:
        serve_and_keep_nothing()
        return
    show(rows(given.seconds), given.write, "door")


if __name__ == "__main__":
    main()
