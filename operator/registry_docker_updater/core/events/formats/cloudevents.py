"""CloudEvents of anybody who tells of pushes: one event in binary or structured mode, or a batch.

Events whose type ends with ``image.pushed``, ``artifact.pushed`` or ``image.updated`` are pushes. What their data holds is
our own: ``repository`` and ``tag``, and, where the sender knows them, ``digest`` and ``actor``. A batch is from the HTTP
protocol binding of CloudEvents 1.0: a list of events, of the type ``application/cloudevents-batch+json``.
"""

from collections.abc import Sequence
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.cloudevent import (
    CloudEvent,
    cloud_event,
    content_type,
    structured,
)
from registry_docker_updater.core.events.formats.fields import text, why_no_image
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import any_of, in_header, knows_secret
from registry_docker_updater.core.events.pushes import (
    Event,
    Ignored,
    Malformed,
    Push,
    Unreadable,
    UnresolvedPush,
)
from registry_docker_updater.core.references import InvalidReference

_PUSHES = (".image.pushed", ".artifact.pushed", ".image.updated")

_SNIPPET = """\
# What sends CloudEvents of pushes to {name}, in binary or structured mode or in batches, is to send such as this;
# replace SECRET by the secret that the settings name. The source's next event needs another id. Add to the data the
# "digest" that was pushed, where it is known: the registry need not be asked for it then
curl --fail --request POST {address} \\
  --header 'Authorization: Bearer SECRET' \\
  --header 'Content-Type: application/cloudevents+json' \\
  --data '{{
    "specversion": "1.0", "type": "com.example.image.pushed", "source": "https://ci.example.com", "id": "1",
    "data": {{"repository": "team/app", "tag": "1.4"}}
  }}'
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one event, or a batch; raises :class:`Malformed` when it is neither."""
    if not content_type(delivery).startswith("application/cloudevents-batch"):
        return [_event(registry, cloud_event(delivery))]
    batch = delivery.content
    if not isinstance(batch, list):
        raise Malformed("expected a list, as a batch of CloudEvents is one")
    return [_of_batch(registry, one) for one in batch]


def _of_batch(registry: str, content: Any) -> Event:
    try:
        return _event(registry, structured(content))
    except Malformed as error:
        return Unreadable(str(error), content)


def _event(registry: str, event: CloudEvent) -> Event:
    if not f".{event.type}".endswith(_PUSHES):
        return Ignored(event.type)
    if not isinstance(event.data, dict):
        return Unreadable("a push without data", event.data)
    tag = text(event.data, "tag")
    if reason := why_no_image(tag):
        return Ignored(reason)
    try:
        return _push(registry, event, tag or "")
    except InvalidReference as error:
        return Unreadable(str(error), event.data)


def _push(registry: str, event: CloudEvent, tag: str) -> Push | UnresolvedPush:
    repository, actor = text(event.data, "repository") or "", text(event.data, "actor")
    if event.data.get("digest") is None:
        return UnresolvedPush(registry, repository, tag, event.time, event.key, actor)
    return Push(
        registry=registry,
        repository=repository,
        tag=tag,
        digest=text(event.data, "digest") or "",
        occurred_at=event.time,
        key=event.key,
        actor=actor,
    )


FORMAT = Format(
    "cloudevents",
    read,
    any_of(knows_secret, in_header("x-registry-docker-updater-secret")),
    insists=False,
    snippet=_SNIPPET,
)
