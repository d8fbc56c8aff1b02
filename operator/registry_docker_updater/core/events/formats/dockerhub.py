"""Events of Docker Hub's webhooks.

Field names from "Webhooks" in Docker's documentation; ``pushed_at`` is in seconds, and older examples have a
fraction. ``media_type`` is not documented; Kargo tells charts from images by it. There is no digest and no id, and
an image for several platforms is announced several times with one ``pushed_at``. ``callback_url`` is never called.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import (
    fingerprint,
    from_seconds,
    is_chart,
    text,
    why_no_image,
)
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import in_path
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Unreadable, UnresolvedPush
from registry_docker_updater.core.references import InvalidReference

_SNIPPET = """\
# Docker Hub, {name}: in each repository under Webhooks.
# The URL is the address below, then a slash, then the secret that the settings name in the place of SECRET.
Webhook name: registry-docker-updater
Webhook URL: {address} and behind it /SECRET
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one event; raises :class:`Malformed` when it is none of Docker Hub's."""
    body = delivery.content
    data = body.get("push_data") if isinstance(body, dict) else None
    repository = body.get("repository") if isinstance(body, dict) else None
    if not isinstance(data, dict) or not isinstance(repository, dict):
        raise Malformed('expected an object with "push_data" and "repository", as Docker Hub sends it')
    if is_chart(text(data, "media_type")):
        return [Ignored("helm chart")]
    tag = text(data, "tag")
    if reason := why_no_image(tag):
        return [Ignored(reason)]
    try:
        return [_push(registry, text(repository, "repo_name") or "", tag or "", data)]
    except (InvalidReference, Malformed) as error:
        return [Unreadable(str(error), body)]


def _push(registry: str, repository: str, tag: str, data: Mapping[str, Any]) -> UnresolvedPush:
    occurred_at = from_seconds(data.get("pushed_at"))
    return UnresolvedPush(
        registry=registry,
        repository=repository,
        tag=tag,
        occurred_at=occurred_at,
        key=fingerprint(repository, tag, occurred_at.isoformat()),
        actor=text(data, "pusher"),
    )


FORMAT = Format(
    "dockerhub",
    read,
    in_path,
    insists=False,
    snippet=_SNIPPET,
    has_secret_in_path=True,
    is_resolved=False,
)
