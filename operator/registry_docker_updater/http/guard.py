"""Who may send events: the registries of the settings, each with what proves that it is it."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.errors import NotKnownYet
from registry_docker_updater.http.head import Admission, Head

# What is before a registry's name in the path of its events.
EVENTS = "/events/"
# Of a body that is signed nobody knows who sent it before it is whole; strangers must not fill the memory with such.
_LARGEST_UNPROVEN = 256 * 1024
# What is to be parsed before that, too, is smaller: a message of SNS about a push has 3 KiB.
_LARGEST_PARSED = 16 * 1024

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Refusal = tuple[int, str]


class Identity(Protocol):
    """What proves who a sender is, and is no secret that both know: a signature with a key that it publishes."""

    @property
    def is_signed(self) -> bool:
        """Whether the proof is of the body."""

    @property
    def proven_by(self) -> str:
        """What it is, in words."""

    def prepare(self) -> None:
        """Begin with what takes time."""

    def proves(self, delivery: Delivery) -> bool:
        """Tell whether a delivery is of the sender; raises :class:`NotKnownYet`."""

    def welcome(self, delivery: Delivery) -> None:
        """Answer what the sender asks before it sends events; raises :class:`NotKnownYet`."""


@dataclass(frozen=True)
class Source:
    """A registry that may send: its format, and the ``secrets`` of which it must know one; or it has the ``identity``.

    Neither is needed where ``is_open``. Where there are ``networks``, it sends from one of them. ``can_be_asked`` tells
    whether it can be asked for what its events do not say, ``verify`` that it is to be asked for what they do, too.
    """

    name: str
    sender: Format
    secrets: tuple[str, ...]
    networks: tuple[Network, ...] = ()
    is_open: bool = False
    can_be_asked: bool = True
    verify: bool = False
    identity: Identity | None = None

    @property
    def is_signed(self) -> bool:
        """Whether its body may be needed to know whether it is it."""
        return self.sender.is_signed or (self.identity is not None and self.identity.is_signed)

    @property
    def proven_by(self) -> str:
        """What it proves itself by, in words."""
        known_by = [self.sender.proven_by] if self.secrets or not self.identity else []
        return " or ".join([*known_by, self.identity.proven_by] if self.identity else known_by)

    def may_send_from(self, address: str) -> bool:
        """Tell whether its events may come from ``address``."""
        return not self.networks or is_in(address, self.networks)

    def proves(self, delivery: Delivery) -> bool:
        """Tell whether a delivery is of this registry; every secret is tried, so that the time tells nothing.

        Raises :class:`NotKnownYet`.
        """
        known = [self.sender.proves(delivery, secret) for secret in self.secrets]
        return self.is_open or any(known) or (self.identity is not None and self.identity.proves(delivery))


def is_in(address: str, networks: Iterable[Network]) -> bool:
    """Tell whether ``address`` is in one of ``networks``."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return any(parsed in one for one in networks)


class DeliveryGuard:
    """Knows the ``sources``, whose bodies are ``body_limit`` bytes long at the most. Safe for use by several threads."""

    def __init__(self, sources: Mapping[str, Source], body_limit: int) -> None:
        """Begin with these; :meth:`change` has others."""
        self._sources, self._body_limit = sources, body_limit

    def change(self, sources: Mapping[str, Source], body_limit: int) -> None:
        """Let others send from now on."""
        self._sources, self._body_limit = sources, body_limit
        self.prepare()

    def prepare(self) -> None:
        """Begin with what takes time until senders can be known."""
        for source in self._sources.values():
            if source.identity:
                source.identity.prepare()

    def admits(self, head: Head) -> Admission:
        """Return what is wanted of a request, by its head: nothing of what is refused by it, or is no event."""
        if head.method != "POST" or not head.path.startswith(EVENTS):
            return Admission()
        registry, sent = _sent(head, b"")
        source = self.decide(registry, sent, head.peer.address, is_whole=False)
        if not isinstance(source, Source):
            return Admission()
        if source.is_signed and not source.is_open:
            largest = _LARGEST_UNPROVEN if source.sender.is_signed else _LARGEST_PARSED
            limited_by = "of what is signed, no more is read"
            return Admission(min(self._body_limit, largest), limited_by=limited_by, is_delivery=True)
        return Admission(self._body_limit, is_proven=True, is_delivery=True)

    def proves(self, head: Head, body: bytes) -> bool:
        """Tell whether a request of which something is wanted comes from who may send it, now that it is whole."""
        registry, sent = _sent(head, body)
        return isinstance(self.decide(registry, sent, head.peer.address), Source)

    def decide(
        self, registry: str, sent: Delivery, address: str, *, is_whole: bool = True
    ) -> Source | Refusal:
        """Return who sent a delivery, or the status and the reason for which it is refused, as far as is known.

        What is not ``is_whole`` has no body yet.
        """
        source = self._sources.get(registry)
        if source is None:
            return 404, f"no registry {registry!r:.80} in the settings"
        if sent.in_path and not source.sender.has_secret_in_path:
            return 404, f"registry {registry!r} sends to {EVENTS}{registry}, and nothing stands behind that"
        if not source.may_send_from(address):
            return (
                403,
                f"registry {registry!r} does not send from this address: registries.{registry}.networks",
            )
        try:
            if (is_whole or not source.is_signed) and not source.proves(sent):
                return 401, f"wrong or missing {source.proven_by} for registry {registry!r}"
        except NotKnownYet as error:
            return 503, f"registry {registry!r} is not known yet: {error}; send it again"
        return source


class NoDeliveries:
    """The guard of a server that nobody sends events to."""

    def admits(self, head: Head) -> Admission:  # noqa: ARG002
        """Want nothing of any request but its head."""
        return Admission()

    def proves(self, head: Head, body: bytes) -> bool:  # noqa: ARG002
        """Know nobody."""
        return False


def _sent(head: Head, body: bytes) -> tuple[str, Delivery]:
    registry, _, in_path = head.path.removeprefix(EVENTS).partition("/")
    return registry, Delivery(body, head.headers, in_path)
