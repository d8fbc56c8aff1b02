# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - a program, not a package
"""How long a plain container is down during an update, beside a bare stop and start of the same container.

    PYTHONPATH=tests python benchmarks/container_downtime.py [--rounds 10]

Starts a lab (see docs/lab.md) and takes both times from the engine's own clock: from the moment the old
container's process had ended to the moment the next one's ran.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from fleet.containers_support import Site
from lab import HostSpec, Lab, LabSpec, RegistrySpec, images


def events(site: Site, since: float) -> list[dict[str, Any]]:
    """Return the engine's events of containers from ``since`` until now."""
    now = site.host.run("date", "+%s.%N").stdout.strip()
    lines = site.host.docker("events", "--since", f"{since:.9f}", "--until", now, "--format", "{{json .}}")
    return [json.loads(line) for line in lines.splitlines() if '"Type":"container"' in line]


def gap(site: Site, since: float) -> float:
    """Return the seconds between the end of one container and the start of the next."""
    seen = events(site, since)
    died = next(one["timeNano"] for one in seen if one["Action"] == "die")
    started = next(one["timeNano"] for one in seen if one["Action"] == "start" and one["timeNano"] > died)
    return float(started - died) / 1e9


def measure(site: Site, rounds: int) -> tuple[list[float], list[float]]:
    """Return the downtimes of ``rounds`` bare restarts and of as many updates."""
    digests = site.provide(images.good("1"), images.good("2"))
    site.has(digests[0])
    site.host.docker("run", "-d", "--name", "web", "--restart", "always", "-p", "8080:80", site.image)
    bare, updates = [], []
    for number in range(rounds):
        since = float(site.host.run("date", "+%s.%N").stdout)
        site.host.run("sh", "-c", "docker stop web && docker start web")
        bare.append(gap(site, since))
        since = float(site.host.run("date", "+%s.%N").stdout)
        result = site.update("web", digests[(number + 1) % 2])
        if result["outcome"] != "updated":
            raise SystemExit(result["message"])
        updates.append(gap(site, since))
    return bare, updates


def main() -> int:
    """Measure on every engine and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    reason = Lab.why_not()
    if reason:
        print(reason, file=sys.stderr)  # noqa: T201
        return 1
    hosts = (HostSpec("trixie", "trixie"), HostSpec("bookworm", "bookworm"))
    print(f"{'engine':<16}{'what':<22}{'median':>10}{'longest':>10}   seconds down, of {rounds}")  # noqa: T201
    with (
        tempfile.TemporaryDirectory() as state,
        Lab.running(LabSpec("downtime", hosts, registries=(RegistrySpec("registry"),))) as lab,
    ):
        for host in lab.hosts:
            bare, updates = measure(Site(lab, host, Path(state) / host.name, "downtime"), rounds)
            for what, times in (("bare stop and start", bare), ("update", updates)):
                print(  # noqa: T201
                    f"{host.engine_version:<16}{what:<22}{statistics.median(times):>10.3f}{max(times):>10.3f}"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
