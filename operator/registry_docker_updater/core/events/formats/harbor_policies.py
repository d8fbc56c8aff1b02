"""The webhook policies of a Harbor's projects: what each is to have, and what that asks for where it is.

Fields from Harbor's ``api/v2.0/swagger.yaml``, ``WebhookPolicy`` and ``WebhookTargetObject``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

NAME = "registry-docker-updater"
# What a policy is to be like; its other fields, such as its description, are the project's own.
_FIELDS = ("enabled", "event_types", "targets")


class PolicyChange(NamedTuple):
    """What is to be done: a policy with the ``number`` is replaced by ``policy``, or made where there is none."""

    number: int | None
    policy: Mapping[str, Any]


def wanted(address: str, secret: str, *, is_trusted: bool) -> dict[str, Any]:
    """Return the policy that sends pushes to ``address`` with ``secret``, whose certificate ``is_trusted`` or not."""
    target = {
        "type": "http",
        "address": address,
        "auth_header": f"Bearer {secret}",
        "skip_cert_verify": not is_trusted,
        "payload_format": "CloudEvents",
    }
    return {"name": NAME, "enabled": True, "event_types": ["PUSH_ARTIFACT"], "targets": [target]}


def change(existing: Sequence[Any], policy: Mapping[str, Any]) -> PolicyChange | None:
    """Return what makes the ``existing`` policies of a project have ``policy``; None where they do."""
    ours = [one for one in existing if isinstance(one, dict) and one.get("name") == NAME]
    if not ours:
        return PolicyChange(None, policy)
    before = ours[0]
    if all(_is_like(before.get(name), policy[name]) for name in _FIELDS):
        return None
    return PolicyChange(before.get("id"), {**before, **policy})


def _is_like(before: Any, now: Any) -> bool:
    """Tell whether a field is what it is to be; what Harbor does not show of it, such as a secret, is taken to be."""
    if isinstance(now, dict):
        return isinstance(before, dict) and all(
            _is_like(before.get(name), now[name]) for name in now if name in before
        )
    if isinstance(now, list):
        return (
            isinstance(before, list)
            and len(before) == len(now)
            and all(_is_like(one, other) for one, other in zip(before, now, strict=True))
        )
    return bool(before == now)
