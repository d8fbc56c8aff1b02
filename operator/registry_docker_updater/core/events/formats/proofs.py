"""How senders prove who they are: from a delivery and a secret, in constant time. An empty secret proves nothing."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable

from registry_docker_updater.core.events.delivery import Delivery

Proof = Callable[[Delivery, str], bool]


def knows_secret(delivery: Delivery, secret: str) -> bool:
    """Tell whether ``Authorization`` is the secret: alone, after the word Bearer, or as the password of Basic (RFC 7617)."""
    return in_header("authorization")(delivery, secret) or is_basic(delivery, secret)


def is_basic(delivery: Delivery, secret: str) -> bool:
    """Tell whether ``Authorization`` is Basic with the secret as its password, or as user and password with a colon."""
    kind, _, coded = delivery.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(coded, validate=True) if kind.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return False
    _, _, password = given.partition(b":")
    return _same(password, secret.encode()) | _same(given, secret.encode())


def in_header(name: str) -> Proof:
    """Return the proof by a header that is the secret, alone or after the word Bearer."""

    def proves(delivery: Delivery, secret: str) -> bool:
        # Strangers send any bytes, and WSGI hands the bytes of a header on as Latin-1.
        given, expected = delivery.headers.get(name, "").encode("latin-1"), secret.encode()
        return bool(secret) and _same(given, expected) | _same(given, b"Bearer " + expected)

    return proves


def in_path(delivery: Delivery, secret: str) -> bool:
    """Tell whether the secret stands behind the registry's name in the path."""
    return _same(delivery.in_path.encode("latin-1"), secret.encode())


def signed(header: str, algorithm: str = "sha256", prefix: str = "") -> Proof:
    """Return the proof by a header that is ``prefix`` and the hexadecimal HMAC (RFC 2104) of the body with the secret."""

    def proves(delivery: Delivery, secret: str) -> bool:
        digest = hmac.new(secret.encode(), delivery.body, getattr(hashlib, algorithm)).hexdigest()
        return bool(secret) and _same(
            delivery.headers.get(header, "").encode("latin-1"), f"{prefix}{digest}".encode()
        )

    return proves


def any_of(*proofs: Proof) -> Proof:
    """Return the proof by one of several, all of which are tried."""
    return lambda delivery, secret: any([proof(delivery, secret) for proof in proofs])  # noqa: C419 - the time tells nothing


def _same(given: bytes, expected: bytes) -> bool:
    return bool(expected) and hmac.compare_digest(given, expected)
