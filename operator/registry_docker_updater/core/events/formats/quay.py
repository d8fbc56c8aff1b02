"""Notifications of Quay, the event "Push to Repository".

Field names from Quay's ``notifications/notificationevent.py`` and ``notifications/__init__.py``; in 2013,
``updated_tags`` was an object whose names were the tags. The other events have no such field, and the test that
Quay's page sends has ``pruned_image_count`` beside it. There is no digest, no id and no time.

So a push cannot be told from another of the same tag. Both count: their key is empty, and an empty key is never a
duplicate.
"""

from collections.abc import Sequence
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME, as_text, text, why_no_image
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import in_path
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Unreadable, UnresolvedPush
from registry_docker_updater.core.references import InvalidReference

_SNIPPET = """\
# Quay, {name}: in each repository under Settings, "Events and Notifications", "Create Notification".
# The URL is the address below, then a slash, then the secret that the settings name in the place of SECRET.
Event: Push to Repository
Notification: Webhook POST
Webhook URL: {address} and behind it /SECRET
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one notification; raises :class:`Malformed` when it is none of Quay's."""
    body = delivery.content
    repository = text(body, "repository")
    if repository is None:
        raise Malformed('expected an object with "repository", as a notification of Quay is')
    if "updated_tags" not in body:
        return [Ignored("not a push")]
    if "pruned_image_count" in body:
        return [Ignored("test notification")]
    tags = body["updated_tags"]
    if not isinstance(tags, list | dict):
        return [Unreadable("a push without a list of tags", body)]
    return [_push(registry, repository, as_text(tag), body) for tag in tags]


def _push(registry: str, repository: str, tag: str | None, body: Any) -> Event:
    if tag is None:
        return Unreadable("a tag that is no text", body)
    if reason := why_no_image(tag):
        return Ignored(reason)
    try:
        return UnresolvedPush(registry, repository, tag, UNKNOWN_TIME, key="")
    except InvalidReference as error:
        return Unreadable(str(error), body)


FORMAT = Format(
    "quay",
    read,
    in_path,
    insists=False,
    snippet=_SNIPPET,
    has_secret_in_path=True,
    is_resolved=False,
)
