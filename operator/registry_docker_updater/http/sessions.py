"""Who logged in with a token: a cookie says so until it expires, and proves it by the token itself.

Nothing is kept of it. It outlives a restart, and ends with the token: what is no token of the settings any more signs nothing.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

COOKIE = "registry_docker_updater"
LASTS = timedelta(hours=12)


def session_of(secret: str, now: datetime) -> str:
    """Return the value of the cookie of somebody who logs in with the token ``secret``."""
    expires = f"{int((now + LASTS).timestamp())}"
    return f"{expires}.{_signed(secret, expires)}"


def is_proven(session: str, secret: str, now: datetime) -> bool:
    """Tell whether somebody logged in with the token ``secret``, and it is not over."""
    expires, _, signature = session.partition(".")
    is_ours = hmac.compare_digest(signature.encode(), _signed(secret, expires).encode())
    return is_ours and datetime.fromtimestamp(int(expires), UTC) > now


def cookie(value: str, *, is_secure: bool) -> str:
    """Return what a browser is to keep for us; an empty ``value`` has it forget.

    It is sent with links of elsewhere, such as those in messages, and not with what other pages have a browser post.
    """
    age = int(LASTS.total_seconds()) if value else 0
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={value}; Max-Age={age}; Path=/; HttpOnly; SameSite=Lax{secure}"


def session_in(headers: Mapping[str, str]) -> str:
    """Return what the cookie of a request says; nothing where there is none."""
    for one in headers.get("cookie", "").split(";"):
        name, _, value = one.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _signed(secret: str, expires: str) -> str:
    said = f"{COOKIE} session until {expires}"
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()
