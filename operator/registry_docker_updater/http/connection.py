"""One connection: what comes through it is read, answered in order, and waited for no longer than is good for others.

Each wait has a total time, which a byte now and then does not prolong. The body of a request that is refused anyway is
not waited for; it is thrown away for a moment, because a peer that is cut off while it sends sees no answer.
"""

import asyncio
from contextlib import suppress
from email.utils import formatdate
from typing import cast

from registry_docker_updater.http.door import Door
from registry_docker_updater.http.gate import Patience
from registry_docker_updater.http.head import Answer, Peer
from registry_docker_updater.http.limits import LARGEST_DISCARDED, READ_AHEAD, Limits, Phase, Wait
from registry_docker_updater.http.reader import Reader, Refused
from registry_docker_updater.http.refusals import place


class Connection(asyncio.Protocol):
    """A connection of ``peer`` to ``door``; everything happens in the thread of ``loop``."""

    def __init__(
        self, peer: Peer, door: "Door[Connection]", limits: Limits, loop: asyncio.AbstractEventLoop
    ) -> None:
        """Begin with the handshake, where there is one."""
        self.peer = peer
        self._door, self._limits, self._loop = door, limits, loop
        self._reader = Reader(peer, door.admits)
        self._transport: asyncio.Transport | None = None
        self._wait = Wait(limits, loop.time)
        self._was_of_use = self._is_last = False
        self._discarded, self._more = 0, b""

    @property
    def is_made(self) -> bool:
        """Whether the handshake is done."""
        return self._wait.phase is not Phase.HANDSHAKE

    @property
    def is_closed(self) -> bool:
        """Whether nothing more comes or goes."""
        return self._wait.phase is Phase.CLOSED

    @property
    def patience(self) -> Patience:
        """How ready it is to give way to another: never while something comes from, or goes to, a known sender."""
        request = self._reader.request
        is_asked = self._wait.phase in (Phase.BODY, Phase.ANSWER, Phase.TAKEN)
        if is_asked and request and request.admission.is_proven:
            return Patience.BUSY
        if self._wait.phase is Phase.ANSWER:
            return Patience.ASKED
        return Patience.IDLE if self._was_of_use and not is_asked else Patience.STRANGER

    def give_way(self) -> None:
        """End it at once."""
        if self._transport:
            self._transport.abort()

    def mind(self, now: float) -> None:
        """End what took too long, by the loop's time."""
        if not self._wait.is_over(now):
            return
        if self._wait.phase in (Phase.HEAD, Phase.BODY):
            what = "its head" if self._wait.phase is Phase.HEAD else "its body"
            self._refuse(
                Refused(408, f"{what} took more than {self._limits.seconds(self._wait.phase):g} seconds")
            )
        elif self._wait.phase is Phase.IDLE:
            self._close()
        else:
            self.give_way()

    def end(self) -> None:
        """End it when what is being answered is answered."""
        if self._wait.phase in (Phase.ANSWER, Phase.TAKEN):
            self._is_last = True
        else:
            self.give_way()

    def answer(self, answer: Answer) -> None:
        """Answer the request that was served; a wrong secret, the later the more there were of them."""
        seconds = self._door.slow_down(self.peer.address) if answer.status.startswith("401") else 0.0
        if seconds:
            self._loop.call_later(seconds, self._give, answer)
        else:
            self._give(answer)

    def _give(self, answer: Answer) -> None:
        request = self._reader.request
        if not self._transport or not request or self._wait.phase is not Phase.ANSWER:
            return
        self._was_of_use = self._was_of_use or answer.status.startswith("2")
        self._is_last = self._is_last or request.is_last
        self._write(answer, is_last=self._is_last, is_head=request.head.method == "HEAD")
        if request.leaves_body:
            self._linger()
        elif self._transport.get_write_buffer_size():
            self._wait.enter(Phase.TAKEN)
        else:
            self._go_on_after_answer()

    def begin_stream(self, answer: Answer) -> None:
        """Answer the request that was served, with more to come: :meth:`send_more`."""
        if self._transport and self._wait.phase is Phase.ANSWER:
            self._was_of_use = self._is_last = True
            self._wait.enter(Phase.STREAM)
            self._transport.write(answer.begun(formatdate(usegmt=True)))

    def send_more(self, data: bytes, *, is_needed: bool = True) -> None:
        """Send more of a stream; a peer that does not take what was sent before gets it then, or nothing where it is not ``is_needed``.

        That is not waited for for ever.
        """
        if not self._transport or self._wait.phase is not Phase.STREAM:
            return
        if self._transport.get_write_buffer_size():
            self._more = data if is_needed else self._more
            self._wait.hurry(self._limits.taken)
        else:
            self._transport.write(data)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read: the handshake is done."""
        self._transport = cast("asyncio.Transport", transport)
        # Any byte that the peer has not taken makes us wait: there is one answer at a time.
        self._transport.set_write_buffer_limits(0)
        self._wait.enter(Phase.IDLE)
        # Whoever has just come has something to say.
        self._wait.hurry(self._limits.head)

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        if self._wait.phase is Phase.CLOSED:
            self._discarded += len(data)
            self._wait.renew(self._limits.quiet)
            if self._discarded > LARGEST_DISCARDED:
                self.give_way()
            return
        self._reader.take(data)
        if self._wait.phase in (Phase.ANSWER, Phase.TAKEN, Phase.STREAM):
            self._read_on()
        else:
            self._go_on()

    def eof_received(self) -> bool:
        """Go on without more of the peer, which may still wait for its answer."""
        if self._wait.phase in (Phase.HEAD, Phase.BODY):
            self._refuse(Refused(400, "the connection ended in the middle of the request"))
            return False
        self._is_last = True
        return self._wait.phase in (Phase.ANSWER, Phase.TAKEN) and self.peer.scheme == "http"

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it: the connection is gone."""
        if self._wait.phase in (Phase.HEAD, Phase.BODY):
            self._note(400, f"the connection was lost in the middle of the request ({exc or 'closed'})")
        self._transport = None
        self._wait.enter(Phase.CLOSED)
        self._door.left(self)

    def pause_writing(self) -> None:
        """Do nothing: that the peer takes its answer is waited for anyway."""

    def resume_writing(self) -> None:
        """Go on: the peer has taken all that was written."""
        # asyncio is in the middle of writing, and would end a connection that is closed here twice.
        self._loop.call_soon(self._taken)

    # What follows from it.

    def _taken(self) -> None:
        if self._wait.phase is Phase.TAKEN:
            self._go_on_after_answer()
        elif self._wait.phase is Phase.STREAM and self._transport:
            self._wait.renew()
            more, self._more = self._more, b""
            self._transport.write(more)

    def _go_on(self) -> None:
        try:
            request = self._reader.next()
        except Refused as refused:
            self._refuse(refused)
            return
        if request:
            self._wait.enter(Phase.ANSWER)
            self._door.serve(self, request)
            return
        begun = self._reader.request
        if begun is None:
            self._wait.enter(Phase.HEAD if self._reader.has_begun else Phase.IDLE)
            return
        if self._wait.phase is not Phase.BODY and begun.wants_continue and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._wait.enter(Phase.BODY)

    def _go_on_after_answer(self) -> None:
        if self._is_last:
            self._close()
            return
        self._reader.answered()
        self._wait.enter(Phase.IDLE)
        self._go_on()
        self._read_on()

    def _read_on(self) -> None:
        """Read more, or no more until what is here is answered."""
        if not self._transport or self._wait.phase is Phase.CLOSED:
            return
        if self._reader.ahead > READ_AHEAD:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _refuse(self, refused: Refused) -> None:
        self._note(refused.status, refused.why)
        # The peer may be gone, and be noticed by our own answer only: what that leads to is none of ours any more.
        request = self._reader.request
        path = request.head.path if request else refused.path
        self._write(Answer.of_refusal(refused.status, refused.why, path), is_last=True)
        self._linger()

    def _note(self, status: int, why: str) -> None:
        request = self._reader.request
        what = f"{request.head.method} {place(request.head.path)!a}" if request else "a request"
        self._door.refused(self.peer.address, f"{status} for {what} from {self.peer.address}: {why}")

    def _write(self, answer: Answer, *, is_last: bool, is_head: bool = False) -> None:
        if self._transport:
            self._transport.write(answer.written(formatdate(usegmt=True), is_last=is_last, is_head=is_head))

    def _linger(self) -> None:
        """Have the peer read its answer before the connection ends, though it may still be sending."""
        self._wait.enter(Phase.CLOSED)
        self._wait.hurry(self._limits.quiet)
        if self._transport and not self._transport.is_closing():
            if self._transport.can_write_eof():
                with suppress(OSError):  # the peer is gone
                    self._transport.write_eof()
            self._transport.resume_reading()

    def _close(self) -> None:
        self._wait.enter(Phase.CLOSED)
        if self._transport:
            self._transport.close()
