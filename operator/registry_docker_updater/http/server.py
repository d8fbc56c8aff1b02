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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue

from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.http.connection import Connection, Limits
from registry_docker_updater.http.gate import Gate
from registry_docker_updater.http.head import Answer, Head, Peer
from registry_docker_updater.http.reader import Request
from registry_docker_updater.http.refusals import Refusals
from registry_docker_updater.http.together import Together
from registry_docker_updater.http.wsgi import call

_log = logging.getLogger(__name__)
# Threads for what is no delivery, and how many deliveries are kept together at most.
_ANSWERING, _MOST_TOGETHER = 4, 200
_COMPANY_SECONDS = 0.0003
_BACKLOG = 512
_LOOK_SECONDS = 0.2
# How long the end waits for what is being answered.
_END_SECONDS = 5.0
# Where there are no descriptors left, until some are.
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Listening:
    """Where to listen; ``tls`` is the paths of certificate and key, both PEM."""

    address: str
    port: int
    tls: tuple[str, str] | None = None


# A delivery, and who is to be given its answer.
_Waiting = tuple[Request, Callable[[Answer], None]]


class Server:
    """Serves one WSGI application: deliveries ``together``, and whatever else is asked by itself.

    ``admits`` says how many bytes of a request's body are wanted, by its head; what is wanted is a delivery.
    """

    def __init__(
        self,
        together: Together,
        admits: Callable[[Head], int],
        listening: Listening,
        limits: Limits | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        """Bind the address; raises :class:`UpdaterError`."""
        self.admits = admits
        self._together = together
        self._limits = limits or Limits()
        try:
            self._tls = _context(*listening.tls) if listening.tls else None
            self._listening = _listen(listening.address, listening.port)
        except OSError as error:
            where = f"{listening.address}:{listening.port}"
            raise UpdaterError(f"cannot listen on {where}: {error}") from None
        self.port: int = self._listening.getsockname()[1]
        self._gate: Gate[Connection] = Gate(self._limits.most, self._limits.most_each)
        self._connections: set[Connection] = set()
        self._arriving: dict[Connection, asyncio.Task[None]] = {}
        self._deliveries: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._delivering = threading.Thread(target=self._deliver, name="deliveries", daemon=True)
        self._answering = ThreadPoolExecutor(_ANSWERING, "answer")
        self._loop = asyncio.new_event_loop()
        self._refusals = refusals or Refusals(time.monotonic)
        self._ending, self._all_left = asyncio.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._delivering.start()
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being answered, and close."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join()
            self._deliveries.put(None)
            self._delivering.join()
        self._answering.shutdown()

    # The door, as connections see it.

    def serve(self, request: Request, answered: Callable[[Answer], None]) -> None:
        """Have ``request`` answered by the application."""
        if request.body_limit:
            self._deliveries.put((request, answered))
        else:
            self._answering.submit(self._answer, request, answered)

    def refused(self, address: str, line: str) -> None:
        """Note that a peer was refused."""
        self._refusals.log(address, line)

    def left(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        self._gate.leave(connection, connection.peer.address)
        if self._ending.is_set() and not self._connections:
            self._all_left.set()

    # What goes on in threads.

    def _answer(self, request: Request, answered: Callable[[Answer], None]) -> None:
        answer = call(self._together.application, request.head, bytes(request.body))
        self._in_loop(answered, answer)

    def _deliver(self) -> None:
        some: list[_Waiting] = []
        while waiting := self._deliveries.get():
            if len(some) > 1:
                # Many are sending: a commit with more in it costs hardly more.
                time.sleep(_COMPANY_SECONDS)
            some = [waiting, *self._more()]
            answers = self._together.answers([request for request, _ in some])
            answered = [answered for _, answered in some]
            self._in_loop(_answer_each, answered, answers)

    def _more(self) -> Iterator[_Waiting]:
        for _ in range(_MOST_TOGETHER):
            try:
                waiting = self._deliveries.get_nowait()
            except Empty:
                return
            if waiting is None:
                self._deliveries.put(None)
                return
            yield waiting

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
                connection.mind(now)
            try:
                await asyncio.wait_for(self._ending.wait(), _LOOK_SECONDS)
            except TimeoutError:
                continue
        accepting.cancel()
        self._listening.close()
        await self._end()

    async def _end(self) -> None:
        for task in self._arriving.values():
            task.cancel()
        for connection in tuple(self._connections):
            connection.end()
        if self._connections:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_left.wait(), _END_SECONDS)
        for connection in tuple(self._connections):
            connection.give_way()
        await asyncio.sleep(0)

    async def _accept(self) -> None:
        while True:
            try:
                sock, name = await self._loop.sock_accept(self._listening)
            except OSError as error:
                _log.error("cannot accept a connection: %s", error)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            address = name[0].removeprefix("::ffff:")
            scheme = "https" if self._tls else "http"
            peer = Peer(address, name[1], scheme, self._listening.getsockname()[:2])
            connection = Connection(peer, self, self._limits, self._loop)
            entry = self._gate.enter(connection, address)
            if entry.gives_way:
                self.refused(address, f"a silent connection of {entry.gives_way.peer.address} gave way")
                self._dismiss(entry.gives_way)
            if not entry.may_enter:
                self.refused(address, f"there are too many connections: one of {address} was closed")
                sock.close()
                continue
            self._connections.add(connection)
            arriving = asyncio.create_task(self._enter(connection, sock))
            self._arriving[connection] = arriving
            arriving.add_done_callback(partial(self._entered, connection, sock))

    def _dismiss(self, connection: Connection) -> None:
        arriving = self._arriving.get(connection)
        if arriving:
            arriving.cancel()
        else:
            connection.give_way()

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
        if not arriving.cancelled() and arriving.exception() is None:
            return
        error = None if arriving.cancelled() else arriving.exception()
        if error and not isinstance(error, ConnectionResetError):
            # Who only looks whether the port is open, as load balancers do, is not worth a word.
            address = connection.peer.address
            self.refused(address, f"no TLS with {address}: {error}")
        sock.close()
        self.left(connection)


def _answer_each(answered: Sequence[Callable[[Answer], None]], answers: Sequence[Answer]) -> None:
    for one, answer in zip(answered, answers, strict=True):
        one(answer)


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
