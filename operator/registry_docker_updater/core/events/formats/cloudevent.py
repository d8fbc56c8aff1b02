"""Events as CloudEvents 1.0 writes them, whoever sends them.

From its HTTP protocol binding: in binary mode each attribute is a header that begins with ``Ce-`` and the body is the
data; in structured mode the body is an object that has all, of the type ``application/cloudevents+json``. From its
specification: ``id``, ``source``, ``specversion`` and ``type`` are required, and no two events of a source have one
``id``; ``time`` and data are optional.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME, fingerprint, moment, text
from registry_docker_updater.core.events.pushes import Malformed

# What the type of a body begins with that is an event, or a list of events, with its attributes.
_STRUCTURED = "application/cloudevents"


@dataclass(frozen=True)
class CloudEvent:
    """An event with the attributes that matter here; its ``data`` is whatever its sender wrote."""

    type: str
    id: str
    time: datetime
    source: str
    data: Any

    @property
    def key(self) -> str:
        """What repeated deliveries of the event have in common."""
        return fingerprint(self.source, self.id)


def cloud_event(delivery: Delivery) -> CloudEvent:
    """Read a delivery of one event, in either mode; raises :class:`Malformed`."""
    headers = delivery.headers
    if "ce-type" not in headers or content_type(delivery).startswith(_STRUCTURED):
        return structured(delivery.content)
    # What is percent-encoded of them stays so: types and times are not, and ids are only compared.
    attributes = {name: headers.get(f"ce-{name}") for name in ("type", "id", "time", "source")}
    return _event(attributes, _data(delivery))


def structured(content: Any) -> CloudEvent:
    """Read an event that has its attributes beside its data; raises :class:`Malformed`."""
    if not isinstance(content, dict) or "specversion" not in content:
        raise Malformed('expected a CloudEvent: headers that begin with Ce-, or an object with "specversion"')
    return _event(content, content.get("data"))


def content_type(delivery: Delivery) -> str:
    """Return of which type a delivery's body is, in lower case; JSON when nobody says so."""
    return (delivery.headers.get("content-type") or "application/json").strip().lower()


def _data(delivery: Delivery) -> Any:
    return delivery.content if delivery.body and "json" in content_type(delivery) else None


def _event(attributes: Mapping[str, Any], data: Any) -> CloudEvent:
    kind, identity, time = text(attributes, "type"), text(attributes, "id"), attributes.get("time")
    if kind is None or identity is None:
        raise Malformed("a CloudEvent without type or id")
    return CloudEvent(
        type=kind,
        id=identity,
        time=UNKNOWN_TIME if time is None else moment(time),
        source=text(attributes, "source") or "",
        data=data,
    )
