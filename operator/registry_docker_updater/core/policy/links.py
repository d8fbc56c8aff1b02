"""Links to what waits for approval, as messages have them: signed, so that whoever has one may see it without a login; they expire.

A link shows what would happen, and approves nothing.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

# Where links lead.
APPROVE = "/approve"
# For how long a link in a message shows what waits.
LINKS_LAST = timedelta(days=7)


def signed_path(key: bytes, rollout: int, until: datetime) -> str:
    """Return the path, with its query, at which a rollout that waits for approval is shown ``until`` a moment; ``key`` is secret."""
    text = str(int(until.timestamp()))
    return f"{APPROVE}/{rollout}?{urlencode({'until': text, 'signature': _signature(key, rollout, text)})}"


def plain_path(rollout: int, until: datetime) -> str:
    """Return the path at which a rollout is shown to who may see it."""
    del until
    return f"/rollouts/{rollout}"


def problem_of_link(key: bytes, rollout: int, until: str, signature: str, now: datetime) -> str | None:
    """Return why a link to a rollout, with what stands in its query, shows nothing ``now``, in a sentence; None where it does."""
    if not hmac.compare_digest(signature.encode(), _signature(key, rollout, until).encode()):
        return "this link was not made by this operator, or is not whole"
    if datetime.fromtimestamp(int(until), UTC) <= now:
        return "this link has expired"
    return None


def _signature(key: bytes, rollout: int, until: str) -> str:
    said = f"{APPROVE} {rollout} until {until}"
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()
