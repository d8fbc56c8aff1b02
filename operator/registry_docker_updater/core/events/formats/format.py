"""What is to be known of a sender: its events, how it proves who it is, what it does when refused, what it must be told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.pushes import Event


@dataclass(frozen=True)
class Format:
    """A sender's way of writing and delivering events.

    ``read`` takes the registry's name in the settings and a delivery, and raises
    :class:`~registry_docker_updater.core.events.pushes.Malformed`. ``proves`` tells from the headers, by their
    names in lower case, whether a sender knows a secret: before anything of its body is read.
    ``insists`` tells that the sender repeats whatever was not answered 2xx for ever, and holds back every later event
    meanwhile. ``snippet`` is what the registry must be told so that it sends, with ``{name}`` for its name and
    ``{address}`` for where to, as JSON.
    """

    name: str
    read: Callable[[str, Delivery], Sequence[Event]]
    proves: Callable[[Mapping[str, str], str], bool]
    insists: bool
    snippet: str
