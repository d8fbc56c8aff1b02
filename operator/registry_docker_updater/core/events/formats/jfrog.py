"""Events of JFrog Artifactory's webhooks, domain ``docker``.

Field names from "Event Types" in JFrog's documentation. ``X-JFrog-Event-Auth`` is the secret, or, where the
webhook is told to sign, the HMAC of the body. An image is named as by the "repository path" method, with the key
of its repository in front. A child of an index is kept in a folder ``sha256__…``, whose name is no tag.

There is a digest, but no id and no time: a digest that is pushed, replaced and pushed again could not be told from
a repeated delivery. So what a tag has is asked of the registry; the key is empty, and an empty key is never a
duplicate.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME, text, why_no_image
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import any_of, in_header, signed
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Unreadable, UnresolvedPush
from registry_docker_updater.core.references import InvalidReference

_HEADER = "x-jfrog-event-auth"
_IMAGES = frozenset(("docker", "oci", None))
_CHILD = "sha256__"

_SNIPPET = """\
# JFrog Artifactory, {name}: under Administration, General, Webhooks, or POST /event/api/v1/subscriptions;
# replace SECRET by the secret that the settings name
{{
  "key": "registry-docker-updater",
  "enabled": true,
  "event_filter": {{"domain": "docker", "event_types": ["pushed"], "criteria": {{"anyLocal": true, "repoKeys": []}}}},
  "handlers": [
    {{"handler_type": "webhook", "url": {address}, "secret": "SECRET", "use_secret_for_signing": true}}
  ]
}}
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one event; raises :class:`Malformed` when it is none of Artifactory's."""
    body = delivery.content
    domain, kind = text(body, "domain"), text(body, "event_type")
    if domain is None or kind is None:
        raise Malformed('expected an object with "domain" and "event_type", as Artifactory sends it')
    if (domain, kind) != ("docker", "pushed"):
        return [Ignored(f"{domain} {kind}")]
    data = body.get("data")
    if not isinstance(data, dict):
        return [Unreadable("a push without data", body)]
    if text(data, "image_type") not in _IMAGES:
        return [Ignored("not a container image")]
    tag = text(data, "tag") or ""
    if reason := why_no_image(None if tag.startswith(_CHILD) else tag):
        return [Ignored(reason)]
    try:
        return [_push(registry, tag, data, text(body, "source"))]
    except InvalidReference as error:
        return [Unreadable(str(error), body)]


def _push(registry: str, tag: str, data: Mapping[str, Any], source: str | None) -> UnresolvedPush:
    repository = f"{text(data, 'repo_key') or ''}/{text(data, 'image_name') or ''}"
    return UnresolvedPush(registry, repository, tag, UNKNOWN_TIME, key="", actor=source)


FORMAT = Format(
    "jfrog",
    read,
    any_of(in_header(_HEADER), signed(_HEADER)),
    insists=False,
    snippet=_SNIPPET,
    is_signed=True,
    is_resolved=False,
)
