"""One delivery of a sender: the head and body of a request, and what its body holds."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry_docker_updater.core.events.pushes import Malformed

# Events of registries have less than ten levels; what a parser reads just so, no writer may be able to write.
_DEEPEST = 100


@dataclass(frozen=True)
class Delivery:
    """What a sender sent: its headers, by their names in lower case, its body, and what stood behind the registry's name.

    The latter is where a sender gives its secret that can send no header.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    in_path: str = ""

    @property
    def content(self) -> Any:
        """The body, which is JSON; raises :class:`Malformed`."""
        try:
            content = json.loads(self.body, parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"the body is not valid JSON: {error}") from None
        # Most have fewer brackets than that: these need not be looked at one by one.
        brackets = self.body.count(b"[") + self.body.count(b"{")
        if brackets > _DEEPEST and _is_deeper(content, _DEEPEST):
            raise Malformed(f"the body is nested deeper than {_DEEPEST} levels")
        return content


def _finite(text: str) -> float:
    """Python reads NaN, and numbers too large as infinite; neither can be written as JSON again."""
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text:.40} is not a number of JSON")
    return number


def _is_deeper(content: object, levels: int) -> bool:
    level = [content]
    for _ in range(levels):
        lists = [
            one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)
        ]
        level = [inner for one in lists for inner in one]
    return bool(level)
