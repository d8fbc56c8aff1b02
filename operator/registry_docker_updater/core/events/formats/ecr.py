"""Events of Amazon ECR: what EventBridge sends to an API destination, or an SNS topic to its subscribers.

Field names from the user guide of Amazon ECR, "Amazon ECR events and EventBridge": pushes are "ECR Image Action", one
a manifest, best effort. Children of an index come with an empty ``image-tag`` (as seen in
awslabs/cfn-ecr-aws-soci-index-builder, pull request 137), only newer events have ``manifest-media-type``. The message of
SNS is from its developer guide, "Message and JSON formats": the event is text in ``Message``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils.oci import is_image

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.fields import fingerprint, moment, text, why_no_image
from registry_docker_updater.core.events.formats.format import Format
from registry_docker_updater.core.events.formats.proofs import any_of, in_header, in_path, knows_secret
from registry_docker_updater.core.events.pushes import Event, Ignored, Malformed, Push, Unreadable
from registry_docker_updater.core.references import InvalidReference

_IMAGE_ACTION = "ECR Image Action"
_TO_CONFIRM = "SubscriptionConfirmation"

_SNIPPET = """\
# AWS, of the registry {name}: replace SECRET by the secret that the settings name, CONNECTION and DESTINATION by the
# ARNs that the first two commands print, and ROLE by that of a role with which events.amazonaws.com may
# events:InvokeApiDestination
aws events create-connection --name registry-docker-updater --authorization-type API_KEY \\
  --auth-parameters '{{"ApiKeyAuthParameters": {{"ApiKeyName": "X-Api-Key", "ApiKeyValue": "SECRET"}}}}'
aws events create-api-destination --name registry-docker-updater --connection-arn CONNECTION \\
  --http-method POST --invocation-endpoint {address}
aws events put-rule --name registry-docker-updater \\
  --event-pattern '{{"source": ["aws.ecr"], "detail-type": ["ECR Image Action"], "detail": {{"action-type": ["PUSH"]}}}}'
aws events put-targets --rule registry-docker-updater \\
  --targets '[{{"Id": "registry-docker-updater", "Arn": "DESTINATION", "RoleArn": "ROLE"}}]'
# A topic of SNS can be the rule's target instead: name it in the settings as sns_topic, and its subscription is confirmed;
# or let the subscription's address end with /SECRET
"""


def read(registry: str, delivery: Delivery) -> Sequence[Event]:
    """Read one event; raises :class:`Malformed` when it is none of AWS."""
    body = delivery.content
    if isinstance(body, dict) and ("Type" in body or "TopicArn" in body):
        # Of what SNS sends, it signs its own fields only: nothing else that stands in it is read.
        kind = text(body, "Type")
        if kind is None or not isinstance(body.get("Message"), str):
            raise Malformed("expected a message of SNS with Type and Message")
        if kind != "Notification":
            return [Ignored("subscription to be confirmed" if kind == _TO_CONFIRM else kind)]
        body = Delivery(body["Message"].encode("utf-8", "replace")).content
    elif text(body, "detail-type") is None:
        raise Malformed('expected an event of EventBridge with "detail-type", or a message of SNS')
    return [_event(registry, body)]


def _event(registry: str, event: Any) -> Event:
    kind, detail = text(event, "detail-type"), event.get("detail") if isinstance(event, dict) else None
    if kind is not None and kind != _IMAGE_ACTION:
        return Ignored(kind)
    action = text(detail, "action-type")
    if kind is None or action is None:
        return Unreadable("an event without detail-type and action-type", event)
    if reason := _no_push_because(action, detail):
        return Ignored(reason)
    try:
        return _push(registry, event, detail)
    except (InvalidReference, Malformed) as error:
        return Unreadable(str(error), event)


def _no_push_because(action: str, detail: Any) -> str | None:
    if action != "PUSH":
        return action
    if text(detail, "result") != "SUCCESS":
        return "push that failed"
    if "manifest-media-type" in detail and not is_image(text(detail, "manifest-media-type")):
        return "not an image manifest"
    return why_no_image(text(detail, "image-tag"))


def _push(registry: str, event: Mapping[str, Any], detail: Any) -> Push:
    repository, tag, digest = (
        text(detail, name) or "" for name in ("repository-name", "image-tag", "image-digest")
    )
    occurred_at = moment(event.get("time"))
    return Push(
        registry=registry,
        repository=repository,
        tag=tag,
        digest=digest,
        occurred_at=occurred_at,
        key=text(event, "id") or fingerprint(repository, tag, digest, occurred_at.isoformat()),
    )


FORMAT = Format(
    "ecr",
    read,
    any_of(knows_secret, in_header("x-api-key"), in_path),
    insists=False,
    snippet=_SNIPPET,
    has_secret_in_path=True,
)
