"""Real registries on loopback, without a lab: Debian's docker-registry with its ways of logging in."""

import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from integration.conftest import until
from integration.receivers import free_port, of_itself
from lab.distribution import RegistryClient
from lab.images import Image

needs_registry = pytest.mark.skipif(
    not (shutil.which("docker-registry") and shutil.which("htpasswd")),
    reason="docker-registry and htpasswd are not installed; `make lab-setup` as root does it",
)
DISTRIBUTION_3 = "github.com/distribution/distribution/v3/cmd/registry@v3.1.2"
ZOT = "zotregistry.dev/zot/v2/cmd/zot@latest"
USER, PASSWORD = "updater", "pull-only"


def image(version: str) -> Image:
    return Image("amd64", json.dumps({"version": version}).encode(), (b"layer of " + version.encode(),))


@dataclass
class RealRegistry:
    """A docker-registry in a folder; what it is told to want of a login is in ``auth``."""

    folder: Path
    auth: Mapping[str, Any] = field(default_factory=dict)
    tls: Mapping[str, str] = field(default_factory=dict)
    notifications: Mapping[str, Any] = field(default_factory=dict)
    program: str = "docker-registry"
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def client(self) -> RegistryClient:
        return RegistryClient(self.host)

    def start(self) -> None:
        settings = {
            "version": 0.1,
            "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder)}, "delete": {"enabled": True}},
            "http": {"addr": self.host, "secret": "of a test", **({"tls": self.tls} if self.tls else {})},
            **({"auth": self.auth} if self.auth else {}),
            **({"notifications": self.notifications} if self.notifications else {}),
        }
        path = self.folder / "config.yml"
        path.write_text(yaml.safe_dump(settings))
        self.serve(path)

    def serve(self, path: Path) -> None:
        """Have the program serve, as the file at ``path`` says."""
        with (self.folder / "registry.log").open("ab") as log:
            self.process = subprocess.Popen([self.program, "serve", str(path)], stdout=log, stderr=log)
        until(self._answers)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self.process = None

    def asked(self) -> list[str]:
        """The manifests that it was asked for, in order."""
        lines = (self.folder / "registry.log").read_text().splitlines()
        return [line.split('"')[1] for line in lines if '"HEAD /v2/' in line]

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 2).close()
        except OSError:
            return False
        return True


@dataclass
class RealZot(RealRegistry):
    """A zot in a folder, with the extensions that it is told to have."""

    extensions: Mapping[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        settings = {
            "storage": {"rootDirectory": str(self.folder / "images")},
            # What the lab pushes is of Docker's types.
            "http": {"address": "127.0.0.1", "port": str(self.port), "compat": ["docker2s2"]},
            "log": {"level": "info"},
            "extensions": self.extensions,
        }
        path = self.folder / "config.json"
        path.write_text(json.dumps(settings))
        self.serve(path)


@contextmanager
def registry(folder: Path, kind: type[RealRegistry] = RealRegistry, **more: Any) -> Iterator[RealRegistry]:
    folder.mkdir(exist_ok=True)
    made = kind(folder, **more)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def distribution3(folder: Path) -> Path:
    """Distribution 3, made from its source by Go; the test is skipped where it cannot be."""
    return _made_by_go(DISTRIBUTION_3, folder) / "registry"


def zot(folder: Path) -> Path:
    """A zot with its events: the one that is installed, or made from its source; the test is skipped where it cannot be."""
    installed = shutil.which("zot")
    return (
        Path(installed) if installed else _made_by_go(ZOT, folder, "events,containers_image_openpgp") / "zot"
    )


def _made_by_go(what: str, folder: Path, tags: str = "") -> Path:
    if not shutil.which("go"):
        pytest.skip(f"{what} is made by Go, which is not installed")
    built = subprocess.run(
        ["go", "install", "-tags", tags, what],
        env={**os.environ, "GOBIN": str(folder), "GOFLAGS": "-mod=mod"},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    if built.returncode:
        pytest.skip(f"Go could not make {what}: {built.stderr[-300:]}")
    return folder


def htpasswd(folder: Path, realm: str = "a shop") -> dict[str, Any]:
    """What makes a registry want a user and a password."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["htpasswd", "-niB", USER], input=PASSWORD, text=True, capture_output=True, check=True
    )
    (folder / "htpasswd").write_text(done.stdout)
    return {"htpasswd": {"realm": realm, "path": str(folder / "htpasswd")}}


@dataclass
class TokenServer:
    """Gives tokens for pulling to a user, or to who brings an identity token, except for the ``denied``."""

    folder: Path
    url: str = ""
    denied: set[str] = field(default_factory=set)
    seconds: int = 300
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def auth(self) -> dict[str, Any]:
        """What makes a registry send clients here for tokens."""
        made = (
            of_itself(self.key, "tokens of a test")
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        bundle = self.folder / "tokens.pem"
        bundle.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        self.chain = base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()
        return {
            "token": {
                "realm": self.url,
                "service": "a shop, with a comma",
                "issuer": "tokens of a test",
                "rootcertbundle": str(bundle),
            }
        }

    def answer(self, asked: Mapping[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        known = authorization == expected or asked.get("refresh_token") == "identity"
        if (authorization or "refresh_token" in asked) and not known:
            return 401, {}
        scope = asked.get("scope", "")
        kind, _, rest = scope.partition(":")
        repository, _, actions = rest.rpartition(":")
        granted = known and repository not in self.denied
        access = (
            [{"type": kind, "name": repository, "actions": actions.split(",")}] if granted and scope else []
        )
        # The two ways in which token servers name what they give.
        name = "access_token" if "refresh_token" in asked else "token"
        return 200, {name: self.token(access, asked["service"]), "expires_in": self.seconds}

    def token(self, access: Any, service: str) -> str:
        now = int(time.time())
        header = {"typ": "JWT", "alg": "ES256", "x5c": [self.chain]}
        claims = {
            "iss": "tokens of a test",
            "sub": USER,
            "aud": service,
            "exp": now + 300,
            "nbf": now - 10,
            "iat": now,
            "jti": str(now),
            "access": access,
        }
        signed = b".".join(_text(json.dumps(part).encode()) for part in (header, claims))
        r, s = utils.decode_dss_signature(self.key.sign(signed, ec.ECDSA(hashes.SHA256())))
        return (signed + b"." + _text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))).decode()


def _text(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


@contextmanager
def token_server(folder: Path) -> Iterator[TokenServer]:
    folder.mkdir(exist_ok=True)
    made = TokenServer(folder)

    def answer(method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any, bytes]:
        parts = parse_qs(urlsplit(path).query if method == "GET" else body.decode())
        asked = {name: values[0] for name, values in parts.items()}
        made.asked.append((method, asked))
        status, content = made.answer(asked, headers.get("Authorization", ""))
        return status, {}, json.dumps(content).encode()

    with played(answer) as url:
        made.url = url + "/token"
        yield made


Answer = Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]


@contextmanager
def played(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that answers as ``answer(method, path, headers, body)`` says: status, headers, body.

    Status 0 hangs up.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Else the body waits, 40 ms, until the client acknowledges the head.
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, content = answer(self.command, self.path, dict(self.headers.items()), body)
            if not status:
                self.close_connection = True
                return
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = handle_any  # noqa: N815 - names of the standard library

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
