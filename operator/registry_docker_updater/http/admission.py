"""What is wanted of whom, by the head of a request: deliveries of registries, and what those ask who may."""

import re
from collections.abc import Iterable

from registry_docker_updater.http.access import AccessGuard, Right, Visitor
from registry_docker_updater.http.endpoints import Endpoint
from registry_docker_updater.http.head import Admission, Guard, Head


class DoorGuard:
    """Wants deliveries as the guard of ``deliveries`` says, and bodies for ``endpoints`` of those who have the right.

    Nothing is wanted of the body of anybody else: a stranger's is thrown away.
    """

    def __init__(self, deliveries: Guard, access: AccessGuard, endpoints: Iterable[Endpoint]) -> None:
        """Know which of ``endpoints`` take something."""
        self._deliveries, self._access = deliveries, access
        self._taking = [(_pattern(one), one) for one in endpoints if one.body_limit]

    def admits(self, head: Head) -> Admission:
        """Return what is wanted of a request, by its head."""
        for pattern, one in self._taking:
            if one.method == head.method and pattern.fullmatch(head.path):
                asks = self._access.decide(head.headers, head.peer.address, one.needs)
                if not isinstance(asks, Visitor):
                    return Admission()
                is_known = one.needs is not Right.NONE
                return Admission(one.body_limit, is_known, limited_by="nothing that is asked for is larger")
        return self._deliveries.admits(head)

    def proves(self, head: Head, body: bytes) -> bool:
        """Tell whether a delivery comes from who may send it, now that it is whole."""
        return self._deliveries.proves(head, body)


def _pattern(one: Endpoint) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", one.path)
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts))
