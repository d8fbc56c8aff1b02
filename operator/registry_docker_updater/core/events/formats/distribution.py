"""Events of Docker Distribution, 2.x and 3.x.

Field names and rules from ``notifications/event.go`` and the documentation of its notifications: one envelope
``{"events": [...]}``, usually with one event. What one ``docker push`` sends is mostly not of interest: blobs,
children of an index without a tag, pulls.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils.oci import is_image

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import fingerprint, moment, text
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import knows_secret
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Push, Unreadable
from registry_docker_updater.core.references import InvalidReference, is_digest

_SNIPPET = """\
# config.yml of the registry {name}; replace SECRET by the secret that the settings name
notifications:
  endpoints:
    - name: registry-docker-updater
      url: {address}
      headers:
        Authorization: [Bearer SECRET]
      timeout: 5s
      threshold: 5
      backoff: 5s
      ignore:
        mediatypes: [application/octet-stream]
        actions: [pull]
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one envelope; raises :class:`Malformed` when it is none."""
    body = delivery.content
    events = body.get("events") if isinstance(body, dict) else None
    if not isinstance(events, list):
        raise Malformed('expected {"events": [...]}, the envelope of a Distribution registry')
    return [event_of(registry, event) for event in events]


def event_of(registry: str, event: Any) -> Event:
    """Read one event of an envelope, or one that came without."""
    target, action = event.get("target") if isinstance(event, dict) else None, text(event, "action")
    if not isinstance(target, dict) or action is None:
        return Unreadable("an event without action and target", event)
    if action != "push":
        return Ignored(action)
    if not is_image(text(target, "mediaType")):
        return Ignored("not an image manifest")
    tag = text(target, "tag")
    if not tag or is_digest(tag):
        return Ignored("manifest without a tag")
    try:
        return _push(registry, event, target, tag)
    except (InvalidReference, Malformed) as error:
        return Unreadable(str(error), event)


def _push(registry: str, event: Mapping[str, Any], target: Mapping[str, Any], tag: str) -> Push:
    repository, digest = text(target, "repository") or "", text(target, "digest") or ""
    occurred_at = moment(event.get("timestamp"))
    return Push(
        registry=registry,
        repository=repository,
        tag=tag,
        digest=digest,
        occurred_at=occurred_at,
        key=text(event, "id") or fingerprint(repository, tag, digest, occurred_at.isoformat()),
        actor=text(event.get("actor"), "name"),
    )


FORMAT = Format("distribution", read, knows_secret, insists=True, snippet=_SNIPPET)
