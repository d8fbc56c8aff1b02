"""How registries write their events: one module a format, one table of all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from registry_docker_updater.core.events.formats import distribution, harbor
from registry_docker_updater.core.events.pushes import Event


@dataclass(frozen=True)
class Format:
    """A sender's way of writing and delivering events.

    ``read`` takes the registry's name in the settings and the decoded JSON body, and raises
    :class:`~registry_docker_updater.core.events.pushes.Malformed`. ``insists`` tells that the sender repeats whatever
    was not answered 2xx for ever, and holds back every later event meanwhile.
    """

    name: str
    read: Callable[[str, Any], Sequence[Event]]
    insists: bool


FORMATS = {
    known.name: known
    for known in (
        Format("distribution", distribution.read, insists=True),
        Format("harbor", harbor.read, insists=False),
    )
}
