# SPDX-License-Identifier: Apache-2.0
"""The operator of a lab, as a process of its own, with its settings, its command line, and its receivers."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
import yaml

from demo.receivers import Inbox
from lab import Endpoint, Lab, cgroups
from lab.processes import Process, launch
from lab.registry import Registry
from lab.waiting import until

PORT = 8080
_SMTP_PORT, _HTTP_PORT = 2525, 8025
_SECRET = "only the registry of this lab knows this"


def endpoint(address: str, registry: str) -> Endpoint:
    """Where a registry of a lab at `address` sends its events."""
    return Endpoint("updater", f"http://{address}:{PORT}/events/{registry}", f"Bearer {_SECRET}")


class Updater:
    """The operator: start it, end it, kill it, and ask it."""

    def __init__(self, lab: Lab, token: str = "") -> None:
        """Of a lab; where its settings let in only those with a token, ask with this one."""
        self._lab, self._token = lab, token
        self._folder = lab.state_directory / "updater"
        self.url = f"http://{lab.address}:{PORT}"
        self.inbox = Inbox(self._folder / "inbox")
        self.state = self._folder / "state"
        self.log = self._folder / "serve.log"
        self.settings = self._folder / "config.yml"
        self._record = self._folder / "process"

    def install(self, variables: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """Write settings, with `changes`, and the inventory's `variables`; start the receivers of messages."""
        address = self._lab.address
        self.write_secret("secret", _SECRET)
        settings = {
            "listen": {"address": address, "port": PORT},
            "state_directory": "state",
            "registries": {
                one.name: {
                    "format": "distribution",
                    "hosts": [one.address, one.host_name],
                    "url": f"http://{one.address}",
                    "secret": {"file": "secret"},
                    **self._credentials(one),
                }
                for one in self._lab.registries
            },
            "fleet": {"inventory": str(self._lab.inventory), "scan_interval": "30s"},
            "rollouts": {"retry": {"first": "3s"}},
            **changes,
        }
        self.settings.write_text(yaml.safe_dump(settings, sort_keys=False))
        # As a shop would: ansible.cfg beside the settings is Ansible's own way of tuning.
        (self._folder / "ansible.cfg").write_text(
            "[defaults]\nforks = 25\n[ssh_connection]\npipelining = true\n"
        )
        for_all = self._lab.inventory.parent / "group_vars" / "all.yml"
        for_all.parent.mkdir(exist_ok=True)
        for_all.write_text(yaml.safe_dump({**_channels(address), **(variables or {})}))
        receivers = (str(self._folder / "inbox"), address, str(_SMTP_PORT), str(_HTTP_PORT))
        launch(
            (
                "env",
                f"PYTHONPATH={Path(__file__).parents[1]}",
                sys.executable,
                "-m",
                "demo.receivers",
                *receivers,
            ),
            log=self._folder / "receivers.log",
            record=None,
            groups=cgroups.make(self._lab.spec.name, "receivers"),
        )

    def _credentials(self, registry: Registry) -> dict[str, Any]:
        """What lets the operator ask a registry that wants a password."""
        if not registry.client.username:
            return {}
        password = self.write_secret(f"{registry.name}.password", registry.client.password)
        return {"credentials": {"username": registry.client.username, "password": {"file": password}}}

    def write_secret(self, name: str, text: str) -> str:
        """Write a secret into a file beside the settings; return its name, as they have it."""
        (self._folder / name).write_text(text)
        return name

    def start(self) -> None:
        """Start the operator; return when it is ready."""
        self._record.unlink(missing_ok=True)
        launch(
            (sys.executable, "-m", "registry_docker_updater", "--config", str(self.settings), "serve"),
            log=self.log,
            record=self._record,
            groups=cgroups.make(self._lab.spec.name, "updater"),
        )
        until(self._is_ready, who="the operator", what="is ready", deadline=20, log=self.log)

    def stop(self) -> None:
        """End it in good order."""
        self._process().end(who="the operator", grace=40)

    def kill(self) -> None:
        """Kill it at once, as `kill -9` does."""
        self._process().send(signal.SIGKILL)
        until(lambda: not self._process().alive, who="the operator", what="is dead", deadline=10)

    def reload(self, registry: str, **changes: Any) -> None:
        """Change the settings of a registry while it works."""
        settings = yaml.safe_load(self.settings.read_text())
        settings["registries"][registry].update(changes)
        self.settings.write_text(yaml.safe_dump(settings, sort_keys=False))
        before = len(self.log.read_text())
        self._process().send(signal.SIGHUP)
        until(
            lambda: "the settings were read again" in self.log.read_text()[before:],
            who="the operator",
            what="has read its settings again",
            deadline=20,
            log=self.log,
        )

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of the operator's command line."""
        done = subprocess.run(
            [sys.executable, "-m", "registry_docker_updater", "--config", str(self.settings), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(arguments)} ended with {done.returncode}: {done.stdout}{done.stderr}"
            )
        return done

    def listing(self, *arguments: str) -> Any:
        """What a listing says, as `--json` gives it."""
        return json.loads(self.command(*arguments, "--json").stdout)

    def wait_for_scan(self, targets: int) -> None:
        """Return when a scan has found that many targets."""
        until(
            lambda: len(self.ask("/api/fleet")["targets"]) >= targets,
            who="the operator",
            what=f"has found {targets} targets",
            deadline=60,
            log=self.log,
            pause=0.2,
        )

    def ask(self, path: str) -> Any:
        """What the operator's HTTP interface says."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return requests.get(self.url + path, headers=headers, timeout=10).json()

    def rollout_of(self, digest: str, name: str = "test/app:1") -> dict[str, Any] | None:
        """The newest rollout of a repository and tag to a digest, with its targets, or none."""
        rows = self.ask("/api/rollouts")
        found = [row for row in rows if row["digest"] == digest and row["image"].endswith(f"/{name}")]
        return dict(self.ask(f"/api/rollouts/{found[0]['id']}")) if found else None

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    @property
    def process(self) -> int:
        """The number of its process."""
        return self._process().pid

    def _process(self) -> Process:
        process = Process.recorded(self._record)
        if process is None:
            raise AssertionError("the operator was never started")
        return process


def _channels(address: str) -> dict[str, Any]:
    return {
        "notification_slack_webhook_url": f"http://{address}:{_HTTP_PORT}/slack/T0/B0/x",
        "notification_teams_webhook_url": f"http://{address}:{_HTTP_PORT}/teams/workflows/x",
        "notification_email_to": ["team@example.com"],
        "notification_email_from": "updater@example.com",
        "notification_email_host": address,
        "notification_email_port": _SMTP_PORT,
        "notification_email_encryption": "none",
    }
