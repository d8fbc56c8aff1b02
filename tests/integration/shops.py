"""A shop's folder for tests of runs: playbooks of the tests' own in a collection of the same name as the project's."""

import os
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from registry_docker_updater.edges.runs.playbooks import AnsiblePlaybooks
from registry_docker_updater.edges.runs.port import FinishedRun, Playbook

MINUTE = timedelta(minutes=1)
INVENTORY = """
all:
  hosts: {one: {}, two: {}}
  vars: {ansible_connection: local, ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""


@dataclass
class Shop:
    """A folder with an inventory and playbooks, and the environment of an operator."""

    folder: Path
    environment: dict[str, str]

    def write(self, name: str, tasks: str, hosts: str = "one") -> None:
        text = f"- hosts: {hosts}\n  gather_facts: false\n  tasks:\n{tasks}"
        place = self.folder / "ansible_collections/registry/docker_updater/playbooks"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.yml").write_text(text)

    def write_endless(self) -> None:
        """One result, and then a command that goes on for longer than any test."""
        self.write(
            "endless",
            "    - ansible.builtin.debug: {msg: it goes on}\n"
            f"    - ansible.builtin.command: {{argv: [{sys.executable}, -c, import time; time.sleep(600), {self.folder}]}}\n",
        )

    def at_work(self) -> list[int]:
        """The processes of the endless command."""
        return processes("time.sleep", str(self.folder))

    @property
    def playbooks(self) -> AnsiblePlaybooks:
        return AnsiblePlaybooks(self.folder / "hosts.yml", self.folder, self.environment)

    @property
    def runs(self) -> Path:
        return self.folder / "runs/7"

    def run(self, name: str, variables: dict[str, Any] | None = None, **more: Any) -> FinishedRun:
        playbook = Playbook(name, variables or {}, more.pop("limit", None))
        return self.playbooks.run(playbook, self.runs, more.pop("timeout", MINUTE), **more)


def processes(*words: str) -> list[int]:
    """The processes whose command line holds all words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if all(word in line for word in words) and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found
