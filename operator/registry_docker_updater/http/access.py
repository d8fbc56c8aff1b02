"""Who may see what is known: whoever has a token, or was let in by a proxy that is trusted."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from registry_docker_updater.http.guard import Network, Refusal, is_in


class Right(IntEnum):
    """What somebody may do; each includes those before."""

    NONE = 0
    READ = 1
    OPERATE = 2


@dataclass(frozen=True)
class Proxy:
    """A proxy that logs people in: in which ``header`` it names them, and from which ``networks`` it asks."""

    header: str
    networks: Sequence[Network]


@dataclass(frozen=True)
class Access:
    """The ``tokens`` with their rights, and the ``proxy``, which gives the right to read.

    Where there is neither, everybody may read: the port is then to be reached by few. Where there are ``names``, requests
    are to be for one of them: a page of elsewhere whose name was pointed here is not (DNS rebinding).
    """

    tokens: Mapping[str, Right]
    proxy: Proxy | None = None
    names: Sequence[str] = ()

    def right(self, headers: Mapping[str, str], address: str) -> Right:
        """Return what a request with these ``headers``, by their names in lower case, of ``address`` may do."""
        if not self.tokens and not self.proxy:
            return Right.READ
        given = headers.get("authorization", "").removeprefix("Bearer ").encode("latin-1")
        # Every token is compared, so that the time tells nothing.
        rights = [right for token, right in self.tokens.items() if hmac.compare_digest(given, token.encode())]
        proxy = self.proxy
        if proxy and headers.get(proxy.header.lower()) and is_in(address, proxy.networks):
            rights.append(Right.READ)
        return max(rights, default=Right.NONE)

    def is_meant(self, host: str) -> bool:
        """Tell whether a request with this ``Host`` is for us."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return not self.names or name.lower().strip("[]") in {one.lower() for one in self.names}


class AccessGuard:
    """Lets those in whom ``access`` lets in. Safe for use by several threads."""

    def __init__(self, access: Access) -> None:
        """Begin with this; :meth:`change` has another."""
        self._access = access

    def change(self, access: Access) -> None:
        """Let others in from now on."""
        self._access = access

    def refusal(self, headers: Mapping[str, str], address: str) -> Refusal | None:
        """Return the status and the reason for which nothing is shown; None where the asker may see it."""
        access = self._access
        if not access.is_meant(headers.get("host", "")):
            return 421, "this is not the name of the operator: listen.access.names"
        if access.right(headers, address) < Right.READ:
            return 401, "a token with the right to read is needed: listen.access"
        return None
