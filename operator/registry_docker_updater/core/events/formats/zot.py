"""Events of zot's extension ``events``: CloudEvents, by HTTP in binary mode.

Types and fields from zot's ``pkg/extensions/events/events.go`` and ``common.go``. Its types begin with ``zotregistry``, or,
since 2.1.21, with what its setting ``typePrefix`` says. A reference is a tag, or the digest of a push without one; a push
that changes nothing is not told. Who pushed is told since 2.1.18, but for what zot copied from elsewhere. Events are
sent once, in no order.
"""

from collections.abc import Sequence

from ansible_collections.registry.docker_updater.plugins.module_utils.oci import is_image

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.cloudevent import CloudEvent, cloud_event
from registry_docker_updater.core.events.formats.fields import text, why_no_image
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import knows_secret
from registry_docker_updater.core.events.pushes import Event, Ignored, Push, Unreadable
from registry_docker_updater.core.references import InvalidReference

_PUSH = ".image.updated"

_SNIPPET = """\
# config.json of the zot {name}, whose binary must have the extension events;
# replace SECRET by the secret that the settings name
{{
  "extensions": {{
    "events": {{
      "enable": true,
      "sinks": [
        {{
          "type": "http",
          "address": {address},
          "timeout": "5s",
          "credentials": {{"username": "zot", "password": "SECRET"}}
        }}
      ]
    }}
  }}
}}
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one event; raises :class:`Malformed` when it is no CloudEvent."""
    event = cloud_event(delivery)
    if not event.type.endswith(_PUSH):
        return [Ignored(event.type)]
    if not isinstance(event.data, dict):
        return [Unreadable("a push without data", event.data)]
    if not is_image(text(event.data, "mediaType")):
        return [Ignored("not an image manifest")]
    tag = text(event.data, "reference")
    if reason := why_no_image(tag):
        return [Ignored(reason)]
    try:
        return [_push(registry, event, tag or "")]
    except InvalidReference as error:
        return [Unreadable(str(error), event.data)]


def _push(registry: str, event: CloudEvent, tag: str) -> Push:
    return Push(
        registry=registry,
        repository=text(event.data, "name") or "",
        tag=tag,
        digest=text(event.data, "digest") or "",
        occurred_at=event.time,
        key=event.key,
        actor=text(event.data.get("actor"), "name"),
    )


FORMAT = Format("zot", read, knows_secret, insists=False, snippet=_SNIPPET)
