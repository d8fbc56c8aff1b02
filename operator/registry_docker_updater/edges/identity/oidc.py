"""Senders that prove themselves by a token of OpenID Connect, as Google's Pub/Sub and CI systems do.

What is checked of a token is from OpenID Connect Core 1.0, "ID Token Validation", and from Pub/Sub's "Authenticate push
subscriptions": who signed and issued it, for whom, when, and what it says of its bearer. Keys are a JSON Web Key Set (RFC
7517).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.edges.identity.keys import Keys
from registry_docker_updater.errors import NotKnownYet

# Those by which nobody signs with a public key for a secret.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LEEWAY_SECONDS = 30
_LONGEST = 8192


@dataclass(frozen=True)
class Expected:
    """What a token is to say: who issued it, for whom, and of its bearer; and where the issuer's keys are."""

    issuer: str
    keys_url: str
    audience: str
    claims: Mapping[str, str]


class TokenIdentity:
    """A sender with a token. Safe for use by several threads."""

    is_signed = False
    proven_by = "token (oidc)"

    def __init__(self, expected: Expected, keys: Keys) -> None:
        """Take tokens as ``expected``, signed with one of ``keys``, by :func:`read_keys`."""
        self._expected, self._keys = expected, keys

    def prepare(self) -> None:
        """Have the keys fetched before anybody sends."""
        try:
            self._keys.key(self._expected.keys_url, "")
        except NotKnownYet:
            return

    def proves(self, delivery: Delivery) -> bool:
        """Tell whether a delivery has a token as expected; raises :class:`NotKnownYet`."""
        kind, _, token = delivery.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or token.count(".") != 2 or len(token) > _LONGEST:
            return False
        expected = self._expected
        try:
            # Whose it says it is, before anything is fetched: what is known to all, so that the answer tells nothing else.
            said = jwt.decode(token, options={"verify_signature": False})
            if said.get("iss") != expected.issuer:
                return False
            name = jwt.get_unverified_header(token).get("kid")
            key = self._keys.key(expected.keys_url, name) if isinstance(name, str) else None
            if key is None:
                return False
            said = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=expected.audience,
                issuer=expected.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "aud", "iss"]},
            )
        except (jwt.PyJWTError, ValueError, RecursionError):
            return False
        return self._is_of_bearer(said)

    def welcome(self, delivery: Delivery) -> None:
        """Do nothing: the sender waits for nothing."""

    def _is_of_bearer(self, said: Mapping[str, Any]) -> bool:
        if "email" in self._expected.claims and said.get("email_verified") is not True:
            return False
        return all(said.get(name) == value for name, value in self._expected.claims.items())


def read_keys(body: bytes) -> Mapping[str, jwt.PyJWK]:
    """Return the keys of a JSON Web Key Set that can be used; raises :class:`ValueError` where it is none."""
    try:
        return {key.key_id: key for key in jwt.PyJWKSet.from_json(body.decode()).keys if key.key_id}
    except (jwt.PyJWTError, ValueError, AttributeError, TypeError, KeyError) as error:
        raise ValueError(f"no JSON Web Key Set: {error}") from None
