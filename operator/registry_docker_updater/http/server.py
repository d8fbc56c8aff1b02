"""The server below the HTTP interface: asyncio waits for peers, llhttp reads what they send, threads answer.

A WSGI application is called when a request is here as a whole, so that no peer holds a thread. Deliveries of registries
have a thread of their own: whatever else is asked does not delay them.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from registry_docker_updater.http.connection import Connection
from registry_docker_updater.http.endpoints import ENDPOINT
from registry_docker_updater.http.entrance import Certificate, Entrance, Listening
from registry_docker_updater.http.followers import BEAT, FOLLOWED, Followers, Following
from registry_docker_updater.http.guard import EVENTS
from registry_docker_updater.http.head import Admission, Answer, Guard, Head
from registry_docker_updater.http.limits import Limits
from registry_docker_updater.http.line import Line
from registry_docker_updater.http.reader import Request
from registry_docker_updater.http.refusals import Refusals
from registry_docker_updater.http.slowing import Slowing
from registry_docker_updater.http.together import Together
from registry_docker_updater.http.wsgi import call
from registry_docker_updater.metrics import Metrics

_log = logging.getLogger(__name__)
# Threads for what is no delivery, and how many deliveries are kept together at most.
_ANSWERING, _MOST_TOGETHER = 4, 200
# These are asked to know whether we live: they wait for nothing else that is asked.
_PROBES = ("/healthz", "/readyz")
_COMPANY_SECONDS = 0.0003
_LOOK_SECONDS = 0.2
# How long the end waits for what is being answered.
_END_SECONDS = 5.0

# What metrics call the endpoint of deliveries, and what is asked for and is none.
_EVENTS_OF_ANY, _NOWHERE = f"{EVENTS}{{registry}}", "none"

_Line = Line[Connection, Request]


class Server:
    """Serves one WSGI application: deliveries ``together``, and whatever else is asked by itself.

    ``guard`` knows what is a delivery, and of whom.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a server is made of
        self,
        together: Together,
        guard: Guard,
        listening: Listening,
        limits: Limits | None = None,
        refusals: Refusals | None = None,
        version: Callable[[str], str | None] = lambda _: None,
        metrics: Metrics | None = None,
    ) -> None:
        """Bind the address; raises :class:`UpdaterError`. ``version`` tells how new what is followed is."""
        self._together, self._guard = together, guard
        limits = limits or Limits()
        self._loop = asyncio.new_event_loop()
        self._entrance = Entrance(listening, limits, self._loop)
        self._deliveries, self._probes, self._others = _Line(), _Line(), _Line()
        self._slowing = Slowing(self._loop.time, limits.slowed)
        self._metrics = metrics or Metrics()
        self._refusals = refusals or Refusals(time.monotonic)
        self._followers = Followers[Connection](version, partial(self._in_loop, _send_each))
        self._ending = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        works: list[Callable[[], None]] = [self._deliver, self._followers.watch]
        works.append(partial(self._answer, self._probes))
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
        self._followers.end()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def change_certificate(self, tls: Certificate | None) -> None:
        """Serve TLS with another certificate from the next handshake on; raises :class:`UpdaterError`."""
        self._entrance.change_certificate(tls)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return self._entrance.port

    # The door, as connections see it.

    def admits(self, head: Head) -> Admission:
        """Return what is wanted of a request, by its head."""
        return self._guard.admits(head)

    def serve(self, connection: Connection, request: Request) -> None:
        """Have ``request`` answered by the application; only who proves who it is, is heard with the deliveries."""
        admission = request.admission
        if admission.is_delivery and (
            admission.is_proven or self._guard.proves(request.head, bytes(request.body))
        ):
            self._deliveries.put(connection, request)
        else:
            (self._probes if request.head.path in _PROBES else self._others).put(connection, request)

    def refused(self, address: str, line: str) -> None:
        """Note that a peer was refused."""
        self._metrics.refused()
        self._refusals.log(address, line)

    def slow_down(self, address: str) -> float:
        """Note a wrong secret of ``address``; return after how many seconds it is to be told."""
        return self._slowing.wrong(address)

    def left(self, connection: Connection) -> None:
        """Forget a connection."""
        self._entrance.leave(connection)
        self._followers.leave(connection)
        for line in (self._probes, self._others):
            line.leave(connection)

    # What goes on in threads.

    def _answer(self, line: _Line) -> None:
        while taken := line.take():
            ((connection, request),) = taken
            followed: list[Following] = []
            known: list[str] = []
            more = {FOLLOWED: followed, ENDPOINT: known}
            answer = call(self._together.application, request.head, bytes(request.body), more)
            count = partial(self._count, known[0] if known else _NOWHERE, request)
            if followed and request.head.method != "HEAD":
                self._in_loop(self._follow, connection, answer, followed[0], count)
            else:
                count(answer)
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
            for (_, request), answer in zip(taken, answers, strict=True):
                self._count(_EVENTS_OF_ANY, request, answer)
            self._in_loop(_answer_each, [connection for connection, _ in taken], answers)

    def _count(self, endpoint: str, request: Request, answer: Answer) -> None:
        seconds = time.monotonic() - request.begun
        self._metrics.answered(endpoint, request.head.method, answer.status[:3], seconds)

    def _in_loop(self, does: Callable[..., None], *given: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it all connections
            self._loop.call_soon_threadsafe(does, *given)

    # What goes on in the loop's thread.

    def _follow(
        self,
        connection: Connection,
        answer: Answer,
        following: Following,
        count: Callable[[Answer], None],
    ) -> None:
        if connection.is_closed:
            return
        refusal = self._followers.enter(connection, following)
        given = Answer.of_refusal(*refusal) if refusal else answer
        count(given)
        _guarded(connection, partial(connection.answer if refusal else connection.begin_stream, given))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(_unexpected)
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.close()

    async def _work(self) -> None:
        accepting = asyncio.create_task(self._entrance.accept(self))
        while not self._ending.is_set():
            now = self._loop.time()
            for connection in tuple(self._entrance.connections):
                _guarded(connection, partial(connection.mind, now))
            self._refusals.sum_up()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _LOOK_SECONDS)
        accepting.cancel()
        self._entrance.close()
        for connection in tuple(self._entrance.connections):
            _guarded(connection, connection.end)
        await asyncio.sleep(0)
        await self._entrance.wait_until_empty(_END_SECONDS)
        for connection in tuple(self._entrance.connections):
            connection.give_way()
        await asyncio.sleep(0)


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


def _send_each(connections: Sequence[Connection], data: bytes) -> None:
    for connection in connections:
        _guarded(connection, partial(connection.send_more, data, is_needed=data is not BEAT))


def _unexpected(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    error = context.get("exception")
    if isinstance(error, OSError):
        return  # a peer that is gone
    _log.error(
        "a bug of the server: %s",
        context.get("message"),
        exc_info=error if isinstance(error, BaseException) else None,
    )
