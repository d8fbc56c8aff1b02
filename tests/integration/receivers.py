"""Real receivers of notifications on loopback: an HTTP server for webhooks and an SMTP server for e-mail."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Webhook:
    """Answers every POST with ``status``, ``answer`` and ``more`` headers, and keeps what it got.

    One that is ``mute`` takes the request and says nothing; one that drips sends a byte of a long answer now and then; one that
    is ``endless`` says how it is and then goes on for ever.
    """

    url: str = ""
    status: int = 200
    answer: str = "ok"
    more: dict[str, str] = field(default_factory=dict)
    manner: Literal["prompt", "mute", "drip", "endless"] = "prompt"
    echoes: bool = False
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    taking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def messages(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]

    def give(self, to: BaseHTTPRequestHandler) -> None:
        to.send_response(self.status)
        for name, value in self.more.items():
            to.send_header(name, value)
        if self.manner == "drip":
            to.send_header("Content-Length", "1000")
        to.end_headers()
        to.wfile.write(self.answer.encode())
        if self.echoes:
            to.wfile.write(f" {to.path} {dict(to.headers.items())}".encode())
        with suppress(OSError):
            while self.manner == "endless" and not self.closing.is_set():
                to.wfile.write(b"x" * 65536)
            while self.manner == "drip" and not self.closing.wait(0.05):
                to.wfile.write(b"x")


@contextmanager
def webhook(path: str, tls: ssl.SSLContext | None = None) -> Iterator[Webhook]:
    kept = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            # Several may come at once.
            with kept.taking:
                kept.paths.append(self.path)
                kept.headers.append(dict(self.headers.items()))
                kept.bodies.append(body)
            if kept.manner == "mute":
                kept.closing.wait()
            else:
                kept.give(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    kept.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}{path}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield kept
    finally:
        kept.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Mailbox:
    """Takes every message, except for the recipients in ``refused``; one that is ``mute_at_the_end`` answers no QUIT."""

    port: int = 0
    mute_at_the_end: bool = False
    refused: set[str] = field(default_factory=set)
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    @property
    def messages(self) -> list[EmailMessage]:
        parser = BytesParser(EmailMessage, policy=default)
        return [
            parser.parsebytes(envelope.content)
            for envelope in self.envelopes
            if isinstance(envelope.content, bytes)
        ]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 taken"

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Envelope) -> str:  # noqa: N802
        if self.mute_at_the_end:
            await asyncio.sleep(3600)
        return "221 bye"


@contextmanager
def endless_greeting(line: bytes) -> Iterator[int]:
    """Listen, and greet everybody with ``line``, now and then, for ever; return the port. With no line, say nothing."""
    closing = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while not closing.wait(0.05):
                    self.request.sendall(line)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            closing.set()
            server.shutdown()
            thread.join()


@contextmanager
def mailbox(
    account: tuple[bytes, bytes] | None = None, tls: ssl.SSLContext | None = None, *, implicit: bool = False
) -> Iterator[Mailbox]:
    """Run an SMTP server; with ``account`` and ``tls`` it wants a login, after STARTTLS or, with ``implicit``, in TLS at once."""
    kept = Mailbox(port=free_port())

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, login: Any) -> AuthResult:
        assert isinstance(login, LoginPassword)
        kept.logins.append((login.login, login.password))
        return AuthResult(success=(login.login, login.password) == account, handled=False)

    protected: dict[str, Any] = {"auth_required": True, "authenticator": authenticate}
    # The library knows of encryption only where it is begun by STARTTLS.
    protected |= (
        {"ssl_context": tls, "auth_require_tls": False}
        if implicit
        else {"tls_context": tls, "require_starttls": True}
    )
    controller = Controller(kept, "127.0.0.1", kept.port, **(protected if tls else {}))
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()


def of_itself(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str, hours: float = 1
) -> x509.CertificateBuilder:
    """Begin a certificate that names itself as who signed it, good until so many hours from now."""
    itself = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(itself)
        .issuer_name(itself)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(now + dt.timedelta(hours=hours))
    )


def certificate(folder: Path, *, is_rsa: bool = False) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for 127.0.0.1; return a server's TLS context and the file that clients must trust."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = ec.generate_private_key(ec.SECP256R1())
    if is_rsa:
        key = rsa.generate_private_key(65537, 2048)
    made = (
        of_itself(key, "test mail server")
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, secret = folder / "mail.pem", folder / "mail.key"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, secret)
    return context, trusted
