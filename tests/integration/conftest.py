"""A site for tests of the whole operator: settings, an inventory, and hosts whose engines are played."""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.shops import INVENTORY, Shop, processes
from registry_docker_updater.cli.main import main
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.evidence import verify
from registry_docker_updater.storage.storage import Storage
from unit.builders import HOST, OLD
from unit.engines import Answer, PlayedEngine, container_of, engine_with, played_engine

SECRET = "s3cret-of-the-registry"


def until(condition: Callable[[], Any], seconds: float = 40) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
    return found


@dataclass
class Site:
    """A shop's folder. Engines are played, so what becomes of an update is not what these tests are about."""

    folder: Path
    sockets: Path
    stack: ExitStack
    engines: dict[str, PlayedEngine] = field(default_factory=dict)
    hosts: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "config.yml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def write(self) -> None:
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }
        inventory = {"all": {"hosts": self.hosts, "vars": variables}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        (self.folder / "secret").write_text(SECRET)
        (self.folder / "secret").chmod(0o600)
        settings = {
            "listen": {"address": "127.0.0.1", "port": 0},
            "state_directory": "state",
            # There are no such registries to ask.
            "registries": {
                "production": {
                    "format": "distribution",
                    "hosts": [HOST],
                    "secret": {"file": "secret"},
                    "sweep_interval": "never",
                },
                "harbor": {
                    "format": "harbor",
                    "hosts": ["harbor.example.com"],
                    "secret": {"file": "secret"},
                    "sweep_interval": "never",
                },
            },
            "fleet": {"inventory": "hosts.yml", "scan_interval": "60s"},
            "rollouts": {"retry": {"first": "1s", "attempts": 1}},
        }
        self.config.write_text(yaml.safe_dump(settings, sort_keys=False))

    def add_host(self, name: str, *images: str, is_down: bool = False) -> None:
        """A host that runs a container of each image; its engine does not answer when it ``is_down``."""
        socket = self.sockets / f"{name}.sock"
        self.hosts[name] = {"docker_engine": {"docker_host": f"unix://{socket}", "timeout": 5}}
        if not is_down:
            containers = [container_of(f"web{n}", image) for n, image in enumerate(images)]
            answers = engine_with(*containers, digests=(f"{HOST}/test/app@{OLD}",))
            info = answers["/info"]
            assert isinstance(info, Answer)
            info.body["ID"] = f"engine of {name}"
            self.engines[name] = self.stack.enter_context(played_engine(socket, answers))
        self.write()

    @contextmanager
    def operator(self) -> Iterator["Running"]:
        """The operator in a process of its own, ready to receive."""
        log = self.folder / "operator.log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "registry_docker_updater", "--config", str(self.config), "serve"],
                stderr=out,
                env={**os.environ, "SHOPS_SECRET": "hunter2"},
            )
        running = Running(process, log)
        try:
            until(lambda: running.port or process.poll() is not None)
            yield running
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@dataclass
class Running:
    """A running operator."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def port(self) -> int | None:
        for line in self.log.read_text().splitlines():
            if "listening on http://127.0.0.1:" in line:
                return int(line.split("127.0.0.1:")[1].split("/")[0])
        return None

    def ask(self, method: str, path: str, body: bytes | None = None, secret: str = SECRET) -> tuple[int, Any]:
        assert self.port, self.log.read_text()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body, {"Authorization": f"Bearer {secret}"})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        connection.close()
        return answer.status, content

    def get(self, path: str) -> Any:
        return self.ask("GET", path)[1]


def by_hand(site: Site, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run one of the project's playbooks as people do, in the folder of the site."""
    playbook, *more = arguments
    return subprocess.run(
        [
            "ansible-playbook",
            "-i",
            "hosts.yml",
            f"registry.docker_updater.{playbook.removesuffix('.yml')}",
            *more,
        ],
        cwd=site.folder,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "true",
        },
        text=True,
        capture_output=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is to be closed when the test ends."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database is, or will be."""
    return tmp_path / "updater.db"


@pytest.fixture
def storage(path: Path) -> Iterator[Storage]:
    """A database; whatever a test does to it, the trail tells all of it, and nothing else."""
    database = Database(path)
    kept = Storage(database)
    yield kept
    assert not list(verify(kept))
    database.close()


@contextmanager
def site_in(folder: Path) -> Iterator[Site]:
    """A shop's folder, and what it leads to."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="rdu") as sockets, ExitStack() as stack:
        made = Site(folder, Path(sockets), stack)
        made.write()
        yield made


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with site_in(tmp_path) as made:
        yield made


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    (tmp_path / "hosts.yml").write_text(INVENTORY)
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    yield Shop(tmp_path, {**kept, "LC_ALL": "C.UTF-8", "ANSIBLE_COLLECTIONS_PATH": str(tmp_path)})
    until(lambda: not processes(str(tmp_path)), 10)  # no run is left behind


@pytest.fixture
def run(site: Site, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command at the site; return its exit code, what it printed, and what it complained about."""

    def command(*arguments: str) -> tuple[int, str, str]:
        code = main(["--config", str(site.config), *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


Run = Callable[..., tuple[int, str, str]]
