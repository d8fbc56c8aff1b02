"""Events of Google Artifact Registry, which Pub/Sub pushes from the topic ``gcr``.

Fields from Artifact Registry's documentation, "Configure Pub/Sub notifications": ``action`` is INSERT or DELETE, ``digest`` is
``HOST/PROJECT/REPOSITORY/IMAGE@sha256:...``, and ``tag``, where there is one, ``HOST/PROJECT/REPOSITORY/IMAGE:TAG``. Container
Registry, which it took the place of, named no digest with a tag. From Pub/Sub's, "Push subscriptions" and "Payload
unwrapping": a message is in an envelope, its data as Base64; without one, the body is the data, and what the envelope
says is in headers, or nowhere. Whatever is not acknowledged is sent again until it expires, and slows down the rest.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import UNKNOWN_TIME, moment, text, why_no_image
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import any_of, in_path, knows_secret
from registry_docker_updater.core.events.pushes import (
    Event,
    Ignored,
    Malformed,
    Push,
    Unreadable,
    UnresolvedPush,
)
from registry_docker_updater.core.references import InvalidReference

_SNIPPET = """\
# Google Cloud, in the project of the registry {name}; the address ends with a slash and the secret that the settings
# name: replace SECRET by it
gcloud pubsub topics create gcr
gcloud pubsub subscriptions create registry-docker-updater --topic=gcr --push-endpoint={address}/SECRET
# With oidc in the settings in the place of a secret, whose claims have the e-mail of ACCOUNT and whose audience is this:
gcloud pubsub subscriptions create registry-docker-updater --topic=gcr --push-endpoint={address} \\
  --push-auth-service-account=ACCOUNT --push-auth-token-audience={address}
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one message; raises :class:`Malformed` when it is none of Artifact Registry."""
    body = delivery.content
    if isinstance(body, dict) and isinstance(body.get("message"), dict):
        message, data = body["message"], _data(body["message"].get("data"))
    else:
        message, data = _from_headers(delivery.headers), body
    action = text(data, "action")
    if action is None:
        raise Malformed('expected {"action": ...}, as Artifact Registry tells it by Pub/Sub')
    if action != "INSERT":
        return [Ignored(action)]
    if reason := why_no_image((text(data, "tag") or "").rpartition(":")[2]):
        return [Ignored(reason)]
    try:
        return [_push(registry, message, data)]
    except (InvalidReference, Malformed) as error:
        return [Unreadable(str(error), body)]


def _data(coded: Any) -> Any:
    try:
        return Delivery(base64.b64decode(coded, validate=True)).content
    except (TypeError, ValueError):
        raise Malformed("a message of Pub/Sub whose data is no JSON as Base64") from None


def _from_headers(headers: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "messageId": headers.get("x-goog-pubsub-message-id"),
        "publishTime": headers.get("x-goog-pubsub-publish-time"),
    }


def _push(registry: str, message: Mapping[str, Any], data: Mapping[str, Any]) -> Push | UnresolvedPush:
    repository, _, tag = _behind_host(text(data, "tag")).rpartition(":")
    digest, identity = text(data, "digest"), text(message, "messageId")
    time = message.get("publishTime")
    occurred_at = UNKNOWN_TIME if time is None else moment(time)
    # Pub/Sub repeats messages, at times late: which digest the tag has now, only the registry knows then.
    if digest is None or identity is None:
        return UnresolvedPush(registry, repository, tag, occurred_at, identity or "")
    return Push(
        registry=registry,
        repository=repository,
        tag=tag,
        digest=_behind_host(digest).partition("@")[2],
        occurred_at=occurred_at,
        key=identity,
    )


def _behind_host(name: str | None) -> str:
    return (name or "").partition("/")[2]


FORMAT = Format(
    "gar",
    read,
    any_of(in_path, knows_secret),
    insists=True,
    snippet=_SNIPPET,
    has_secret_in_path=True,
)
