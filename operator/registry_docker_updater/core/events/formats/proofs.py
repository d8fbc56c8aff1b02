"""How senders prove who they are."""

import hmac
from collections.abc import Mapping


def knows_secret(headers: Mapping[str, str], secret: str) -> bool:
    """Tell, in constant time, whether ``Authorization`` is the secret, alone or after the word Bearer."""
    # Strangers send any bytes, and WSGI hands the bytes of a header on as Latin-1.
    given, expected = headers.get("authorization", "").encode("latin-1"), secret.encode()
    return hmac.compare_digest(given, expected) | hmac.compare_digest(given, b"Bearer " + expected)
