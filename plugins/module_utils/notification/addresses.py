# SPDX-License-Identifier: Apache-2.0
"""What an address of a webhook, and of a notification service, looks like. Pure."""

from __future__ import annotations

import re

# Without a name and password in it: the environment's proxies and the logs of others would show them.
_WEBHOOK = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]+/[!-~]*", re.IGNORECASE)
WEBHOOK_FORM = "the webhook URL is not of the form https://host/path"

_SERVICE = re.compile(r"([a-z][a-z0-9+._-]*)://[^\s]", re.IGNORECASE)
# What Apprise reads files by, or what acts on the machine itself instead of telling somebody elsewhere.
_NOT_SENT_ANYWHERE = frozenset(
    (
        "file", "blink1", "dbus", "glib", "gio", "gnome", "growl", "kde", "macosx", "memory", "qt",
        "syslog", "windows",
    )
)  # fmt: skip
SERVICE_FORM = "it is not of the form service://…"


def is_webhook(url: object) -> bool:
    """Tell whether ``url`` is one that a message can be posted to."""
    return isinstance(url, str) and bool(_WEBHOOK.fullmatch(url))


def service_of(url: object) -> str:
    """Return the name of the service of an Apprise URL, its scheme, or "" where it has none."""
    match = _SERVICE.match(url.strip()) if isinstance(url, str) else None
    return match.group(1).lower() if match else ""


def what_is_wrong_with_service(url: object) -> str:
    """Say why an Apprise URL cannot be used, without showing it; "" where nothing is seen from its form."""
    service = service_of(url)
    if not service:
        return SERVICE_FORM
    if service in _NOT_SENT_ANYWHERE:
        return f"{service}:// tells nobody elsewhere, and is not used"
    return ""
