# SPDX-License-Identifier: Apache-2.0
"""A registry of a lab: Debian's docker-registry on the lab's own address, as a process of the outer machine."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from lab import cgroups
from lab.commands import run
from lab.distribution import RegistryClient
from lab.images import Image
from lab.processes import Process, launch
from lab.spec import Endpoint, LabSpec, RegistrySpec
from lab.waiting import until


class Registry:
    """A registry: its address, what is pushed to it, and whether it runs. Made by `Lab`."""

    def __init__(self, lab: LabSpec, spec: RegistrySpec, directory: Path) -> None:
        self._lab = lab
        self._spec = spec
        self._directory = directory
        self._client = RegistryClient(self.address, spec.username, spec.password)

    def __repr__(self) -> str:
        return f"Registry({self.name!r}, {self.address!r})"

    @property
    def name(self) -> str:
        return self._spec.name

    @property
    def address(self) -> str:
        """Host and port, for image names: "198.18.7.1:5000"."""
        return f"{self._lab.address}:{self._spec.port}"

    @property
    def host_name(self) -> str:
        """Another name of it, known to the lab's hosts only: "registry.lab:5000"."""
        return f"{self.name}.lab:{self._spec.port}"

    @property
    def log(self) -> Path:
        return self._directory / "registry.log"

    @property
    def running(self) -> bool:
        process = Process.recorded(self._record)
        return process is not None and process.alive

    @property
    def client(self) -> RegistryClient:
        """The registry's API, with the user of its spec; make another one to be somebody else."""
        return self._client

    def install(self) -> None:
        """Make its folder and its settings."""
        (self._directory / "storage").mkdir(parents=True)
        if self._spec.username:
            line = run("htpasswd", "-niB", self._spec.username, input=self._spec.password).stdout
            (self._directory / "htpasswd").write_text(line)
        self._write_settings(self._spec.endpoints)

    def start(self) -> None:
        """Start it with the images it had; return when it answers. One that runs is left alone."""
        if not self.running:
            self._record.unlink(missing_ok=True)
            launch(
                ("docker-registry", "serve", str(self._settings)),
                log=self.log,
                record=self._record,
                groups=cgroups.make(self._lab.name, f"registry.{self.name}"),
            )
        until(
            self.client.answers, who=self.name, what=f"answers at {self.address}", deadline=20, log=self.log
        )

    def stop(self) -> None:
        """Stop it, as a restart of its machine would. Notifications not sent yet are lost."""
        process = Process.recorded(self._record)
        if process is not None:
            process.end(who=self.name, grace=5)

    def set_endpoints(self, endpoints: Iterable[Endpoint]) -> None:
        """Send notifications to these from now on; restarts it if it runs."""
        was_running = self.running
        self.stop()
        self._write_settings(endpoints)
        if was_running:
            self.start()

    def push(self, repository: str, tag: str, image: Image) -> str:
        """Push an image and return its digest. Raises `LabError` if the registry does not take it."""
        return self._client.push(repository, tag, image)

    def push_index(self, repository: str, tag: str, images: Mapping[str, Image]) -> str:
        """Push an index of images by platform ("linux/amd64") and return its digest."""
        return self._client.push_index(repository, tag, images)

    def retag(self, source: str, tag: str, target: str, target_tag: str | None = None) -> str:
        """Name `source:tag` also `target:target_tag` (the same tag, if none is given); return its digest."""
        return self._client.retag(source, tag, target, target_tag)

    def digest(self, repository: str, tag: str) -> str | None:
        """The digest a tag has now, or none."""
        return self._client.digest(repository, tag)

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest and its tags."""
        self._client.delete(repository, digest)

    @property
    def _record(self) -> Path:
        return self._directory / "process"

    @property
    def _settings(self) -> Path:
        return self._directory / "config.yml"

    def _write_settings(self, endpoints: Iterable[Endpoint]) -> None:
        settings: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "info", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self._directory / "storage")},
                "delete": {"enabled": True},
            },
            "http": {"addr": self.address, "secret": f"of the lab {self._lab.name}"},
            "notifications": {"endpoints": [_endpoint(one) for one in endpoints]},
        }
        if self._spec.username:
            settings["auth"] = {"htpasswd": {"realm": self.name, "path": str(self._directory / "htpasswd")}}
        self._settings.write_text(yaml.safe_dump(settings))


def _endpoint(endpoint: Endpoint) -> dict[str, object]:
    headers = {"Authorization": [endpoint.authorization]} if endpoint.authorization else {}
    patience: dict[str, object] = {"timeout": "2s", "threshold": 3, "backoff": "1s"}
    return {"name": endpoint.name, "url": endpoint.url, "headers": headers, **patience}
