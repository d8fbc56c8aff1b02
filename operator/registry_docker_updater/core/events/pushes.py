"""What a registry's event says, once read: a push, something that is none, or something nobody can read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry_docker_updater.core.references import Reference, check_digest

# Stands in for a registry's host while only repository and tag of a name are checked.
_ANY_HOST = "registry.invalid"
# What the keys of pushes begin with that a person recorded here.
BY_HAND = "by hand "
_BY_HAND_HERE = " (by hand)"
# The actor of pushes of which nobody told: found where the registry itself was asked.
SWEEP = "found by the sweep"


@dataclass(frozen=True)
class Push:
    """One repository and tag given a digest in a registry.

    ``registry`` is its name in the settings: a payload's own idea of the host is wrong behind a proxy.
    ``occurred_at`` is the registry's clock, ``key`` what repeated deliveries of one event have in common.
    ``actor`` is text from outside, shown and never acted upon. ``by_hand`` tells that a person recorded it here, so
    that the registry need not have the digest under the tag.
    """

    registry: str
    repository: str
    tag: str
    digest: str
    occurred_at: datetime
    key: str
    actor: str | None = None
    by_hand: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no repository, tag or digest with :class:`InvalidReference`."""
        Reference(_ANY_HOST, self.repository, self.tag)
        check_digest(self.digest)


def by_hand(person: str) -> str:
    """Return the actor of a push that ``person`` records here."""
    return f"{person}{_BY_HAND_HERE}"


def pusher_of(actor: str | None) -> str | None:
    """Return who pushed, by the ``actor`` of a push; None where nobody knows."""
    if actor is None or actor == SWEEP:
        return None
    return actor.removesuffix(_BY_HAND_HERE).strip() or None


@dataclass(frozen=True)
class UnresolvedPush:
    """A push of which the registry is to be asked the digest: the sender does not say it, or is not believed.

    ``claimed`` is what the sender says. Other fields as for :class:`Push`.
    """

    registry: str
    repository: str
    tag: str
    occurred_at: datetime
    key: str
    actor: str | None = None
    claimed: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no repository, tag or digest with :class:`InvalidReference`."""
        Reference(_ANY_HOST, self.repository, self.tag)
        if self.claimed:
            check_digest(self.claimed)


@dataclass(frozen=True)
class Claim:
    """A push that somebody told of, kept as the ``event`` with that number, until the registry was asked whether it is so.

    Without ``digest``, the registry is asked for that. ``received_at`` is the operator's clock. Other fields as for
    :class:`Push`.
    """

    event: int
    registry: str
    repository: str
    tag: str
    digest: str | None
    occurred_at: datetime
    received_at: datetime
    actor: str | None

    def of(self, digest: str) -> Push:
        """Return the push that it is of, if ``digest`` is that of the tag."""
        return Push(
            self.registry, self.repository, self.tag, digest, self.occurred_at, key="", actor=self.actor
        )


@dataclass(frozen=True)
class KeptPush:
    """A push as it was kept: its number, and when the operator heard of it, by its own clock."""

    id: int
    registry: str
    repository: str
    tag: str
    digest: str
    actor: str | None
    received_at: datetime


@dataclass(frozen=True)
class Ignored:
    """An event that is understood and asks for nothing; ``reason`` says what it was."""

    reason: str


@dataclass(frozen=True)
class Unreadable:
    """Something an authenticated sender sent that cannot be understood; ``content`` is what it was."""

    reason: str
    content: Any


Event = Push | UnresolvedPush | Ignored | Unreadable


class Malformed(ValueError):
    """A body that is not what its sender's format says; the message tells in what way."""
