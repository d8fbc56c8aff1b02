"""The gate: how many connections there may be, in all and from each address, and which one gives way to another.

A peer that says nothing costs nothing but its place, so places are what strangers can take from others. Nobody who
comes is turned away for the sake of one that waits: at the limit, who has waited longest without a request goes.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, Protocol, TypeVar


class Patience(IntEnum):
    """How ready a connection is to give way to another, the readiest first."""

    STRANGER = 0
    """Nothing that was asked through it was answered yet."""
    IDLE = 1
    """It was of use, and waits for the next request."""
    ASKED = 2
    """What a stranger asked is being answered."""
    BUSY = 3
    """It never gives way: what a known sender sends is read or answered."""


class Guest(Protocol):
    """A connection, as the gate sees it."""

    @property
    def patience(self) -> Patience:
        """How ready it is to give way now."""


G = TypeVar("G", bound=Guest)


@dataclass(frozen=True)
class Entry(Generic[G]):
    """Whether a new connection may come in, and which one is to go for it."""

    may_enter: bool
    gives_way: G | None = None


class Gate(Generic[G]):
    """Knows every connection by its address, in the order in which they came; for one thread.

    There are ``most`` connections at the same time, and ``most_each`` from one address; the addresses of IPv6 count
    by their first 64 bits, for whoever has one of them has all (RFC 6177).
    """

    def __init__(self, most: int, most_each: int) -> None:
        """Begin with no connection."""
        self._most, self._most_each = most, most_each
        self._guests: dict[str, OrderedDict[G, None]] = {}
        self._count = 0

    def __len__(self) -> int:
        """Return how many connections there are."""
        return self._count

    def enter(self, guest: G, address: str) -> Entry[G]:
        """Let a new connection from ``address`` in, if need be in the place of another."""
        place = counted_as(address)
        gives_way = None
        if len(self._guests.get(place, ())) >= self._most_each:
            gives_way = self._readiest(place)
            if gives_way is None:
                return Entry(may_enter=False)
            self.leave(gives_way, address)
        elif self._count >= self._most:
            # Of those who hold most, so that one address cannot push out all others.
            for other in sorted(self._guests, key=lambda one: len(self._guests[one]), reverse=True):
                if gives_way := self._readiest(other):
                    self.leave(gives_way, other)
                    break
            else:
                return Entry(may_enter=False)
        self._guests.setdefault(place, OrderedDict())[guest] = None
        self._count += 1
        return Entry(may_enter=True, gives_way=gives_way)

    def leave(self, guest: G, address: str) -> None:
        """Forget a connection; one that gave way is forgotten already."""
        place = counted_as(address)
        here = self._guests.get(place)
        if here is None or guest not in here:
            return
        del here[guest]
        self._count -= 1
        if not here:
            del self._guests[place]

    def _readiest(self, place: str) -> G | None:
        here = [one for one in self._guests[place] if one.patience is not Patience.BUSY]
        return min(here, key=lambda one: one.patience) if here else None


def counted_as(address: str) -> str:
    """Return what of an address counts; what is none, such as a place of IPv6 already, is one of its own."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{parsed.exploded[:19]}::/64"
