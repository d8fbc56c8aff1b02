"""Names of things in addresses."""

from urllib.parse import quote

_DOTS = frozenset((".", ".."))


def in_path(name: str) -> str | None:
    """Return ``name`` as it stands in the path of an address; None where nobody could ask for that.

    Whoever asks takes ``.`` and ``..`` out of a path, escaped or not, and with ``..`` what is before it (RFC 3986, 5.2.4).
    """
    parts = name.split("/")
    if name and not _DOTS.intersection(parts):
        return quote(name)
    # With its slashes escaped it is one part, which is none of dots alone.
    return quote(name, safe="") if len(parts) > 1 else None
