# SPDX-License-Identifier: Apache-2.0
"""The module swarm_service, run as Ansible runs it, against the engine of a host of the lab."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import Host

_MODULE = "ansible_collections.registry.docker_updater.plugins.modules.swarm_service"
# The module finds nobody's credentials but those that a test gives it.
_NOWHERE = "/nonexistent"
# As of now: pytest changes it while tests run side by side in threads.
_ENVIRONMENT = dict(os.environ)


class Running:
    """The module while it runs: in the background, so that a test can do things meanwhile."""

    def __init__(
        self,
        socket: Path,
        service: str,
        image: str,
        digest: str,
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        arguments = {
            "engine": {"docker_host": f"unix://{socket}"},
            "service": service,
            "image": image,
            "digest": digest,
            "config_directory": _NOWHERE,
            **options,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**_ENVIRONMENT, **(environment or {})},
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        self._process.stdin.close()
        self._process.stdin = None

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it as the loss of its host would."""
        self._process.kill()
        self._process.communicate()

    def result(self, timeout: float = 120) -> dict[str, Any]:
        """Wait for its end and return its result."""
        said, errors = self._process.communicate(timeout=timeout)
        assert said, errors
        result: dict[str, Any] = json.loads(said)
        # Newer Ansible wraps each warning on its way to the controller.
        result["warnings"] = [str(warning) for warning in result.get("warnings", [])]
        return result


def socket_of(host: Host) -> Path:
    return host.machine.inside("/run/docker.sock")


def update(host: Host, service: str, image: str, digest: str, **options: Any) -> dict[str, Any]:
    """Run the module to its end and return its result."""
    return Running(socket_of(host), service, image, digest, **options).result()


def outcome_of(result: Mapping[str, Any]) -> Any:
    """The outcome, or the whole result where that is not told, for a reader of a failed test."""
    return result.get("outcome", result)
