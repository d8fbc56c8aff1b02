"""Events of the package registries of Gitea and of Forgejo, its fork.

Field names from Gitea's ``modules/structs/hook.go``, headers and signature from ``services/webhook/deliver.go``:
the JSON is signed, also where it is sent in a form. What a tag names is not said; a push without a tag has its
digest as ``version``, and a tag comes in lower case (``routers/api/packages/container/manifest.go``).
``created_at`` stays as it was when a tag is pushed again within a day: the time of arrival counts, and a delivery
without an id has an empty key, which is never a duplicate.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME, as_text, text, why_no_image
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.forms import without_form
from registry_docker_updater.core.events.formats.proofs import any_of, signed
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Unreadable, UnresolvedPush
from registry_docker_updater.core.references import InvalidReference

_SNIPPET = """\
# Gitea or Forgejo, {name}: under Settings, Webhooks of the owner of the packages, with the event "Package", or
# POST /api/v1/orgs/ORG/hooks; webhook.ALLOWED_HOST_LIST in app.ini must name a host in a private network.
# Replace SECRET by the secret that the settings name.
{{
  "type": "gitea",
  "active": true,
  "events": ["package"],
  "config": {{"url": {address}, "content_type": "json", "secret": "SECRET"}}
}}
"""

_is_signed = any_of(
    signed("x-gitea-signature"),
    signed("x-forgejo-signature"),
    signed("x-hub-signature-256", prefix="sha256="),
)


def proves(delivery: Delivery, secret: str) -> bool:
    """Tell whether the JSON is signed with the secret, be it the body or in a form."""
    return _is_signed(without_form(delivery), secret)


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one event; raises :class:`Malformed` when it is none of Gitea's."""
    body = without_form(delivery).content
    # All events tell who caused them.
    if not isinstance(body, dict) or "sender" not in body:
        raise Malformed('expected an object with "sender", as a webhook of Gitea sends it')
    package = body.get("package")
    if not isinstance(package, dict):
        return [Ignored("not an event of a package")]
    action = text(body, "action")
    if action != "created":
        return [Ignored(action or "no action")]
    if text(package, "type") != "container":
        return [Ignored("not a container image")]
    if reason := why_no_image(text(package, "version")):
        return [Ignored(reason)]
    try:
        return [_push(registry, delivery, body, package)]
    except InvalidReference as error:
        return [Unreadable(str(error), body)]


def _push(
    registry: str, delivery: Delivery, body: Mapping[str, Any], package: Mapping[str, Any]
) -> UnresolvedPush:
    owner, name, tag = text(package.get("owner"), "login"), text(package, "name"), text(package, "version")
    repository = f"{owner or ''}/{name or ''}".lower()
    identity = as_text(delivery.headers.get("x-gitea-delivery") or delivery.headers.get("x-forgejo-delivery"))
    return UnresolvedPush(
        registry=registry,
        repository=repository,
        tag=tag or "",
        occurred_at=UNKNOWN_TIME,
        key=f"{identity}/{repository}:{tag}" if identity else "",
        actor=text(body.get("sender"), "login"),
    )


FORMAT = Format(
    "gitea",
    read,
    proves,
    insists=False,
    snippet=_SNIPPET,
    is_signed=True,
    is_resolved=False,
)
