# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - part of a program, not of a package
"""What an operator costs that has nothing to do but to look at its hosts now and then."""

import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import yaml
from fleets import Fleet
from tools import by_ssh, cost, serving

from lab.waiting import until

_REST_SECONDS, _SCAN_SECONDS = 20, 300
_ROUNDS = 5
_SCANNED = re.compile(r"scanned (\d+) hosts for ([\d.]+) s of a processor")


def at_rest(fleet: Fleet, names: int) -> str:
    """Say what an operator costs that knows the hosts of a fleet under so many names, each with connections of its own."""
    if fleet.updater.state.exists():
        shutil.rmtree(fleet.updater.state)  # one that knows its hosts does not look at them when it starts
        fleet.updater.log.unlink()
    connecting = statistics.median(by_ssh(fleet, "true")[2] for _ in range(_ROUNDS)) / len(fleet.asked)
    with tempfile.TemporaryDirectory(prefix="rdu-") as folder, serving(fleet, _named(fleet, names, folder)):
        until(
            lambda: sum(hosts for hosts, _ in _scans(fleet)) >= names,
            who="the operator",
            what=f"has looked at {names} hosts",
            deadline=300,
            log=fleet.updater.log,
        )
        scan = sum(seconds for _, seconds in _scans(fleet)) / sum(hosts for hosts, _ in _scans(fleet))
        time.sleep(_REST_SECONDS)  # what came with the start has come to an end
        before = cost(fleet.updater)
        time.sleep(_REST_SECONDS)
        waiting = (cost(fleet.updater) - before) / _REST_SECONDS
    return (
        f"The operator at rest, with {names} {'host' if names == 1 else 'hosts'}: a scan costs {scan * 1000:.0f} ms of a processor for"
        f" each (a bare ssh {connecting * 1000:.0f} ms), waiting {waiting:.2%} of one; with a scan of all every five minutes"
        f" {waiting + scan * names / _SCAN_SECONDS:.2%}."
    )


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
