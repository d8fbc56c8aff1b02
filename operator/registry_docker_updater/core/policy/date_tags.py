"""Following dates: ``date %Y.%m.%d``."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from registry_docker_updater.core.policy.rules import BadRule
from registry_docker_updater.core.policy.tag_order import Place, in_parts, is_after
from registry_docker_updater.core.references import is_tag

# What a format may hold, and which parts of a date that tells; names of months are not the same everywhere.
_TELLS = {"Y": "Y", "y": "Y", "m": "m", "d": "d", "j": "md", "H": "H", "M": "M", "S": "S"}
# The parts of a date, each of which means nothing without those before it.
_PARTS = "YmdHMS"


@dataclass(frozen=True)
class DateTags:
    """The dates that are written as ``format`` says, with every zero."""

    text: str
    format: str

    @classmethod
    def read(cls, text: str, said: str) -> "DateTags":
        """Read what is ``said`` after the word of the kind; raises :class:`BadRule`."""
        signs = re.findall("%(.?)", said)
        if unknown := [sign for sign in signs if sign not in _TELLS]:
            known = ", ".join(f"%{sign}" for sign in _TELLS)
            raise BadRule(
                f"a date is written with {known}, such as `date %Y.%m.%d`, and not with '%{unknown[0]}'"
            )
        parts = "".join(_TELLS[sign] for sign in signs)
        if "Y" not in parts:
            raise BadRule("a date without its year has no order: write it as in `date %Y.%m.%d`")
        if len(parts) != len(set(parts)) or set(parts) != set(_PARTS[: len(parts)]):
            raise BadRule(
                f"a date has each of its parts once, and all from the year to the last, such as `date %Y%m%d-%H%M`, unlike {said!r:.100}"
            )
        if not is_tag(re.sub("%.", "1", said)):
            raise BadRule(f"no tag is like {said!r:.100}: it has letters, digits, '_', '.' and '-'")
        return cls(text, said)

    def fits(self, tag: str) -> bool:
        """Tell whether ``tag`` is such a date."""
        return self.place(tag) is not None

    def is_newer(self, tag: str, than: str) -> bool:
        """Tell whether ``tag`` is a later date."""
        return is_after(self.place(tag), self.place(than))

    def why_incomparable(self, tag: str) -> str | None:
        """Say that ``tag`` is no such date; None where it is one."""
        return None if self.fits(tag) else f"which is no date as `{self.text}` follows"

    def unreadable(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Return those of ``tags`` that begin like such a date, and are none."""
        begin = re.compile(re.escape(self.format.partition("%")[0]) + "v?[0-9]")
        return tuple(tag for tag in tags if begin.match(tag) and not self.fits(tag))

    def place(self, tag: str) -> Place | None:
        """Return the place of the date that ``tag`` is, in the order of time."""
        if not is_tag(tag):
            return None
        try:
            moment = datetime.strptime(tag, self.format).replace(tzinfo=UTC)
        except ValueError:
            return None
        # It reads more than it writes: days without zero, and signs of other alphabets.
        return in_parts([f"{moment:%Y%m%d%H%M%S}"]) if moment.strftime(self.format) == tag else None
