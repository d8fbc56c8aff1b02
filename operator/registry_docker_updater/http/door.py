"""The door: what connections lead to, as they see it."""

from typing import Protocol, TypeVar

from registry_docker_updater.http.head import Admission, Head
from registry_docker_updater.http.reader import Request

C_contra = TypeVar("C_contra", contravariant=True)


class Door(Protocol[C_contra]):
    """What connections of some kind lead to."""

    def admits(self, head: Head) -> Admission:
        """Return what is wanted of a request, by its head."""

    def serve(self, connection: C_contra, request: Request) -> None:
        """Have ``request`` answered: the connection's ``answer`` is called later, in the loop."""

    def refused(self, address: str, line: str) -> None:
        """Note that a peer was refused."""

    def slow_down(self, address: str) -> float:
        """Note a wrong secret; return after how many seconds it is to be told."""

    def left(self, connection: C_contra) -> None:
        """Forget a connection."""
