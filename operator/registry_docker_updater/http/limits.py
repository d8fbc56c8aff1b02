"""How many connections there may be, how much they may send that is not wanted yet, and how long each of their waits may take."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

# How many bytes a peer may send ahead of the answer it waits for, and are thrown away of what nobody wants.
READ_AHEAD, LARGEST_DISCARDED = 64 * 1024, 64 * 2**20


class Phase(Enum):
    """What a connection waits for."""

    HANDSHAKE = auto()
    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    """Ours."""
    TAKEN = auto()
    """That the peer takes its answer."""
    STREAM = auto()
    """That there is more to tell the peer."""
    CLOSED = auto()
    """That the peer is done, too; what it still sends is thrown away."""


@dataclass(frozen=True)
class Limits:
    """How many connections there may be, in all and from one address, and how many seconds each wait may take.

    A ``stream`` begins anew then: whoever follows is to be let in again.

    A wrong secret is answered after as long as it is ``slowed`` at most. What is still sent after the last answer is thrown away as long as it is ``closed``, or until that is ``quiet``. A
    registry keeps its connection for its next event; clients written in Go give it up themselves after 90 seconds.
    """

    most: int = 300
    most_each: int = 150
    handshake: float = 10.0
    idle: float = 120.0
    head: float = 10.0
    body: float = 30.0
    taken: float = 30.0
    closed: float = 5.0
    quiet: float = 0.5
    stream: float = 3600.0
    slowed: float = 1.0

    def seconds(self, phase: Phase) -> float:
        """Return how long ``phase`` may last; our own answer is waited for as long as it takes."""
        return math.inf if phase is Phase.ANSWER else float(getattr(self, phase.name.lower()))


class Wait:
    """What a connection waits for at the moment, and until when, by ``clock``."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        """Wait for the handshake."""
        self._limits, self._clock = limits, clock
        self.phase = Phase.HANDSHAKE
        self._until = self._end = clock() + limits.seconds(self.phase)

    def enter(self, phase: Phase) -> None:
        """Wait for something else, as long as that may take; what is waited for already is not prolonged."""
        if phase is not self.phase:
            self.phase = phase
            self._until = self._end = self._clock() + self._limits.seconds(phase)

    def hurry(self, seconds: float) -> None:
        """Wait no longer than ``seconds`` from now."""
        self._until = min(self._until, self._clock() + seconds)

    def renew(self, seconds: float = math.inf) -> None:
        """Wait ``seconds`` from now, but no longer than it may take as a whole."""
        self._until = min(self._end, self._clock() + seconds)

    def is_over(self, now: float) -> bool:
        """Tell whether it took too long."""
        return now >= self._until
