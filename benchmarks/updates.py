# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001, T201 - a program, not a package
"""How long it takes from a push until every target runs it, and what of a processor, beside simpler tools.

    PYTHONPATH=tests python benchmarks/updates.py [--fleet 1x1 --fleet swarm …] [--rounds 5] [--write docs/performance.md]

Starts a lab (see docs/lab.md): real engines, SSH, a registry. A fleet of 10x4 has ten hosts with four containers each, ``swarm`` one
service with three replicas on three nodes. Beside the operator and ``update.yml`` by hand stand a bare script over ssh, which trusts the
image and proves nothing, plain Ansible with that script as its one task, and ansible-rulebook, where it is installed, with that playbook.
"Changed" is when the last new container started, "done" when the tool had ended, or kept the rollout's end; both in seconds from the push,
by one clock. Processor time is the tool's own with all its children, not that of engines, in milliseconds for each host. Each figure is a
median, with the lowest and the highest.
"""

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from at_rest import at_rest
from fleets import SETTLE, Fleet, running
from pages import write_table
from tools import Tool, tools

from lab import Lab

# In fleets of so many hosts, an operator at rest is measured, too, which knows them under so many names.
AT_REST = {1: 1, 10: 10, 40: 100}


@dataclass(frozen=True)
class Measured:
    """One update: seconds until the last container had changed and until the tool was done, and its processor time."""

    changed: float
    done: float
    processor: float


def measure(fleet: Fleet, tool: Tool, rounds: int) -> Iterator[Measured]:
    """Measure updates by a tool; the first warms up, and does not count."""
    for number in range(rounds + 1):
        digest = fleet.push()
        begun, done, cost = tool(fleet, digest)
        if number:
            yield Measured(fleet.last_start() - begun, done - begun, cost)


def table(fleets: Sequence[str], rounds: int) -> Iterator[str]:
    """Yield the lines of a table, in Markdown, as they become known."""
    machine = f"{os.cpu_count()} processors ({platform.machine()}), Linux {platform.release()}, Python {platform.python_version()}"
    yield f"{datetime.now().astimezone():%Y-%m-%d}, {machine}; {rounds} rounds, settle time {SETTLE} s."
    for kind in fleets:
        yield ""
        what = "a service of 3 replicas on 3 nodes" if kind == "swarm" else f"hosts x containers: {kind}"
        yield f"| {what} | changed, s | to the script | done, s | processor a host, ms |"
        yield "|---|---|---|---|---|"
        with running(kind) as fleet:
            yield from _rows(fleet, rounds)


def _rows(fleet: Fleet, rounds: int) -> Iterator[str]:
    script = 0.0
    for name, ready in tools(fleet):
        with ready as tool:
            taken = list(measure(fleet, tool, rounds))
        changed = [one.changed for one in taken]
        script = script or statistics.median(changed)
        yield (
            f"| {name} | {_spread(changed)} | {statistics.median(changed) / script:.2f}"
            f" | {_spread([one.done for one in taken])}"
            f" | {_spread([one.processor / len(fleet.lab.hosts) * 1000 for one in taken], 0)} |"
        )
    if names := AT_REST.get(len(fleet.lab.hosts)):
        yield ""
        yield at_rest(fleet, names)


def _spread(values: Sequence[float], digits: int = 2) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def main() -> int:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fleet", action="append", metavar="HOSTSxCONTAINERS or swarm")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="a page in which the table stands between two marks")
    arguments = parser.parse_args()
    reason = Lab.why_not()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    lines = []
    for line in table(arguments.fleet or ["1x1", "swarm", "10x4", "5x1", "20x1", "40x1"], arguments.rounds):
        print(line, flush=True)
        lines.append(line)
    if arguments.write:
        write_table(arguments.write, "measured", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
