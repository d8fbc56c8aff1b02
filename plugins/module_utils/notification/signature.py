# SPDX-License-Identifier: Apache-2.0
"""Signatures of webhooks as the Standard Webhooks specification has them (standardwebhooks.com). Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Dict

PREFIX = "whsec_"


def signed(secret: str, message_id: str, timestamp: int, body: bytes) -> Dict[str, str]:
    """Return the headers that prove who sent ``body``; ``timestamp`` is in seconds since 1970.

    The signature is over ``id.timestamp.body``; the key of a secret that begins with ``whsec_`` is the base64 behind it,
    any other secret is a key as it stands. Raises :class:`ValueError` where there is no base64 behind ``whsec_``.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": "v1," + base64.b64encode(digest).decode("ascii"),
    }


def _key(secret: str) -> bytes:
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret[len(PREFIX) :], validate=True)
    except binascii.Error:
        raise ValueError("behind whsec_ there is no base64") from None
