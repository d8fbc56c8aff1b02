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
import json
import os
import platform
import re
import resource
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml

from demo.updater import Updater, endpoint
from lab import HostSpec, Lab, LabSpec, RegistrySpec, SwarmSpec, images
from lab.waiting import until

ROOT = Path(__file__).parents[1]
REPOSITORY, SETTLE = "bench/app", 1
REGISTRY = (RegistrySpec("registry"),)
RULEBOOK = "ansible-rulebook"
REST_SECONDS, SCAN_SECONDS = 20, 300
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"

# One container after the other, as somebody would write it who trusts the image.
CONTAINERS_SCRIPT = """
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
SERVICE_SCRIPT = 'docker service update --quiet --image "$1" "$2" >/dev/null'
# What is prepared for plain Ansible: the same script as its only task.
PLAIN = [
    {
        "hosts": "{{ where }}",
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
    """Targets of one image name in a lab, with the operator that is to update them."""

    script = ""
    targets = 0

    def __init__(self, lab: Lab) -> None:
        self.lab, self.updater = lab, Updater(lab)
        self.image = f"{lab.registry().address}/{REPOSITORY}:1"
        self._versions = iter(range(1, 10_000))
        self.push()

    def push(self) -> str:
        """Put another image under the name, and return its digest."""
        return self.lab.registry().push(REPOSITORY, "1", images.good(str(next(self._versions))))

    @property
    def asked(self) -> Sequence[Any]:
        """The hosts on which the script runs."""
        return self.lab.hosts

    @property
    def arguments(self) -> str:
        """What the script is told."""
        raise NotImplementedError

    def running(self) -> Iterator[Any]:
        """Yield every container that is a target, or a part of one, with its engine."""
        raise NotImplementedError

    def last_start(self) -> float:
        """When the last container started, in seconds since the epoch; every one runs what was pushed last."""
        wanted = self.lab.registry().digest(REPOSITORY, "1")
        moments = []
        for engine, container in self.running():
            known = engine.images.get(container.attrs["Image"]).attrs["RepoDigests"]
            if not any(one.endswith(f"@{wanted}") for one in known):
                raise SystemExit(f"{container.name} does not run {wanted}")
            started = container.attrs["State"]["StartedAt"]
            moments.append(datetime.fromisoformat(started[:26] + "+00:00").timestamp())
        return max(moments)


class Containers(Fleet):
    """Hosts with the same containers."""

    script = CONTAINERS_SCRIPT

    def __init__(self, lab: Lab, containers: int) -> None:
        super().__init__(lab)
        self.names = [f"app-{number}" for number in range(1, containers + 1)]
        self.targets = containers * len(lab.hosts)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._fill, lab.hosts))

    def _fill(self, host: Any) -> None:
        for name in self.names:
            host.docker("run", "-d", "--name", name, "--label", "registry-docker-updater=true", self.image)

    @property
    def arguments(self) -> str:
        """The image, and the containers."""
        return " ".join((self.image, *self.names))

    def running(self) -> Iterator[Any]:
        """Yield the containers."""
        for host in self.lab.hosts:
            engine = host.api()
            for name in self.names:
                yield engine, engine.containers.get(name)


class Service(Fleet):
    """A swarm with one service of three replicas."""

    script = SERVICE_SCRIPT
    targets = 1

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        opted_in = ("--label", "registry-docker-updater=true", "--update-monitor", f"{SETTLE}s")
        self.asked[0].docker(
            "service", "create", "--quiet", "--name", "app", "--replicas", "3", *opted_in, self.image
        )

    @property
    def asked(self) -> Sequence[Any]:
        """The first manager."""
        return self.lab.hosts[:1]

    @property
    def arguments(self) -> str:
        """The image, and the service."""
        return f"{self.image} app"

    def running(self) -> Iterator[Any]:
        """Yield the containers of the replicas."""
        for host in self.lab.hosts:
            engine = host.api()
            for one in engine.containers.list(filters={"label": "com.docker.swarm.service.name=app"}):
                yield engine, one


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
    command = f"sh -s {fleet.arguments} <<'SCRIPT'\n{fleet.script}\nSCRIPT"
    return run(*(["ssh", *key, f"root@{host.address}", command] for host in fleet.asked))


def by_plain_ansible(fleet: Fleet, _: str) -> tuple[float, float, float]:
    """Update by the same script as the one task of a playbook."""
    return run(_playbook(fleet, str(_plain_playbook(fleet)), _plain(fleet)), environment=_tuned())


def _plain_playbook(fleet: Fleet) -> Path:
    # In a folder of their own: ansible-rulebook copies all that is beside a playbook.
    folder = _plain_folder(fleet)
    folder.mkdir(exist_ok=True)
    (folder / "update.sh").write_text(fleet.script)
    (folder / "plain.yml").write_text(yaml.safe_dump(PLAIN))
    return folder / "plain.yml"


def _plain_folder(fleet: Fleet) -> Path:
    return fleet.lab.state_directory / "plain"


def _plain(fleet: Fleet) -> dict[str, Any]:
    return {
        "script": str(_plain_folder(fleet) / "update.sh"),
        "arguments": fleet.arguments,
        "where": ",".join(host.name for host in fleet.asked),
    }


@contextmanager
def rulebook(fleet: Fleet) -> Iterator[Tool]:
    """Have ansible-rulebook run the plain playbook for what is posted to it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    play = {"name": str(_plain_playbook(fleet)), "extra_vars": _plain(fleet)}
    rules = [
        {
            "name": "a push",
            "hosts": "all",
            "sources": [{"eda.builtin.webhook": {"host": "127.0.0.1", "port": port}}],
            "rules": [
                {
                    "name": "update",
                    "condition": "event.payload.digest is defined",
                    "action": {"run_playbook": play},
                }
            ],
        }
    ]
    (fleet.lab.state_directory / "rules.yml").write_text(yaml.safe_dump(rules))
    command = [
        RULEBOOK,
        "--rulebook",
        str(fleet.lab.state_directory / "rules.yml"),
        "--inventory",
        str(fleet.lab.inventory),
        "--print-events",
    ]
    output = fleet.lab.state_directory / "rulebook.log"
    path = f"{Path(shutil.which(RULEBOOK) or '').resolve().parent}:{os.environ['PATH']}"
    with output.open("w") as log:
        process = psutil.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **_tuned(), "PATH": path}, cwd=ROOT
        )

    def ended() -> int:
        return output.read_text().count("PLAY RECAP")

    def by_rulebook(_: Fleet, digest: str) -> tuple[float, float, float]:
        tree = [process, *process.children(recursive=True)]
        count, before, begun = ended(), _cost_of(tree), time.time()
        requests.post(f"http://127.0.0.1:{port}/", json={"digest": digest}, timeout=10).raise_for_status()
        until(
            lambda: ended() > count,
            who=RULEBOOK,
            what="ends its playbook",
            deadline=600,
            log=output,
            pause=0.02,
        )
        done = time.time()
        until(
            lambda: not [one for one in process.children(recursive=True) if one not in tree],
            who=RULEBOOK,
            what="is at rest",
            deadline=60,
            pause=0.1,
        )
        return begun, done, _cost_of(tree) - before

    try:
        until(lambda: _listens(port), who=RULEBOOK, what="listens", deadline=60, log=output, pause=0.2)
        yield by_rulebook
    finally:
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                one.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


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

    # Asked of the operator, this would be its own cost.
    database = sqlite3.connect(f"file:{updater.state}/updater.db?mode=ro", uri=True)

    def is_over() -> bool:
        found = database.execute(
            "SELECT state FROM rollouts JOIN events ON events.id = push WHERE digest = ?", (digest,)
        ).fetchall()
        return found == [("finished",)]

    until(
        is_over,
        who="the operator",
        what=f"has rolled out {digest}",
        deadline=600,
        log=updater.log,
        pause=0.02,
    )
    done = time.time()
    database.close()
    # What it does for the team is its own, too.
    until(lambda: not _is_at_work(updater), who="the operator", what="is at rest", deadline=60, pause=0.1)
    return begun, done, _cost(updater) - before


