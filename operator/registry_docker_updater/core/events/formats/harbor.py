"""Events of Harbor's webhooks: the default format and CloudEvents.

Field names and rules from Harbor's ``src/pkg/notifier/model/event.go`` and ``formats/cloudevents.go``. Events
of the default format have no id; a child of an index comes with its digest in the place of the tag.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import fingerprint, from_seconds, moment, text
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import knows_secret
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Push, Unreadable
from registry_docker_updater.core.references import InvalidReference, is_digest

_PUSHES = frozenset(("PUSH_ARTIFACT", "pushImage", "harbor.artifact.pushed"))
# A proxy cache says "pushed" for every pull through it; acting on that would make each update cause the next.
_PROXY_CACHE = "harbor#proxy-cache-service"

_SNIPPET = """\
# Harbor, {name}: in each project under Webhooks, or POST /api/v2.0/projects/PROJECT/webhook/policies;
# replace SECRET by the secret that the settings name
{{
  "name": "registry-docker-updater",
  "enabled": true,
  "event_types": ["PUSH_ARTIFACT"],
  "targets": [
    {{"type": "http", "address": {address}, "auth_header": "Bearer SECRET", "skip_cert_verify": false}}
  ]
}}
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one event; raises :class:`Malformed` when it is none of Harbor's."""
    body = delivery.content
    kind = text(body, "type") if isinstance(body, dict) else None
    if kind is None:
        raise Malformed('expected an object with "type", as a webhook of Harbor sends it')
    if kind not in _PUSHES:
        return [Ignored(kind)]
    if body.get("operator") == _PROXY_CACHE:
        return [Ignored("pull through a proxy cache")]
    data = body.get("data") if "specversion" in body else body.get("event_data")
    resources = data.get("resources") if isinstance(data, dict) else None
    repository = data.get("repository") if isinstance(data, dict) else None
    if not isinstance(resources, list) or not isinstance(repository, dict):
        return [Unreadable("a push without resources and repository", body)]
    return [_resource(registry, body, repository, resource) for resource in resources]


def _resource(registry: str, body: Mapping[str, Any], repository: Mapping[str, Any], resource: Any) -> Event:
    tag = text(resource, "tag")
    if not tag or is_digest(tag):
        return Ignored("artifact without a tag")
    try:
        return _push(
            registry, body, text(repository, "repo_full_name") or "", tag, text(resource, "digest") or ""
        )
    except (InvalidReference, Malformed) as error:
        return Unreadable(str(error), body)


def _push(registry: str, body: Mapping[str, Any], repository: str, tag: str, digest: str) -> Push:
    occurred_at = moment(body.get("time")) if "specversion" in body else from_seconds(body.get("occur_at"))
    marks = (text(body, "type") or "", occurred_at.isoformat(), repository, tag, digest)
    identity = text(body, "id")
    return Push(
        registry=registry,
        repository=repository,
        tag=tag,
        digest=digest,
        occurred_at=occurred_at,
        key=f"{identity}/{repository}:{tag}" if identity else fingerprint(*marks),
        actor=text(body, "operator"),
    )


FORMAT = Format("harbor", read, knows_secret, insists=False, snippet=_SNIPPET)
