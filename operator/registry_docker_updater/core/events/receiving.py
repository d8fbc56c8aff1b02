"""From a delivery to what is kept of it."""

from dataclasses import dataclass

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.pushes import Ignored, Malformed, Push, Unreadable, UnresolvedPush


@dataclass(frozen=True)
class ReadDelivery:
    """What a delivery held: events to keep, and the reasons why others are not."""

    kept: tuple[Push | UnresolvedPush | Unreadable, ...]
    ignored: tuple[str, ...] = ()


def read(registry: str, sender: Format, delivery: Delivery, *, can_be_asked: bool = True) -> ReadDelivery:
    """Read an authenticated delivery of a registry that ``can_be_asked`` for digests, or not.

    Of a sender that repeats for ever what is refused, everything is read: what cannot be understood is kept as
    :class:`Unreadable`. Of others, raises :class:`Malformed`.
    """
    try:
        events = sender.read(registry, delivery)
    except Malformed as error:
        if not sender.insists:
            raise
        return ReadDelivery((Unreadable(str(error), delivery.body.decode("utf-8", "backslashreplace")),))
    kept = tuple(event for event in events if not isinstance(event, Ignored))
    if not can_be_asked:
        kept = tuple(_unresolvable(event) if isinstance(event, UnresolvedPush) else event for event in kept)
    unreadable = next((event for event in kept if isinstance(event, Unreadable)), None)
    if unreadable and not sender.insists:
        raise Malformed(unreadable.reason)
    return ReadDelivery(kept, tuple(event.reason for event in events if isinstance(event, Ignored)))


def _unresolvable(event: UnresolvedPush) -> Unreadable:
    name = f"{event.repository}:{event.tag}"
    return Unreadable("no digest in it, and the registry is not asked: its sweep_interval is never", name)
