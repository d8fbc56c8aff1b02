"""What is to be known of a sender: its events, how it proves who it is, what it does when refused, what it must be told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from registry_docker_updater.core.events.delivery import Delivery
from registry_docker_updater.core.events.formats.proofs import Proof
from registry_docker_updater.core.events.pushes import Event


@dataclass(frozen=True)
class Format:
    """A sender's way of writing and delivering events.

    ``read`` takes the registry's name in the settings and a delivery, and raises
    :class:`~registry_docker_updater.core.events.pushes.Malformed`. ``proves`` tells whether a delivery's sender knows a
    secret; before anything of its body is read, from a delivery without one, unless the body ``is_signed``.
    ``insists`` tells that the sender repeats whatever was not answered 2xx for ever, and holds back every later event
    meanwhile. ``snippet`` is what the registry must be told so that it sends, with ``{name}`` for its name and
    ``{address}`` for where to, as JSON. ``has_secret_in_path`` tells that the address ends with the secret.
    ``is_resolved`` tells that its events name digests; the registry of any other must be asked for them.
    """

    name: str
    read: Callable[[str, Delivery], Sequence[Event]]
    proves: Proof
    insists: bool
    snippet: str
    is_signed: bool = False
    has_secret_in_path: bool = False
    is_resolved: bool = True

    @property
    def proven_by(self) -> str:
        """What it proves itself by, in words."""
        if self.is_signed:
            return "signature"
        return "secret in the address" if self.has_secret_in_path else "Authorization"
