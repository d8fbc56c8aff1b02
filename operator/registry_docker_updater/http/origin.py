"""Whether a request was made by a page of ours: a page of elsewhere can make a browser send one, with the user's cookies.

As Fetch Metadata (``Sec-Fetch-Site``) and the Fetch standard (``Origin``) have it: every browser of today sends one of them
with what changes something.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit


def is_of_our_page(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser says that a request with these ``headers``, by their names in lower case, comes from a page of ours."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    try:
        origin = urlsplit(headers.get("origin", ""))
    except ValueError:
        return False
    # A proxy may have taken TLS off on the way, so the scheme is not compared.
    return bool(origin.netloc) and origin.netloc.lower() == headers.get("host", "").lower()
