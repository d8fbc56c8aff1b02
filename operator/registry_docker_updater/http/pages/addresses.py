"""Addresses of pages that are of something with a name."""

from urllib.parse import quote

# Browsers take them out of an address, escaped or not, and with ``..`` what is before it.
_DOTS = frozenset((".", ".."))


def address_of_target(key: str) -> str | None:
    """Return the address of a target's page; None where there is none that a browser could ask for."""
    return _address("/targets/", key)


def address_of_host(name: str) -> str | None:
    """Return the address of a host's page; None where there is none that a browser could ask for."""
    return _address("/hosts/", name)


def _address(folder: str, name: str) -> str | None:
    parts = name.split("/")
    if name and not _DOTS.intersection(parts):
        return folder + quote(name)
    # With its slashes escaped it is one part, which is none of dots alone.
    return folder + quote(name, safe="") if len(parts) > 1 else None
