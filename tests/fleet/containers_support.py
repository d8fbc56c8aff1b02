# SPDX-License-Identifier: Apache-2.0
"""What the tests of containers share: hosts with a registry, images that differ in everything, comparisons."""

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.request import Request
from ansible_collections.registry.docker_updater.plugins.module_utils.container.update import Update
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import Options
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.client import Engine
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import NotFound
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

from lab import Host, Lab, images

MODULE = "ansible_collections.registry.docker_updater.plugins.modules.standalone_container"
ANONYMOUS = re.compile(r"[0-9a-f]{64}")
SECOND = 10**9

SLEEP = images.SLEEP


def image_one(version: str = "1", **changes: Any) -> images.Image:
    """The first of two images that differ in every setting an image can have."""
    return images.build(
        version,
        {
            "Env": ["SAME=1", "CHANGED=old", "GONE=1", "EMPTY="],
            "Entrypoint": ["/bin/sh", "-c"],
            "Cmd": [SLEEP],
            "User": "1000:1000",
            "WorkingDir": "/old",
            "StopSignal": "SIGTERM",
            "ExposedPorts": {"80/tcp": {}, "81/udp": {}},
            "Volumes": {"/both": {}, "/old-volume": {}},
            "Labels": {"same": "1", "changed": "old", "gone": "1"},
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": SECOND, "Retries": 5},
            **changes,
        },
    )


def image_two(version: str = "2", **changes: Any) -> images.Image:
    """The second."""
    return images.build(
        version,
        {
            "Env": ["SAME=1", "CHANGED=new", "ADDED=1"],
            "Entrypoint": ["/bin/busybox", "sh", "-c"],
            "Cmd": [": two; " + SLEEP],
            "User": "1001:1001",
            "WorkingDir": "/new",
            "StopSignal": "SIGINT",
            "ExposedPorts": {"80/tcp": {}, "82/tcp": {}},
            "Volumes": {"/both": {}, "/new-volume": {}},
            "Labels": {"same": "1", "changed": "new", "added": "1"},
            "Healthcheck": {
                "Test": ["CMD-SHELL", "exit 0"],
                "Interval": SECOND,
                "Timeout": 2 * SECOND,
                "Retries": 4,
            },
            **changes,
        },
    )


