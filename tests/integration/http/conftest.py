"""The server as it listens, with a real store behind it."""

import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integration.receivers import certificate
from registry_docker_updater.activities.by_hand import ByHand
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.events.formats import FORMATS
from registry_docker_updater.core.rollouts.desired import DesiredImages
from registry_docker_updater.core.rollouts.outlook import Overview
from registry_docker_updater.core.schedules.registries import KnownRegistry, LastPoll
from registry_docker_updater.http.access import Access, AccessGuard
from registry_docker_updater.http.admission import DoorGuard
from registry_docker_updater.http.api import Api
from registry_docker_updater.http.application import application
from registry_docker_updater.http.by_hand import Pushes
from registry_docker_updater.http.entrance import Certificate, Listening
from registry_docker_updater.http.guard import DeliveryGuard, Source
from registry_docker_updater.http.limits import Limits
from registry_docker_updater.http.listings import Listings
from registry_docker_updater.http.once import Once
from registry_docker_updater.http.receiver import Receiver
from registry_docker_updater.http.refusals import Refusals
from registry_docker_updater.http.server import Server
from registry_docker_updater.http.together import Together
from registry_docker_updater.storage.database import Database
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.current import overview_of
from registry_docker_updater.views.now import CurrentStatus
from registry_docker_updater.views.registries import CurrentRegistries, registries
from unit.builders import HOST, NOON

PAYLOADS = Path(__file__).parents[2] / "payloads"


PUSH = (PAYLOADS / "distribution2-push-tag.json").read_bytes()


MULTI = json.loads((PAYLOADS / "sequence-distribution2-multiarch-push.json").read_text())


HARBOR_PUSH = (PAYLOADS / "harbor28-push-artifact.json").read_bytes()


LIMIT = 100_000


HOSTS = {"production": (HOST,), "harbor": ("harbor.example.com",)}
REGISTRIES = {
    "production": KnownRegistry("distribution", (HOST,)),
    "harbor": KnownRegistry("harbor", ("harbor.example.com",)),
}
POLLS = {"production": LastPoll(NOON, "registry production cannot be reached")}


SECRET = {"Authorization": "Bearer s3cret"}


@dataclass
class Listener:
    """A running listener, and a sender that keeps its connection."""

    path: Path
    database: Database
    store: Storage
    server: Server
    guard: DeliveryGuard
    access: AccessGuard
    outages: list[str]
    trusted: ssl.SSLContext | None = None
    woken: list[str] = field(default_factory=list)
    is_ready: bool = True

    def connect(self) -> http.client.HTTPConnection:
        if self.trusted:
            return http.client.HTTPSConnection(
                "127.0.0.1", self.server.port, context=self.trusted, timeout=20
            )
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)

    def raw(self, address: str = "127.0.0.1") -> socket.socket:
        """A bare connection from ``address``, behind the handshake where there is one."""
        made = socket.create_connection(("127.0.0.1", self.server.port), 20, (address, 0))
        return self.trusted.wrap_socket(made, server_hostname="127.0.0.1") if self.trusted else made

    def answer_to(self, data: bytes) -> bytes:
        """What comes back to exactly these bytes until the server hangs up, where nothing more is sent."""
        with self.raw() as sender:
            sender.sendall(data)
            return received(sender)

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
        assert re.fullmatch(r"application/(problem\+)?json.*", answer.getheader("Content-Type", ""))
        content = json.loads(answer.read())
        if not connection:
            through.close()
        return answer.status, content

    def send(self, body: Any, registry: str = "production", **more: Any) -> tuple[int, Any]:
        return self.ask("POST", f"/events/{registry}", body, {**SECRET, **more.pop("headers", {})}, **more)


def received(sender: socket.socket) -> bytes:
    """All that comes until the other side ends the connection."""
    answer = b""
    try:
        while part := sender.recv(65536):
            answer += part
    except (ConnectionResetError, ssl.SSLError):
        pass
    return answer


def listen(folder: Path, tls: Certificate | None = None, limits: Limits | None = None) -> Listener:
    path = folder / "updater.db"
    database = Database(path)
    store = Storage(database)
    sources = {
        "production": Source("production", FORMATS["distribution"], ("s3cret",)),
        "harbor": Source("harbor", FORMATS["harbor"], ("s3cret",)),
        "international": Source("international", FORMATS["harbor"], ("pässwörd ☃",)),
    }
    outages: list[str] = []
    woken: list[str] = []
    refusals = Refusals(time.monotonic)
    access = AccessGuard(Access())
    guard = DeliveryGuard(sources, LIMIT)
    receiver = Receiver(guard, woken.append, outages.append, utc_now, refusals)
    standings = CurrentRegistries(store, REGISTRIES, lambda: POLLS, utc_now)

    def overview() -> Overview:
        return overview_of(store, HOSTS, DesiredImages(HOSTS), store.fleet.load(), utc_now)

    status = CurrentStatus(store, overview, standings, timedelta(minutes=1), running=dict)
    listings = Listings(store, store.fleet.load, overview, lambda: registries(standings()), status)
    by_hand = ByHand(store, HOSTS, store.fleet.load, utc_now)
    pushes = Pushes(Once(store, by_hand, lambda: woken.append("by hand"), utc_now))
    api = Api(
        listings, pushes, lambda: database.trouble() if made.is_ready else "starting or stopping", "1.2.3"
    )
    endpoints = (*receiver.endpoints(), *api.endpoints())
    server = Server(
        Together(application(endpoints, access, refusals), store.events.record_all),
        DoorGuard(guard, access, endpoints),
        Listening("127.0.0.1", 0, tls),
        limits,
        refusals,
    )
    trusted = ssl.create_default_context(cafile=tls.certificate) if tls else None
    made = Listener(path, database, store, server, guard, access, outages, trusted, woken)
    server.start()
    return made


@contextmanager
def listening(folder: Path, limits: Limits | None = None, *, with_tls: bool = False) -> Iterator[Listener]:
    tls = None
    if with_tls:
        _, trusted = certificate(folder)
        tls = Certificate(str(trusted), str(trusted.with_suffix(".key")))
    made = listen(folder, tls, limits)
    yield made
    made.server.stop()
    made.database.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with listening(tmp_path, Limits(slowed=0.4)) as made:
        yield made


@pytest.fixture(params=["plain", "tls"])
def either(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Listener]:
    """The same without and with TLS."""
    with listening(tmp_path, Limits(quiet=0.1, slowed=0), with_tls=request.param == "tls") as made:
        yield made


# Short, so that a test need not wait; that a byte now and then prolongs nothing is the same.
HURRIED = Limits(handshake=0.4, idle=0.6, head=0.4, body=0.4, taken=0.4, closed=0.4, quiet=0.1, slowed=0)


@pytest.fixture(params=["plain", "tls"])
def hurried(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Listener]:
    with listening(tmp_path, HURRIED, with_tls=request.param == "tls") as made:
        yield made


def counts(accepted: int = 0, ignored: int = 0, duplicates: int = 0, unreadable: int = 0) -> dict[str, int]:
    return {"accepted": accepted, "ignored": ignored, "duplicates": duplicates, "unreadable": unreadable}
