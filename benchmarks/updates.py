# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001, T201 - a program, not a package
"""How long it takes from a push until every container runs it, and what of a processor, beside simpler tools.

    PYTHONPATH=tests python benchmarks/updates.py [--fleet 1x1 --fleet 10x4 …] [--rounds 5] [--write docs/performance.md]

Starts a lab (see docs/lab.md): real engines, SSH, a registry. A fleet of 10x4 has ten hosts with four containers each. Beside
the operator and ``update.yml`` by hand stand a bare script over ssh, which pulls, creates, stops and starts and proves nothing, and
plain Ansible with that script as its one task. "Changed" is when the last new container started, "done" when the tool had ended,
or kept the rollout's end; both in seconds from the push, by one clock. Processor time is the tool's own with all its children,
not that of engines, in milliseconds for each host. Each figure is a median, with the lowest and the highest.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from demo.updater import Updater, endpoint
from lab import HostSpec, Lab, LabSpec, RegistrySpec, images
from lab.waiting import until

ROOT = Path(__file__).parents[1]
REPOSITORY, SETTLE = "bench/app", 1
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"

# One container after the other, as somebody would write it who trusts the image.
SCRIPT = """
image=$1; shift
docker pull --quiet "$image" >/dev/null
for name in "$@"; do
  docker rename "$name" "$name-old"
  docker create --name "$name" --label registry-docker-updater=true "$image" >/dev/null
  docker stop "$name-old" >/dev/null
  docker start "$name" >/dev/null
  docker rm "$name-old" >/dev/null
done
"""
# What is prepared for plain Ansible: the same script as its only task.
PLAIN = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.script": {"cmd": "{{ script }} {{ arguments }}", "executable": "/bin/sh"}}
        ],
    }
]


@dataclass(frozen=True)
class Measured:
    """One update: seconds until the last container had changed and until the tool was done, and its processor time."""

    changed: float
    done: float
    processor: float


class Fleet:
    """Hosts with the same containers, all of one image name."""

    def __init__(self, lab: Lab, containers: int) -> None:
        self.lab, self.updater = lab, Updater(lab)
        self.names = [f"app-{number}" for number in range(1, containers + 1)]
        self.image = f"{lab.registry().address}/{REPOSITORY}:1"
        self._versions = iter(range(1, 10_000))
        self.push()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._fill, lab.hosts))

    def _fill(self, host: Any) -> None:
        for name in self.names:
            host.docker("run", "-d", "--name", name, "--label", "registry-docker-updater=true", self.image)

    def push(self) -> str:
        """Put another image under the name, and return its digest."""
        return self.lab.registry().push(REPOSITORY, "1", images.good(str(next(self._versions))))

    def last_start(self) -> float:
        """When the last container started, in seconds since the epoch; every one runs what was pushed last."""
        wanted = self.lab.registry().digest(REPOSITORY, "1")
        moments = []
        for host in self.lab.hosts:
            engine = host.api()
            for name in self.names:
                container = engine.containers.get(name)
                known = engine.images.get(container.attrs["Image"]).attrs["RepoDigests"]
                if not any(one.endswith(f"@{wanted}") for one in known):
                    raise SystemExit(f"{name} on {host.name} does not run {wanted}")
                started = container.attrs["State"]["StartedAt"]
                moments.append(datetime.fromisoformat(started[:26] + "+00:00").timestamp())
        return max(moments)


Tool = Callable[[Fleet, str], tuple[float, float, float]]
"""Has a fleet updated to a digest; returns when it was asked, when it was done, and what it cost."""


def run(*commands: Sequence[str], environment: dict[str, str] | None = None) -> tuple[float, float, float]:
    """Run commands at the same time, each to its end."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    running = [
        subprocess.Popen(
            one,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for one in commands
    ]
    for process in running:
        said, _ = process.communicate()
        if process.returncode:
            raise SystemExit(said)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return begun, time.time(), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def by_script(fleet: Fleet, _: str) -> tuple[float, float, float]:
    """Update by a bare script, over ssh to all hosts at the same time."""
    options = yaml.safe_load(fleet.lab.inventory.read_text())["all"]["vars"][
        "ansible_ssh_common_args"
    ].split()
    key = ["-i", str(fleet.lab.private_key), *options]
    arguments = " ".join((fleet.image, *fleet.names))
    command = f"sh -s {arguments} <<'SCRIPT'\n{SCRIPT}\nSCRIPT"
    return run(*(["ssh", *key, f"root@{host.address}", command] for host in fleet.lab.hosts))


def by_plain_ansible(fleet: Fleet, _: str) -> tuple[float, float, float]:
    """Update by the same script as the one task of a playbook."""
    folder = fleet.lab.state_directory
    (folder / "update.sh").write_text(SCRIPT)
    (folder / "plain.yml").write_text(yaml.safe_dump(PLAIN))
    asked = {"script": str(folder / "update.sh"), "arguments": " ".join((fleet.image, *fleet.names))}
    return run(_playbook(fleet, str(folder / "plain.yml"), asked), environment=_tuned())


def by_playbook(fleet: Fleet, digest: str) -> tuple[float, float, float]:
    """Update by ``update.yml``, by hand."""
    asked = {"image": fleet.image, "digest": digest, "standalone_container_settle": SETTLE}
    return run(_playbook(fleet, "playbooks/update.yml", asked), environment=_tuned())


