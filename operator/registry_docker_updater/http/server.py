"""The server below the HTTP interface: asyncio waits for peers, llhttp reads what they send, threads answer.

A WSGI application is called when a request is here as a whole, so that no peer holds a thread. Deliveries of registries
have a thread of their own: whatever else is asked does not delay them.
"""

import asyncio
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.http.connection import Connection, Limits
from registry_docker_updater.http.gate import Gate
from registry_docker_updater.http.head import Admission, Answer, Guard, Head, Peer
from registry_docker_updater.http.line import Line
from registry_docker_updater.http.reader import Request
from registry_docker_updater.http.refusals import Refusals
from registry_docker_updater.http.slowing import Slowing
from registry_docker_updater.http.together import Together
from registry_docker_updater.http.wsgi import call

_log = logging.getLogger(__name__)
# Threads for what is no delivery, and how many deliveries are kept together at most.
_ANSWERING, _MOST_TOGETHER = 4, 200
# These are asked to know whether we live: they wait for nothing else that is asked.
_PROBES = ("/healthz", "/readyz")
_COMPANY_SECONDS = 0.0003
_BACKLOG = 512
_LOOK_SECONDS = 0.2
# How long the end waits for what is being answered.
_END_SECONDS = 5.0
# Where there are no descriptors left, until there are.
_PAUSE_SECONDS = 0.05
# How many connections may be about to end beside those that the gate counts.
_MOST_ENDING = 50


@dataclass(frozen=True)
class Listening:
    """Where to listen; ``tls`` is the paths of certificate and key, both PEM."""

    address: str
    port: int
    tls: tuple[str, str] | None = None


_Line = Line[Connection, Request]