@dataclass
class Site:
    """One host and the registry it pulls from."""

    lab: Lab
    host: Host
    state: Path
    repository: str = field(default="")

    @property
    def image(self) -> str:
        return f"{self.lab.registry().address}/{self.repository}:1"

    @property
    def socket(self) -> str:
        return f"unix://{self.host.machine.inside('/run/docker.sock')}"

    @property
    def engine(self) -> Engine:
        return Engine({"docker_host": self.socket})

    def push(self, image: images.Image) -> str:
        return self.lab.registry().push(self.repository, "1", image)

    def provide(self, *versions: images.Image) -> list[str]:
        """Push images one after the other, have the host know them, and return their digests."""
        digests = []
        for version in versions:
            digests.append(self.push(version))
            self.host.docker("pull", "-q", self.image)
        return digests

    def has(self, digest: str) -> None:
        """Let the local name mean the image of ``digest``, as after a pull at a time when that was pushed."""
        name, _, tag = self.image.rpartition(":")
        self.engine.post(f"/images/{self.at(digest)}/tag", {"repo": name, "tag": tag})

    def at(self, digest: str) -> str:
        """The name of exactly one image."""
        return f"{self.lab.registry().address}/{self.repository}@{digest}"

    def clean(self) -> None:
        """Remove every container, network and volume."""
        for name in self.names():
            self.remove(name)
        self.engine.post("/networks/prune")
        for volume in self.engine.get("/volumes")["Volumes"] or []:
            self.engine.delete(f"/volumes/{volume['Name']}")

    def remove(self, name: str) -> None:
        """Remove a container, with its volumes that have no name."""
        with contextlib.suppress(NotFound):  # one started with --rm may be on its way
            self.engine.delete(f"/containers/{name}", {"force": True, "v": True})

    def inspect(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.engine.get(f"/containers/{name}/json")
        return found

    def names(self) -> dict[str, str]:
        """Names of all containers with their states."""
        listed = self.engine.get("/containers/json", {"all": True})
        return {one["Names"][0].lstrip("/"): one["State"] for one in listed}

    def update(
        self, name: str, digest: str, *, settle: float = 0.3, socket: str = "", **wish: Any
    ) -> dict[str, Any]:
        """Update in this process: what the module does, without Ansible around it."""
        containers = Containers(Engine({"docker_host": socket or self.socket}))
        journal = Journal(str(self.state), "engine")
        wanted = Request(name, Reference.parse(self.image), digest, **wish)
        with journal.lock(60):
            return Update(containers, journal, wanted, Options(settle)).run()

    def arguments(self, **options: Any) -> dict[str, Any]:
        return {
            "engine": {"docker_host": self.socket},
            "state_directory": str(self.state),
            "settle": 0.5,
            **options,
        }

    def module(self, **options: Any) -> dict[str, Any]:
        """Run the module as Ansible would, in a process of its own."""
        process = self.start_module(**options)
        out, _ = process.communicate(timeout=120)
        return answer_of(out)

    def start_module(self, **options: Any) -> "subprocess.Popen[str]":
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": self.arguments(**options)})
        return subprocess.Popen(
            [sys.executable, "-m", MODULE],
            stdin=_text(arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def _text(text: str) -> int:
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    return reader


def answer_of(out: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(out)
    return answer


def comparable(inspect: Mapping[str, Any]) -> dict[str, Any]:
    """An inspect without what differs between any two containers that were made alike."""
    own = inspect["Name"].lstrip("/")
    shown: dict[str, Any] = json.loads(re.sub(rf"\b{re.escape(own)}\b", "<name>", json.dumps(inspect)))
    short = shown["Id"][:12]
    for key in (
        "Id", "Created", "State", "ResolvConfPath", "HostnamePath", "HostsPath", "LogPath", "GraphDriver",
        "Storage", "ExecIDs", "RestartCount",
    ):  # fmt: skip
        shown.pop(key, None)
    config, host, network = shown["Config"], shown["HostConfig"], shown["NetworkSettings"]
    if config.get("Hostname") == short:
        config["Hostname"] = "<short id>"
    host["Mounts"] = [one for one in host.get("Mounts") or [] if not _is_anonymous(one)]
    shown["Mounts"] = sorted(
        (_mount(one) for one in shown["Mounts"]), key=lambda one: str(one["Destination"])
    )
    for key in (
        "SandboxID", "SandboxKey", "EndpointID", "Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPAddress",
        "IPPrefixLen", "IPv6Gateway", "MacAddress",
    ):  # fmt: skip
        network.pop(key, None)
    network["Ports"] = {port: bool(bound) for port, bound in (network.get("Ports") or {}).items()}
    network["Networks"] = {name: _endpoint(one, short) for name, one in (network["Networks"] or {}).items()}
    config["Env"] = sorted(config.get("Env") or [])  # old clients send these in no order
    for key in ("Binds", "Links"):
        host[key] = sorted(host.get(key) or [])
    for where in (shown, config, host):
        for key in [key for key, value in where.items() if value in (None, [], {}, "")]:
            # Lists that are none are shown as null or as empty, as the client sent them.
            if key not in ("MaskedPaths", "ReadonlyPaths"):
                del where[key]
    return shown


def _is_anonymous(mount: Mapping[str, Any]) -> bool:
    return mount["Type"] == "volume" and (
        not mount.get("Source") or bool(ANONYMOUS.fullmatch(mount["Source"]))
    )


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    if ANONYMOUS.fullmatch(mount.get("Name") or ""):
        return {"Type": "volume", "Destination": mount["Destination"], "RW": mount["RW"]}
    return dict(mount)


def _endpoint(endpoint: Mapping[str, Any], short: str) -> dict[str, Any]:
    kept = {key: value for key, value in endpoint.items() if value}
    for key in (
        "EndpointID", "Gateway", "IPAddress", "IPPrefixLen", "IPv6Gateway", "GlobalIPv6Address",
        "GlobalIPv6PrefixLen", "MacAddress",
    ):  # fmt: skip
        kept.pop(key, None)
    for key in ("Aliases", "DNSNames"):
        if key in kept:
            kept[key] = sorted("<short id>" if name == short else name for name in kept[key])
    return kept


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Every place where two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from differences(one.get(key), other.get(key), f"{path}.{key}")
    elif one != other:
        yield f"{path}: {one!r} != {other!r}"
