# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - part of a program, not of a package
"""What an operator costs that has nothing to do but to look at its hosts now and then."""

import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from fleets import Fleet
from tools import by_ssh, cost, serving

from lab.waiting import until

_REST_SECONDS, _OFTEN_SECONDS = 20, 30
_ROUNDS = 5
_SCANNED = re.compile(r"scanned (\d+) hosts for ([\d.]+) s of a processor")


def at_rest(fleet: Fleet, names: int) -> str:
    """Say what an operator costs that knows the hosts of a fleet under so many names, each with connections of its own."""
    connecting = statistics.median(by_ssh(fleet, "true")[2] for _ in range(_ROUNDS)) / len(fleet.asked)
    with _serving(fleet, names, "1h"):
        new = _cost_of_scans(fleet, names)
        time.sleep(_REST_SECONDS)  # what came with the start has come to an end
        before = cost(fleet.updater)
        time.sleep(_REST_SECONDS)
        waiting = (cost(fleet.updater) - before) / _REST_SECONDS
    with _serving(fleet, names, f"{_OFTEN_SECONDS}s"):
        first = _cost_of_scans(fleet, names)
        open_ = 2 * _cost_of_scans(fleet, 2 * names) - first
    return (
        f"The operator at rest, with {names} {'host' if names == 1 else 'hosts'}: a scan costs {new * 1000:.0f} ms of a processor for"
        f" each over a new connection (a bare ssh {connecting * 1000:.0f} ms), {open_ * 1000:.0f} ms over one that is open. Waiting costs"
        f" {waiting:.2%} of a processor; with a scan of all every minute {waiting + open_ * names / 60:.2%}, every five minutes"
        f" {waiting + new * names / 300:.2%}."
    )


@contextmanager
def _serving(fleet: Fleet, names: int, scan_interval: str) -> Iterator[None]:
    """Have an operator that knows nothing: one that knows its hosts does not look at them when it starts."""
    if fleet.updater.state.exists():
        shutil.rmtree(fleet.updater.state)
        fleet.updater.log.unlink()
    with (
        tempfile.TemporaryDirectory(prefix="rdu-") as folder,
        serving(fleet, _named(fleet, names, folder), scan_interval),
    ):
        yield


def _cost_of_scans(fleet: Fleet, hosts: int) -> float:
    """Return the cost for each when so many hosts, or more, have been looked at."""
    until(
        lambda: sum(number for number, _ in _scans(fleet)) >= hosts,
        who="the operator",
        what=f"has looked at {hosts} hosts",
        deadline=300,
        log=fleet.updater.log,
    )
    scans = _scans(fleet)
    return sum(seconds for _, seconds in scans) / sum(number for number, _ in scans)


def _scans(fleet: Fleet) -> list[tuple[int, float]]:
    return [
        (int(hosts), float(seconds)) for hosts, seconds in _SCANNED.findall(fleet.updater.log.read_text())
    ]


def _named(fleet: Fleet, names: int, connections: str) -> Path:
    """Write an inventory in which the hosts have so many names, with the sockets of their connections in a folder."""
    lab = fleet.lab
    hosts = {
        f"name-{number}": {
            "ansible_host": lab.hosts[number % len(lab.hosts)].address,
            "ansible_control_path": f"{connections}/{number}",
        }
        for number in range(names)
    }
    given = yaml.safe_load(lab.inventory.read_text())["all"]["vars"]
    path = lab.state_directory / "names.yml"
    path.write_text(yaml.safe_dump({"all": {"vars": given, "hosts": hosts}}))
    return path
