#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Post one message, as JSON, to a webhook."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: notification_post
short_description: Post one message, as JSON, to a webhook
version_added: "0.1.0"
description:
  - Posts a message, and says whether the other side took it. What that answers never fails the task.
  - The whole exchange, looking up the name included, takes O(timeout) seconds at the most. Redirects are not followed.
    The proxies of the environment are used, and certificates are checked against the authorities that the machine
    trusts; C(SSL_CERT_FILE) in the environment names others.
  - The address and the secret are never shown, nor is any text of an answer but the short name of an error.
author: The registry-docker-updater developers (!UNKNOWN)
options:
  url:
    description: Where to, V(https://host/path). A secret.
    type: str
    required: true
  body:
    description: The message, as JSON text or as what JSON is made of.
    type: raw
    required: true
  headers:
    description: More headers, such as C(Authorization). Secrets.
    type: dict
    default: {}
  answer:
    description:
      - Which answer means that the message was taken.
      - V(slack) is C(200) with the text C(ok), or with JSON whose C(ok) is true.
      - V(teams) is C(202), or C(200) with nothing or with C(1).
      - V(any) is every status from C(200) to C(299).
    type: str
    choices: [slack, teams, any]
    default: any
  secret:
    description:
      - Secret that the message is signed with, as the Standard Webhooks specification has it. The key is the base64 behind
        C(whsec_), or the text itself where it does not begin with that.
    type: str
  message_id:
    description: The same for the same message, for the header C(webhook-id). One of its own without it.
    type: str
  content_type:
    description: Media type of the message.
    type: str
    default: application/json; charset=utf-8
  timeout:
    description: Seconds after which the other side is given up.
    type: float
    default: 20
attributes:
  check_mode:
    description: Sends nothing and connects to nothing.
    support: full
  diff_mode:
    description: There is no state to compare.
    support: none
  idempotent:
    description: Every run sends a message.
    support: none
"""

EXAMPLES = r"""
- name: Tell the team's service
  registry.docker_updater.notification_post:
    url: "{{ vaulted_webhook_url }}"
    secret: "{{ vaulted_webhook_secret }}"
    message_id: m12
    body:
      text: Everything runs the new image.
  register: told
  failed_when: not told.sent
"""

RETURN = r"""
sent:
  description: Whether the other side took the message.
  returned: always
  type: bool
reason:
  description: Why not, in a sentence.
  returned: always
  type: str
retry_after:
  description: Seconds that the other side asks to wait before the next message.
  returned: always
  type: int
"""

import json
import re
import time
import uuid
from datetime import datetime, timezone
from typing import Any, Dict, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.registry.docker_updater.plugins.module_utils.delivery.exchange import (
    NoReply,
    post,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.addresses import (
    WEBHOOK_FORM,
    is_webhook,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.answers import (
    Answer,
    classify,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.signature import signed


def send(options: Mapping[str, Any]) -> Answer:
    """Post the message of the module's options, and tell what came of it."""
    if not is_webhook(options["url"]):
        return Answer(False, WEBHOOK_FORM)
    try:
        body = _text(options["body"]).encode()
        headers = {**_headers(options["headers"]), **_signature(options, body)}
    except ValueError as error:
        return Answer(False, str(error))
    try:
        reply = post(
            options["url"], body, {"Content-Type": options["content_type"], **headers}, options["timeout"]
        )
    except NoReply as error:
        return Answer(False, str(error))
    return classify(options["answer"], reply, options["url"], datetime.now(timezone.utc))


def _text(body: Any) -> str:
    """Return the JSON text of the message; raises :class:`ValueError` where the text given is none."""
    if not isinstance(body, str):
        return json.dumps(body)
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        where = f", line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"the message is no JSON{where}") from None
    return body.strip()


def _headers(given: Mapping[str, Any]) -> Dict[str, str]:
    headers = {str(name): str(value) for name, value in given.items()}
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or not re.fullmatch(r"[\t -~]*", value):
            raise ValueError("a header has a name or a value that cannot be sent")
    return {"User-Agent": "registry-docker-updater", **headers}


def _signature(options: Mapping[str, Any], body: bytes) -> Dict[str, str]:
    message_id = re.sub("[^!-~]", "-", options["message_id"] or "") or str(uuid.uuid4())
    if not options["secret"]:
        return {"webhook-id": message_id} if options["answer"] == "any" else {}
    try:
        return signed(options["secret"], message_id, int(time.time()), body)
    except ValueError as error:
        raise ValueError(f"the webhook's secret cannot be used: {error}") from None


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True, "no_log": True},
            "body": {"type": "raw", "required": True},
            "headers": {"type": "dict", "default": {}, "no_log": True},
            "answer": {"type": "str", "choices": ["slack", "teams", "any"], "default": "any"},
            "secret": {"type": "str", "no_log": True},
            "message_id": {"type": "str"},
            "content_type": {"type": "str", "default": "application/json; charset=utf-8"},
            "timeout": {"type": "float", "default": 20},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True, sent=False, reason="check mode sends nothing", retry_after=None)
    answer = send(module.params)
    module.exit_json(changed=answer.sent, **answer._asdict())


if __name__ == "__main__":
    main()