def by_operator(fleet: Fleet, digest: str) -> tuple[float, float, float]:
    """Update by an event of the registry's to an operator that has been running for a while."""
    updater = fleet.updater
    url = endpoint(fleet.lab.address, "registry")
    event = {
        "id": f"{time.time_ns()}",
        "timestamp": datetime.now().astimezone().isoformat(),
        "action": "push",
        "target": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest,
            "repository": REPOSITORY,
            "tag": "1",
        },
        "request": {"host": fleet.lab.registry().address},
    }
    before, begun = _cost(updater), time.time()
    headers = {"Authorization": url.authorization}
    requests.post(url.url, json={"events": [event]}, headers=headers, timeout=10).raise_for_status()

    def is_over() -> bool:
        rollout = updater.rollout_of(digest, f"{REPOSITORY}:1")
        return rollout is not None and rollout["state"] == "finished"

    until(
        is_over,
        who="the operator",
        what=f"has rolled out {digest}",
        deadline=600,
        log=updater.log,
        pause=0.05,
    )
    done = time.time()
    # What it does for the team is its own, too.
    until(lambda: not _is_at_work(updater), who="the operator", what="is at rest", deadline=60, pause=0.1)
    return begun, done, _cost(updater) - before


TOOLS: dict[str, Tool] = {
    "a bare script over ssh": by_script,
    "plain ansible-playbook, that script": by_plain_ansible,
    "playbooks/update.yml by hand": by_playbook,
    "the operator": by_operator,
}


def _playbook(fleet: Fleet, playbook: str, asked: dict[str, Any]) -> list[str]:
    program = str(Path(sys.executable).parent / "ansible-playbook")
    return [program, "-i", str(fleet.lab.inventory), playbook, "-e", json.dumps(asked)]


def _tuned() -> dict[str, str]:
    """Return what a shop sets that has more than five hosts."""
    return {"ANSIBLE_FORKS": "25", "ANSIBLE_PIPELINING": "true", "ANSIBLE_HOST_KEY_CHECKING": "false"}


def _operator(updater: Updater) -> list[psutil.Process]:
    main = psutil.Process(updater.process)
    return [main, *main.children(recursive=True)]


def _cost(updater: Updater) -> float:
    cost = 0.0
    for one in _operator(updater):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            cost += times.user + times.system + times.children_user + times.children_system
    return cost


def _is_at_work(updater: Updater) -> bool:
    for one in _operator(updater):
        # One that has ended is none.
        with suppress(psutil.NoSuchProcess):
            if "ansible-playbook" in " ".join(one.cmdline()):
                return True
    return False


def measure(hosts: int, containers: int, rounds: int) -> Iterator[tuple[str, list[Measured]]]:
    """Measure every tool on one fleet; the first round of each warms up, and does not count."""
    spec = LabSpec(
        "updates",
        tuple(HostSpec(f"host-{number}", "trixie") for number in range(1, hosts + 1)),
        registries=(RegistrySpec("registry"),),
    )
    with Lab.running(spec) as lab:
        fleet = Fleet(lab, containers)
        # No scan comes in between, and nobody is told: a message costs as much with every tool.
        fleet.updater.install(
            {"standalone_container_settle": SETTLE, "notification_channels": []},
            fleet={"inventory": str(lab.inventory), "scan_interval": "1h"},
        )
        for name, tool in TOOLS.items():
            if tool is by_operator:
                # Not before: it would take what the others do for what people do.
                fleet.updater.start()
                fleet.updater.wait_for_scan(hosts * containers)
            taken = []
            for _ in range(rounds + 1):
                digest = fleet.push()
                begun, done, cost = tool(fleet, digest)
                taken.append(Measured(fleet.last_start() - begun, done - begun, cost))
            yield name, taken[1:]
        fleet.updater.stop()


def table(fleets: Sequence[tuple[int, int]], rounds: int) -> Iterator[str]:
    """Yield the lines of a table, in Markdown, as they become known."""
    machine = f"{os.cpu_count()} processors ({platform.machine()}), Linux {platform.release()}, Python {platform.python_version()}"
    yield f"{datetime.now().astimezone():%Y-%m-%d}, {machine}; {rounds} rounds, settle time {SETTLE} s."
    for hosts, containers in fleets:
        yield ""
        yield f"| hosts x containers: {hosts}x{containers} | changed, s | to the script | done, s | processor a host, ms |"
        yield "|---|---|---|---|---|"
        script = 0.0
        for name, taken in measure(hosts, containers, rounds):
            changed = [one.changed for one in taken]
            script = script or statistics.median(changed)
            yield (
                f"| {name} | {_spread(changed)} | {statistics.median(changed) / script:.2f}"
                f" | {_spread([one.done for one in taken])}"
                f" | {_spread([one.processor / hosts * 1000 for one in taken], 0)} |"
            )


def _spread(values: Sequence[float], digits: int = 2) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def main() -> int:
    """Measure, print, and write where that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fleet", action="append", metavar="HOSTSxCONTAINERS")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="a page in which the table stands between two marks")
    arguments = parser.parse_args()
    reason = Lab.why_not()
    if reason:
        print(reason, file=sys.stderr)
        return 1
    fleets = [
        (int(h), int(c)) for h, _, c in (one.partition("x") for one in arguments.fleet or ["1x1", "10x4"])
    ]
    lines = []
    for line in table(fleets, arguments.rounds):
        print(line, flush=True)
        lines.append(line)
    if arguments.write:
        page = arguments.write.read_text()
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        arguments.write.write_text("\n".join((before + BEGIN, *lines, END)) + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
