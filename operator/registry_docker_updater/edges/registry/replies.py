"""Reading what registries and their token servers answer; none of it is trusted to be as it should."""

import contextlib
import hashlib
import math
import re
from collections.abc import Mapping
from urllib.parse import urlsplit
from urllib.request import parse_http_list, parse_keqv_list

from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json

# Without expires_in a token is good for 60 seconds (Distribution, docs/spec/auth/token.md).
TOKEN_SECONDS = 60
_LONGEST_TOKEN_SECONDS = 24 * 3600
# RFC 6750; nothing else may get into a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def read_challenge(header: str) -> tuple[str, Mapping[str, str]]:
    """Read ``WWW-Authenticate``: its scheme, and what it says beside."""
    scheme, _, rest = header.partition(" ")
    with contextlib.suppress(ValueError, IndexError):
        said = parse_keqv_list(parse_http_list(rest))
        return scheme.lower(), {name.lower(): value for name, value in said.items()}
    return scheme.lower(), {}


def scheme_of(url: str) -> str:
    """Return the scheme of ``url``, or nothing where it is no address."""
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def digest_of_manifest(body: bytes) -> str | None:
    """Return the digest of a manifest or index, None where ``body`` is none: a page of something that stands between."""
    with contextlib.suppress(ValueError):
        content = decode_json(body)
        if isinstance(content, dict) and content.get("schemaVersion") == 2:
            return f"sha256:{hashlib.sha256(body).hexdigest()}"
    return None


def token_in(body: bytes) -> tuple[str | None, float]:
    """Read what a token server gives: the token, or None where there is none, and for how many seconds it is good."""
    try:
        content = decode_json(body)
        token, seconds = content.get("token") or content["access_token"], content.get("expires_in")
    except (ValueError, LookupError, AttributeError, TypeError):
        return None, 0
    is_fit = isinstance(token, str) and _TOKEN.fullmatch(token)
    return token if is_fit else None, _seconds(seconds)


def _seconds(said: object) -> float:
    if isinstance(said, int | float) and not (isinstance(said, float) and math.isnan(said)):
        return min(max(said, 0), _LONGEST_TOKEN_SECONDS)
    return TOKEN_SECONDS
