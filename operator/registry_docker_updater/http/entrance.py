"""The entrance: accepts connections, as many as there may be, and does their handshakes, none of which holds up another."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.http.connection import Connection
from registry_docker_updater.http.door import Door
from registry_docker_updater.http.gate import Gate
from registry_docker_updater.http.head import Peer
from registry_docker_updater.http.limits import Limits

_BACKLOG = 512
# Where there are no descriptors left, until there are.
_PAUSE_SECONDS = 0.05
# How many connections may be about to end beside those that the gate counts.
_MOST_ENDING = 50


@dataclass(frozen=True)
class Certificate:
    """What TLS is served with: paths of PEM files. Where there is one of ``clients``, it has signed theirs."""

    certificate: str
    key: str
    clients: str | None = None


@dataclass(frozen=True)
class Listening:
    """Where to listen, and with which certificate, where TLS is served."""

    address: str
    port: int
    tls: Certificate | None = None


class Entrance:
    """Lets peers in, each with a connection to ``door``; but for the certificate, all of it is for the loop's thread."""

    def __init__(self, listening: Listening, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        """Bind the address; raises :class:`UpdaterError`."""
        self._limits, self._loop = limits, loop
        try:
            self._tls = _context(listening.tls) if listening.tls else None
            self._listening = _listen(listening.address, listening.port)
        except OSError as error:
            where = f"{listening.address}:{listening.port}"
            raise UpdaterError(f"cannot listen on {where}: {error}") from None
        self.port: int = self._listening.getsockname()[1]
        self.gate: Gate[Connection] = Gate(limits.most, limits.most_each)
        # All of them, those that gave way and are not closed yet among them.
        self.connections: set[Connection] = set()
        self._arriving: dict[Connection, asyncio.Task[None]] = {}
        self._has_room, self._is_empty = asyncio.Event(), asyncio.Event()

    def change_certificate(self, tls: Certificate | None) -> None:
        """Serve TLS with another certificate from the next handshake on; raises :class:`UpdaterError`."""
        if not (self._tls and tls):
            return
        try:
            # Into a context that is in use, a key of another kind would be taken beside the one that is there.
            self._tls = _context(tls)
        except OSError as error:
            raise UpdaterError(
                f"listen.tls: cannot serve with {tls.certificate} and {tls.key}: {error}"
            ) from None

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self.connections.discard(connection)
        self.gate.leave(connection, connection.peer.address)
        self._has_room.set()
        if not self.connections:
            self._is_empty.set()

    def close(self) -> None:
        """Accept no more, and do no more handshakes."""
        self._listening.close()
        for arriving in tuple(self._arriving.values()):
            arriving.cancel()

    async def wait_until_empty(self, seconds: float) -> None:
        """Wait until all have left, that many seconds at most."""
        self._is_empty.clear()
        if self.connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_empty.wait(), seconds)

    async def accept(self, door: Door[Connection]) -> None:
        """Accept connections to ``door``, without end."""
        while True:
            # Those that came wait in the queue of the system until those that gave way are gone.
            while len(self.connections) > self._limits.most + _MOST_ENDING:
                self._has_room.clear()
                await self._has_room.wait()
            try:
                sock, name = await self._loop.sock_accept(self._listening)
            except OSError as error:
                door.refused("", f"cannot accept a connection: {error}")
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self._let_in(door, sock, name[0].removeprefix("::ffff:"), name[1])
            # Where many come, accepting never waits: the others have their turn here.
            await asyncio.sleep(0)

    def _let_in(self, door: Door[Connection], sock: socket.socket, address: str, port: int) -> None:
        peer = Peer(address, port, "https" if self._tls else "http", self._listening.getsockname()[:2])
        connection = Connection(peer, door, self._limits, self._loop)
        entry = self.gate.enter(connection, address)
        if entry.gives_way:
            other = entry.gives_way
            door.refused(address, f"too many connections: a silent one of {other.peer.address} gave way")
            arriving = self._arriving.get(other)
            if arriving and not other.is_made:
                arriving.cancel()
            else:
                other.give_way()
        if not entry.may_enter:
            door.refused(address, f"too many connections: one of {address} was closed")
            sock.close()
            return
        self.connections.add(connection)
        arriving = asyncio.create_task(self._handshake(connection, sock))
        self._arriving[connection] = arriving
        arriving.add_done_callback(partial(self._entered, connection, sock, door.refused))

    async def _handshake(self, connection: Connection, sock: socket.socket) -> None:
        await self._loop.connect_accepted_socket(
            lambda: connection,
            sock,
            ssl=self._tls,
            ssl_handshake_timeout=self._limits.handshake if self._tls else None,
            ssl_shutdown_timeout=self._limits.closed if self._tls else None,
        )

    def _entered(
        self,
        connection: Connection,
        sock: socket.socket,
        refused: Callable[[str, str], None],
        arriving: "asyncio.Task[None]",
    ) -> None:
        del self._arriving[connection]
        error = None if arriving.cancelled() else arriving.exception()
        if error and not isinstance(error, ConnectionResetError):
            # Who only looks whether the port is open, as load balancers do, is not worth a word.
            address = connection.peer.address
            refused(address, f"no TLS with {address}: {error}")
        if connection.is_made:
            # It is the transport's by now, and so is its socket.
            if error or arriving.cancelled():
                connection.give_way()
            return
        # Where a transport was made, it was told to end, and gave its socket up.
        sock.close()
        self.leave(connection)


def _context(tls: Certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls.certificate, tls.key)
    if tls.clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(tls.clients)
    return context


def _listen(address: str, port: int) -> socket.socket:
    (family, *_, name), *_ = socket.getaddrinfo(
        address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    listening = socket.create_server(
        name[:2],
        family=family,
        backlog=_BACKLOG,
        dualstack_ipv6=name[0] == "::" and socket.has_dualstack_ipv6(),
    )
    listening.setblocking(False)
    return listening
