"""The server as it listens, with a real store behind it."""

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.http.api import Api
from registry_docker_updater.http.application import application
from registry_docker_updater.http.receiver import Receiver, Source
from registry_docker_updater.http.server import Server
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage

PAYLOADS = Path(__file__).parents[2] / "payloads"


PUSH = (PAYLOADS / "distribution2-push-tag.json").read_bytes()


MULTI = json.loads((PAYLOADS / "sequence-distribution2-multiarch-push.json").read_text())


HARBOR_PUSH = (PAYLOADS / "harbor28-push-artifact.json").read_bytes()


LIMIT = 100_000


SECRET = {"Authorization": "Bearer s3cret"}


@dataclass
class Listener:
    """A running listener, and a sender that keeps its connection."""

    path: Path
    database: Database
    store: Storage
    server: Server
    outages: list[str]
    woken: list[bool] = field(default_factory=list)
    is_ready: bool = True

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str | bytes] | None = None,
        connection: http.client.HTTPConnection | None = None,
        **more: Any,
    ) -> tuple[int, Any]:
        through = connection or self.connect()
        through.request(method, path, body, headers or {}, **more)
        answer = through.getresponse()
        assert answer.getheader("Content-Type", "").startswith("application/json")
        content = json.loads(answer.read())
        if not connection:
            through.close()
        return answer.status, content

    def send(self, body: Any, registry: str = "production", **more: Any) -> tuple[int, Any]:
        return self.ask("POST", f"/events/{registry}", body, {**SECRET, **more.pop("headers", {})}, **more)


def listen(folder: Path, tls: tuple[str, str] | None = None) -> Listener:
    path = folder / "updater.db"
    database = Database(path)
    store = Storage(database)
    sources = {
        "production": Source("production", FORMATS["distribution"], "s3cret"),
        "harbor": Source("harbor", FORMATS["harbor"], "s3cret"),
        "international": Source("international", FORMATS["harbor"], "pässwörd ☃"),
    }
    outages: list[str] = []
    woken: list[bool] = []
    receiver = Receiver(
        sources=sources,
        body_limit=LIMIT,
        storage=store,
        wake=lambda: woken.append(True),
        outage=outages.append,
        clock=utc_now,
    )
    server = Server(application(receiver, Api(store, lambda: made.is_ready)), "127.0.0.1", 0, tls)
    server._server.expiration_interval = 0.02  # how soon it notices that it is to stop
    made = Listener(path, database, store, server, outages, woken)
    server.start()
    return made


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    made = listen(tmp_path)
    yield made
    made.server.stop()
    made.database.close()


def counts(accepted: int = 0, ignored: int = 0, duplicates: int = 0, unreadable: int = 0) -> dict[str, int]:
    return {"accepted": accepted, "ignored": ignored, "duplicates": duplicates, "unreadable": unreadable}
