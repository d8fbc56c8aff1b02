"""Events of GitHub Packages, whose container registry is ghcr.io: ``package``, and ``registry_package`` as apps get it.

Field names from "Webhook events and payloads" in GitHub's documentation and the examples in octokit/webhooks.
Every manifest has its own event; a child of an index has an empty tag. Of an image that is pushed with several
tags, users report events with one of them only. The times are those of the package, not of the push: the time of
arrival counts. The repository is read from ``package_url``, without its host: owner and name may be in mixed case
there, and an image's name may have slashes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils.oci import is_image

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import (
    UNKNOWN_TIME,
    delivered,
    is_chart,
    text,
    why_no_image,
)
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.forms import without_form
from registry_docker_updater.core.events.formats.proofs import signed
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Push, Unreadable
from registry_docker_updater.core.references import InvalidReference

# Older events say "create".
_PUSHES = frozenset(("published", "updated", "create"))
_CONTAINERS = frozenset(("container", "docker"))

_SNIPPET = """\
# GitHub, {name}: under Settings, Webhooks of the organization, with the event "Packages", or POST /orgs/ORG/hooks;
# replace SECRET by the secret that the settings name
{{
  "name": "web",
  "active": true,
  "events": ["package"],
  "config": {{"url": {address}, "content_type": "json", "secret": "SECRET", "insecure_ssl": "0"}}
}}
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one event; raises :class:`Malformed` when it is none of GitHub's."""
    body = without_form(delivery).content
    # All events tell who caused them.
    if not isinstance(body, dict) or "sender" not in body:
        raise Malformed('expected an object with "sender", as a webhook of GitHub sends it')
    package = body.get("package") or body.get("registry_package")
    if not isinstance(package, dict):
        return [Ignored("not an event of a package")]
    action = text(body, "action")
    if action not in _PUSHES:
        return [Ignored(action or "no action")]
    if not {(text(package, name) or "").lower() for name in ("package_type", "ecosystem")} & _CONTAINERS:
        return [Ignored("not a container image")]
    return [_version(registry, delivery, body, package)]


def _version(registry: str, delivery: Delivery, body: Mapping[str, Any], package: Mapping[str, Any]) -> Event:
    version = package.get("package_version")
    metadata = version.get("container_metadata") if isinstance(version, dict) else None
    if not isinstance(version, dict) or not isinstance(metadata, dict):
        return Unreadable("a package without its version and what is in it", body)
    tag = text(metadata.get("tag"), "name")
    if reason := why_no_image(tag) or _why_other(metadata.get("manifest")):
        return Ignored(reason)
    repository, digest = _repository(version, tag or ""), text(version, "version") or ""
    marks = (repository, tag or "", digest, text(package, "updated_at") or "")
    key = delivered(delivery.headers.get("x-github-delivery"), *marks)
    try:
        return Push(
            registry, repository, tag or "", digest, UNKNOWN_TIME, key, text(body.get("sender"), "login")
        )
    except InvalidReference as error:
        return Unreadable(str(error), body)


def _why_other(manifest: Any) -> str | None:
    media_type = text(manifest, "media_type")
    if media_type and not is_image(media_type):
        return "not an image manifest"
    config = manifest.get("config") if isinstance(manifest, dict) else None
    return "helm chart" if is_chart(text(config, "media_type")) else None


def _repository(version: Mapping[str, Any], tag: str) -> str:
    """Return what is between host and tag of ``ghcr.io/Owner/name:tag``."""
    _, _, name = (text(version, "package_url") or "").partition("/")
    return name.removesuffix(f":{tag}").lower()


FORMAT = Format(
    "github",
    read,
    signed("x-hub-signature-256", prefix="sha256="),
    insists=False,
    snippet=_SNIPPET,
    is_signed=True,
)
