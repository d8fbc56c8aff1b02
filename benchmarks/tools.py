# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: INP001 - part of a program, not of a package
"""What updates a fleet: the operator, and what people would do without it."""

import json
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import requests
import yaml
from fleets import REPOSITORY, SETTLE, Fleet

from demo.updater import Updater, endpoint
from lab.waiting import until

ROOT = Path(__file__).parents[1]
RULEBOOK = "ansible-rulebook"

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
    return by_ssh(fleet, f"sh -s {fleet.arguments} <<'SCRIPT'\n{fleet.script}\nSCRIPT")


def by_ssh(fleet: Fleet, command: str) -> tuple[float, float, float]:
    """Run a command on the hosts that are asked, over a new connection to each."""
    options = yaml.safe_load(fleet.lab.inventory.read_text())["all"]["vars"][
        "ansible_ssh_common_args"
    ].split()
    key = ["-i", str(fleet.lab.private_key), *options]
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
    before, begun = cost(updater), time.time()
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
    return begun, done, cost(updater) - before


@contextmanager
def operator(fleet: Fleet) -> Iterator[Tool]:
    """Have an operator run. No scan comes in between, and nobody is told: a message costs as much with every tool."""
    with serving(fleet, fleet.lab.inventory):
        fleet.updater.wait_for_scan(fleet.targets)
        yield by_operator


@contextmanager
def serving(fleet: Fleet, inventory: Path, scan_interval: str = "1h") -> Iterator[None]:
    """Have an operator run for an inventory, which by default does not look at its hosts again before long."""
    fleet.updater.install(
        {"standalone_container_settle": SETTLE, "notification_channels": []},
        fleet={"inventory": str(inventory), "scan_interval": scan_interval},
    )
    fleet.updater.start()
    try:
        yield
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


def cost(updater: Updater) -> float:
    """Return what an operator has cost so far: seconds of a processor, with all its children."""
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