class Server:
    """Serves one WSGI application: deliveries ``together``, and whatever else is asked by itself.

    ``guard`` knows what is a delivery, and of whom.
    """

    def __init__(
        self,
        together: Together,
        guard: Guard,
        listening: Listening,
        limits: Limits | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        """Bind the address; raises :class:`UpdaterError`."""
        self._together, self._guard = together, guard
        self._limits = limits or Limits()
        try:
            self._tls = _context(*listening.tls) if listening.tls else None
            self._listening = _listen(listening.address, listening.port)
        except OSError as error:
            where = f"{listening.address}:{listening.port}"
            raise UpdaterError(f"cannot listen on {where}: {error}") from None
        self.port: int = self._listening.getsockname()[1]
        self._gate: Gate[Connection] = Gate(self._limits.most, self._limits.most_each)
        # All of them, those that gave way and are not closed yet among them.
        self._connections: set[Connection] = set()
        self._arriving: dict[Connection, asyncio.Task[None]] = {}
        self._deliveries, self._probes, self._others = _Line(), _Line(), _Line()
        self._loop = asyncio.new_event_loop()
        self._slowing = Slowing(self._loop.time, self._limits.slowed)
        self._refusals = refusals or Refusals(time.monotonic)
        self._has_room, self._ending, self._all_left = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        works: list[Callable[[], None]] = [self._deliver, partial(self._answer, self._probes)]
        works += [partial(self._answer, self._others)] * _ANSWERING
        self._threads = [threading.Thread(target=work, name="answers", daemon=True) for work in works]

    def start(self) -> None:
        """Begin to answer."""
        for thread in (*self._threads, self._thread):
            thread.start()

    def stop(self) -> None:
        """Finish what is being answered, and close."""
        if self._thread.is_alive():
            self._in_loop(self._ending.set)
            self._thread.join()
        for line in (self._deliveries, self._probes, self._others):
            line.end()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def change_certificate(self, tls: tuple[str, str] | None) -> None:
        """Serve TLS with another certificate and key from the next handshake on; raises :class:`UpdaterError`."""
        if not (self._tls and tls):
            return
        try:
            # Into a context that is in use, a key of another kind would be taken beside the one that is there.
            self._tls = _context(*tls)
        except OSError as error:
            raise UpdaterError(f"listen.tls: cannot serve with {tls[0]} and {tls[1]}: {error}") from None

    @property
    def is_listening(self) -> bool:
        """Whether anybody can be heard."""
        return self._thread.is_alive()

    # The door, as connections see it.

    def admits(self, head: Head) -> Admission:
        """Return what is wanted of a request, by its head."""
        return self._guard.admits(head)

    def serve(self, connection: Connection, request: Request) -> None:
        """Have ``request`` answered by the application; only who proves who it is, is heard with the deliveries."""
        admission = request.admission
        if admission.body_limit and (
            admission.is_proven or self._guard.proves(request.head, bytes(request.body))
        ):
            self._deliveries.put(connection, request)
        else:
            (self._probes if request.head.path in _PROBES else self._others).put(connection, request)

    def refused(self, address: str, line: str) -> None:
        """Note that a peer was refused."""
        self._refusals.log(address, line)

    def slow_down(self, address: str) -> float:
        """Note a wrong secret of ``address``; return after how many seconds it is to be told."""
        return self._slowing.wrong(address)

    def left(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        self._has_room.set()
        self._gate.leave(connection, connection.peer.address)
        for line in (self._probes, self._others):
            line.leave(connection)
        if self._ending.is_set() and not self._connections:
            self._all_left.set()

    # What goes on in threads.

    def _answer(self, line: _Line) -> None:
        while taken := line.take():
            ((connection, request),) = taken
            answer = call(self._together.application, request.head, bytes(request.body))
            self._in_loop(_answer_each, [connection], [answer])

    def _deliver(self) -> None:
        taken: list[tuple[Connection, Request]] = []
        while True:
            if len(taken) > 1:
                # Many are sending: a commit with more in it costs hardly more.
                time.sleep(_COMPANY_SECONDS)
            taken = self._deliveries.take(_MOST_TOGETHER)
            if not taken:
                return
            try:
                answers = self._together.answers([request for _, request in taken])
            except Exception:  # a thread that ends would leave every delivery unanswered
                _log.exception("a bug of the server; these deliveries are not kept")
                answers = [Answer.of_refusal(500, "internal error") for _ in taken]
            self._in_loop(_answer_each, [connection for connection, _ in taken], answers)

    def _in_loop(self, does: Callable[..., None], *given: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it all connections
            self._loop.call_soon_threadsafe(does, *given)

    # What goes on in the loop's thread.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(_unexpected)
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.close()

    async def _work(self) -> None:
        accepting = asyncio.create_task(self._accept())
        while not self._ending.is_set():
            now = self._loop.time()
            for connection in tuple(self._connections):
                _guarded(connection, partial(connection.mind, now))
            self._refusals.sum_up()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _LOOK_SECONDS)
        accepting.cancel()
        self._listening.close()
        await self._end()

    async def _end(self) -> None:
        for task in tuple(self._arriving.values()):
            task.cancel()
        for connection in tuple(self._connections):
            _guarded(connection, connection.end)
        await asyncio.sleep(0)
        if self._connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_left.wait(), _END_SECONDS)
        for connection in tuple(self._connections):
            connection.give_way()
        await asyncio.sleep(0)

    async def _accept(self) -> None:
        while True:
            # Those that came wait in the queue of the system until those that gave way are gone.
            while len(self._connections) > self._limits.most + _MOST_ENDING:
                self._has_room.clear()
                await self._has_room.wait()
            try:
                sock, name = await self._loop.sock_accept(self._listening)
            except OSError as error:
                self.refused("", f"cannot accept a connection: {error}")
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self._let_in(sock, name[0].removeprefix("::ffff:"), name[1])
            # Where many come, accepting never waits: the others have their turn here.
            await asyncio.sleep(0)

    def _let_in(self, sock: socket.socket, address: str, port: int) -> None:
        scheme = "https" if self._tls else "http"
        peer = Peer(address, port, scheme, self._listening.getsockname()[:2])
        connection = Connection(peer, self, self._limits, self._loop)
        entry = self._gate.enter(connection, address)
        if entry.gives_way:
            other = entry.gives_way
            self.refused(address, f"too many connections: a silent one of {other.peer.address} gave way")
            arriving = self._arriving.get(other)
            if arriving and not other.is_made:
                arriving.cancel()
            else:
                other.give_way()
        if not entry.may_enter:
            self.refused(address, f"too many connections: one of {address} was closed")
            sock.close()
            return
        self._connections.add(connection)
        arriving = asyncio.create_task(self._enter(connection, sock))
        self._arriving[connection] = arriving
        arriving.add_done_callback(partial(self._entered, connection, sock))

    async def _enter(self, connection: Connection, sock: socket.socket) -> None:
        await self._loop.connect_accepted_socket(
            lambda: connection,
            sock,
            ssl=self._tls,
            ssl_handshake_timeout=self._limits.handshake if self._tls else None,
            ssl_shutdown_timeout=self._limits.closed if self._tls else None,
        )

    def _entered(self, connection: Connection, sock: socket.socket, arriving: "asyncio.Task[None]") -> None:
        del self._arriving[connection]
        error = None if arriving.cancelled() else arriving.exception()
        if error and not isinstance(error, ConnectionResetError):
            # Who only looks whether the port is open, as load balancers do, is not worth a word.
            address = connection.peer.address
            self.refused(address, f"no TLS with {address}: {error}")
        if connection.is_made:
            # It is the transport's by now, and so is its socket.
            if error or arriving.cancelled():
                connection.give_way()
            return
        # Where a transport was made, it was told to end, and gave its socket up.
        sock.close()
        self.left(connection)


def _guarded(connection: Connection, does: Callable[[], None]) -> None:
    """Do something for one connection; whatever it leads to must not end any other."""
    try:
        does()
    except Exception:
        _log.exception("a bug of the server; the connection of %s is ended", connection.peer.address)
        connection.give_way()


def _answer_each(connections: Sequence[Connection], answers: Sequence[Answer]) -> None:
    for connection, answer in zip(connections, answers, strict=True):
        _guarded(connection, partial(connection.answer, answer))


def _context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
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


def _unexpected(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    error = context.get("exception")
    if isinstance(error, OSError):
        return  # a peer that is gone
    _log.error(
        "a bug of the server: %s",
        context.get("message"),
        exc_info=error if isinstance(error, BaseException) else None,
    )