@contextmanager
def operator(fleet: Fleet) -> Iterator[Tool]:
    """Have an operator run. No scan comes in between, and nobody is told: a message costs as much with every tool."""
    fleet.updater.install(
        {"standalone_container_settle": SETTLE, "notification_channels": []},
        fleet={"inventory": str(fleet.lab.inventory), "scan_interval": "1h"},
    )
    fleet.updater.start()
    fleet.updater.wait_for_scan(fleet.targets)
    try:
        yield by_operator
    finally:
        fleet.updater.stop()


def tools(fleet: Fleet) -> Iterator[tuple[str, AbstractContextManager[Tool]]]:
    """Yield what is measured. The operator comes last: it would take what the others do for what people do."""
    yield "a bare script over ssh", nullcontext(by_script)
    yield "plain ansible-playbook, that script", nullcontext(by_plain_ansible)
    if shutil.which(RULEBOOK):
        yield "ansible-rulebook, that playbook", rulebook(fleet)
    yield "playbooks/update.yml by hand", nullcontext(by_playbook)
    yield "the operator", operator(fleet)


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
    return _cost_of(_operator(updater))


def _cost_of(processes: Sequence[psutil.Process]) -> float:
    cost = 0.0
    for one in processes:
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


@contextmanager
def running(kind: str) -> Iterator[Fleet]:
    """Have a fleet as it is named: 10x4, or swarm."""
    hosts, _, containers = kind.partition("x")
    if kind == "swarm":
        with Lab.running(
            LabSpec("updates", swarms=(SwarmSpec("swarm", managers=3, suite="trixie"),), registries=REGISTRY)
        ) as lab:
            yield Service(lab)
    else:
        named = tuple(HostSpec(f"host-{number}", "trixie") for number in range(1, int(hosts) + 1))
        with Lab.running(LabSpec("updates", named, registries=REGISTRY)) as lab:
            yield Containers(lab, int(containers))


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
    yield ""
    yield at_rest(fleet)


def at_rest(fleet: Fleet) -> str:
    """Say what an operator costs that has nothing to do but to look at its hosts now and then."""
    hosts = len(fleet.lab.hosts)
    shutil.rmtree(fleet.updater.state)  # one that knows its hosts does not look at them when it starts
    with operator(fleet):
        time.sleep(REST_SECONDS)  # what came with the start has come to an end
        before = _cost(fleet.updater)
        time.sleep(REST_SECONDS)
        waiting = (_cost(fleet.updater) - before) / REST_SECONDS
        said = re.findall(r"scanned (\d+) hosts for ([\d.]+) s of a processor", fleet.updater.log.read_text())
    scan = sum(float(seconds) for _, seconds in said) / sum(int(number) for number, _ in said)
    whole = waiting + scan * hosts / SCAN_SECONDS
    return (
        f"The operator at rest: a scan costs {scan * 1000:.0f} ms of a processor for each host, waiting {waiting:.2%} of one;"
        f" with a scan of all {hosts} every five minutes {whole:.2%}."
    )


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
        page = arguments.write.read_text()
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        arguments.write.write_text("\n".join((before + BEGIN, *lines, END)) + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
