"""Whether a request was made by a page of ours, or by one of elsewhere in the name of who looks at it (CSRF).

A browser sends cookies, and a proxy its login, with whatever any page asks for. It says where a request comes from, and no page can
change that: in ``Sec-Fetch-Site`` (Fetch Metadata), or in ``Origin``.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit


def is_ours(headers: Mapping[str, str]) -> bool:
    """Tell whether a request with these ``headers``, by their names in lower case, is known to be of a page of ours."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    try:
        origin = urlsplit(headers.get("origin", ""))
    except ValueError:
        return False
    # Whichever of the two: whoever serves TLS for us may ask in plain HTTP.
    is_page = origin.scheme in ("http", "https") and bool(origin.netloc)
    return is_page and origin.netloc.lower() == headers.get("host", "").lower()
