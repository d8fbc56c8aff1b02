"""What is wrong with a trail, or with what it tells of."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Flaw:
    """Something that is not as it was kept, in a sentence; ``sequence`` is the entry where it shows.

    ``since`` is the time of the last entry that is known to be from before it: whatever happened, did after that. None where
    there is none.
    """

    sentence: str
    sequence: int | None = None
    since: datetime | None = None
