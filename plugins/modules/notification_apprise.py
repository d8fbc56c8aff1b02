#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Send one message to the services that Apprise knows."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: notification_apprise
short_description: Send one message to the services that Apprise knows
version_added: "0.1.0"
description:
  - Sends a title and a text to each service, all at once, and says which of them took it. What they answer never fails the task.
  - Where one took it, it is sent, and a warning names each other, because to send again would tell all of them once more.
  - All of it takes O(timeout) seconds at the most. Redirects are not followed.
  - The text is sent as it stands, with no formatting and no escapes read from it, and nothing is attached.
  - A service that did not take the message is named by its place in the list and by the name of the service, never by its
    address, which holds secrets.
requirements:
  - The Python package C(apprise), for the Python that runs the module.
author: The registry-docker-updater developers (!UNKNOWN)
options:
  urls:
    description:
      - Addresses of notification services, as Apprise has them. Secrets.
      - Only services that tell somebody elsewhere. Files of configuration, and what acts on the machine itself, are refused.
    type: list
    elements: str
    required: true
  title:
    description: Title of the message; services that have none put it before the text.
    type: str
    required: true
  text:
    description: The message.
    type: str
    required: true
  level:
    description: How the message is meant; some services show it by a colour or an icon.
    type: str
    choices: [info, success, warning, failure]
    default: info
  timeout:
    description: Seconds after which a service is given up.
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
- name: Tell the team on ntfy
  registry.docker_updater.notification_apprise:
    urls: ["ntfys://{{ vaulted_ntfy_token }}@ntfy.example.com/updates"]
    title: Image updated
    text: Everything runs the new image.
  register: told
  failed_when: not told.sent
"""

RETURN = r"""
sent:
  description: Whether at least one service took the message.
  returned: always
  type: bool
reason:
  description: Which did not, and why, in a sentence.
  returned: always
  type: str
"""

import importlib
import logging
import re
import time
from functools import partial
from typing import Any, Callable, List, Mapping

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.registry.docker_updater.plugins.module_utils.delivery.deadline import (
    TooLate,
    begin,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.addresses import (
    service_of,
    what_is_wrong_with_service,
)

try:
    apprise: Any = importlib.import_module("apprise")
except ImportError:
    apprise = None

NOT_INSTALLED = (
    "the Python package apprise is not installed for the Python that runs Ansible: install it there, or leave "
    "notification_apprise_urls unset"
)
_SETTINGS: Mapping[str, Any] = {
    "app_id": "registry-docker-updater",
    "app_desc": "registry-docker-updater",
    "app_url": "",
    "image_url_mask": "",
    "image_url_logo": "",
    "http_redirects": False,
    "interpret_escapes": False,
    "interpret_emojis": False,
    "async_mode": False,
    "storage_mode": "memory",
}


def send(options: Mapping[str, Any]) -> List[str]:
    """Send the message of the module's options; return what went wrong, one entry a service that did not take it."""
    until = time.monotonic() + options["timeout"]
    waiting = [begin(partial(_tell, url, options)) for url in options["urls"]]
    problems = []
    for number, (url, ended) in enumerate(zip(options["urls"], waiting), 1):
        why = _why(ended, until - time.monotonic())
        if why:
            service = service_of(url)
            problems.append(f"entry {number}{f' ({service})' if service else ''}: {why}")
    return problems


def _why(ended: Callable[[float], str], seconds: float) -> str:
    try:
        return ended(max(0.0, seconds))
    except TooLate:
        return "it has not answered in time"
    except Exception as error:
        # Its text may quote the address.
        return f"Apprise failed with {type(error).__name__}"


def _tell(url: str, options: Mapping[str, Any]) -> str:
    """Tell one service; return why it was not told."""
    wrong = what_is_wrong_with_service(url)
    if wrong:
        return wrong
    asset = apprise.AppriseAsset(**_SETTINGS)
    if service_of(url) not in _services():
        return "Apprise knows no such service"
    one = apprise.Apprise.instantiate(url.strip(), asset=asset)
    if one is None:
        return "Apprise cannot read its address; look at how it writes those of this service"
    teller = apprise.Apprise(asset=asset)
    teller.add(one)
    result = teller.notify(
        body=options["text"],
        title=options["title"],
        notify_type=options["level"],
        body_format=apprise.NotifyFormat.TEXT,
        interpret_escapes=False,
    )
    return "" if result else _cause(result)


def _services() -> Any:
    return apprise.manager_plugins.NotificationManager().schemas()


def _cause(result: Any) -> str:
    """Read a status or a broken connection from what Apprise logged: its texts may quote the address."""
    said = " ".join(str(entry.message) for entry in result.logs()) if hasattr(result, "logs") else ""
    status = re.search(r"error=(\d{3})\b", said)
    if status:
        return f"HTTP {status.group(1)}"
    return "no connection" if "onnection error" in said else "the service did not take it"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "urls": {"type": "list", "elements": "str", "required": True, "no_log": True},
            "title": {"type": "str", "required": True},
            "text": {"type": "str", "required": True},
            "level": {
                "type": "str",
                "choices": ["info", "success", "warning", "failure"],
                "default": "info",
            },
            "timeout": {"type": "float", "default": 20},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True, sent=False, reason="check mode sends nothing")
    logging.getLogger("apprise").addHandler(logging.NullHandler())
    problems = [NOT_INSTALLED] if apprise is None else send(module.params)
    sent = len(problems) < len(module.params["urls"]) and apprise is not None
    for problem in problems if sent else ():
        module.warn(f"{problem}; the others got the message")
    module.exit_json(changed=sent, sent=sent, reason="; ".join(problems))


if __name__ == "__main__":
    main()
