"""Events of Sonatype Nexus Repository's webhooks of repositories, of the type ``component``.

Field names and headers from Sonatype's documentation of webhooks and the example in fluxcd/flux-recv. A component
of the format docker is an image: its version is the tag. There is no digest. A new tag is CREATED, one that is
pushed again UPDATED; since 3.70 both are followed by further UPDATED for one push (sonatype/nexus-public, issue
456), each a delivery of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import delivered, moment, text, why_no_image
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import signed
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Unreadable, UnresolvedPush
from registry_docker_updater.core.references import InvalidReference

_PUSHES = frozenset(("CREATED", "UPDATED"))

_SNIPPET = """\
# Sonatype Nexus, {name}: under Settings, System, Capabilities, create "Webhook: Repository" for each repository
# of images; replace SECRET by the secret that the settings name
Event Types: component
URL: {address}
Secret Key: SECRET
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one event; raises :class:`Malformed` when it is none of Nexus."""
    body = delivery.content
    # All events tell which node they are from.
    if not isinstance(body, dict) or "nodeId" not in body:
        raise Malformed('expected an object with "nodeId", as a webhook of Nexus sends it')
    component = body.get("component")
    if not isinstance(component, dict):
        return [Ignored("not an event of a component")]
    if text(component, "format") != "docker":
        return [Ignored("not a container image")]
    action = text(body, "action")
    if action not in _PUSHES:
        return [Ignored(action or "no action")]
    if reason := why_no_image(text(component, "version")):
        return [Ignored(reason)]
    try:
        return [_push(registry, delivery, body, component)]
    except (InvalidReference, Malformed) as error:
        return [Unreadable(str(error), body)]


def _push(
    registry: str, delivery: Delivery, body: Mapping[str, Any], component: Mapping[str, Any]
) -> UnresolvedPush:
    repository, tag = text(component, "name") or "", text(component, "version") or ""
    occurred_at = moment(body.get("timestamp"))
    identity = delivery.headers.get("x-nexus-webhook-delivery")
    return UnresolvedPush(
        registry=registry,
        repository=repository,
        tag=tag,
        occurred_at=occurred_at,
        key=delivered(identity, repository, tag, occurred_at.isoformat(), text(body, "action") or ""),
        actor=text(body, "initiator"),
    )


FORMAT = Format(
    "nexus",
    read,
    signed("x-nexus-webhook-signature", "sha1"),
    insists=False,
    snippet=_SNIPPET,
    is_signed=True,
    is_resolved=False,
)
