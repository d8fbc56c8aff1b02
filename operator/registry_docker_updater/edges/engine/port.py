"""Following engines' events, as those see it who want it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Followed:
    """Who hears of a host: ``on_event`` that something happened on it, ``on_state`` how following it goes, None if not."""

    on_event: Callable[[str], None]
    on_state: Callable[[str, str | None], None]


class EngineEvents(Protocol):
    """Follows the engines of hosts. Safe for use by several threads."""

    def follow(self, host: str, how: Any) -> None:
        """Follow a host as its ``docker_live`` says, or no more when that is None."""

    def stop(self) -> None:
        """Follow no host any more."""
