"""In which order tags come: what is a number in them counts as one, so that ``1.10`` comes after ``1.9``."""

import re
from collections.abc import Iterable

# Where a tag comes in an order; two of the same order can be compared.
Place = tuple[tuple[int, int, str], ...]
_RUNS = re.compile("[0-9]+|[^0-9]+")


def in_parts(parts: Iterable[str | None]) -> Place:
    """Return the place of what consists of ``parts``: nothing comes before numbers, and those before text."""
    return tuple(_part(part) for part in parts)


def natural(tag: str) -> Place:
    """Return the place of a tag by its numbers, and the text between them."""
    return in_parts(_RUNS.findall(tag))


def is_after(place: Place | None, other: Place | None) -> bool:
    """Tell whether a place comes after another; what has none (None) comes before and after nothing."""
    return place is not None and other is not None and place > other


def _part(part: str | None) -> tuple[int, int, str]:
    if not part:
        return -1, 0, ""
    return (0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part)
