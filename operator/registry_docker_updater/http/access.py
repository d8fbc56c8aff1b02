"""Who may see what is known, and do what: whoever has a token, or was let in by a proxy that is trusted."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from registry_docker_updater.clock import Clock, utc_now
from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.http.guard import Network, Refusal, is_in
from registry_docker_updater.http.sessions import is_proven, session_in, session_of

# A proxy's name of somebody that is longer is none; it would fill every line that says who it was.
_LONGEST_NAME = 200


class Right(IntEnum):
    """What somebody may do; each includes those before."""

    NONE = 0
    READ = 1
    OPERATE = 2


@dataclass(frozen=True)
class Visitor:
    """Who asks, from which ``address``, and what they may do.

    ``name`` is that of their token, or what the proxy calls them; None where nobody is told apart from anybody. A token
    (``is_bearer``) is given by who makes the request; what else tells who it is, a browser sends with any page's. Who
    ``is_logged_in`` has a cookie of ours.
    """

    name: str | None
    right: Right
    address: str
    is_bearer: bool = False
    is_logged_in: bool = False

    @property
    def person(self) -> Person:
        """The same, as the trail has it."""
        return Person(self.name or "somebody", f"HTTP from {self.address}")


@dataclass(frozen=True)
class Token:
    """What gives its bearer a ``right``; the ``name`` is what can be told to others of it."""

    name: str
    secret: str = field(repr=False)
    right: Right


@dataclass(frozen=True)
class Proxy:
    """A proxy that logs people in: in which ``header`` it names them, and from which ``networks`` it asks.

    They may read, and those who are ``operators`` may operate, too.
    """

    header: str
    networks: Sequence[Network]
    operators: Sequence[str] = ()

    def visitor(self, headers: Mapping[str, str], address: str) -> Visitor | None:
        """Return whom it names in a request of ``address``; None where it names nobody, or is not who asks."""
        given = headers.get(self.header.lower(), "").encode("latin-1")
        if not 0 < len(given) <= _LONGEST_NAME or not is_in(address, self.networks):
            return None
        # By their bytes: nobody else's name is to be read as that of an operator.
        right = Right.OPERATE if given in {one.encode() for one in self.operators} else Right.READ
        return Visitor(given.decode("utf-8", "backslashreplace"), right, address)


@dataclass(frozen=True)
class Access:
    """The ``tokens``, and the ``proxy``, by which people and programs are known.

    Where there is neither, everybody may read, and nobody operate: the port is then to be reached by few. Where there are
    ``names``, requests are to be for one of them: a page of elsewhere whose name was pointed here is not (DNS rebinding).
    """

    tokens: Sequence[Token] = ()
    proxy: Proxy | None = None
    names: Sequence[str] = ()

    @property
    def is_open(self) -> bool:
        """Whether nobody is told apart from anybody."""
        return not self.tokens and not self.proxy

    def visitor(self, headers: Mapping[str, str], address: str, now: datetime) -> Visitor:
        """Return who makes a request with these ``headers``, by their names in lower case, of ``address``.

        Who is known by more than one thing is who may do most.
        """
        if self.is_open:
            return Visitor(None, Right.READ, address)
        given = headers.get("authorization", "").removeprefix("Bearer ").encode("latin-1")
        session = session_in(headers)
        # Every token is compared, so that the time tells nothing.
        known = [
            Visitor(one.name, one.right, address, is_bearer=True)
            for one in self.tokens
            if hmac.compare_digest(given, one.secret.encode())
        ]
        known += [
            Visitor(one.name, one.right, address, is_logged_in=True)
            for one in self.tokens
            if is_proven(session, one.secret, now)
        ]
        if self.proxy and (named := self.proxy.visitor(headers, address)):
            known.append(named)
        return max(known, key=lambda one: one.right, default=Visitor(None, Right.NONE, address))

    def is_meant(self, host: str) -> bool:
        """Tell whether a request with this ``Host`` is for us."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return not self.names or name.lower().strip("[]") in {one.lower() for one in self.names}


class AccessGuard:
    """Lets those in whom ``access`` lets in. Safe for use by several threads."""

    def __init__(self, access: Access, clock: Clock = utc_now) -> None:
        """Begin with this; :meth:`change` has another."""
        self._access, self._clock = access, clock

    @property
    def is_open(self) -> bool:
        """Whether nobody is told apart from anybody."""
        return self._access.is_open

    def session(self, secret: str) -> str | None:
        """Return the cookie of somebody who logs in with the token ``secret``; None where there is no such token."""
        known = [
            one for one in self._access.tokens if hmac.compare_digest(secret.encode(), one.secret.encode())
        ]
        return session_of(known[0].secret, self._clock()) if known else None

    def change(self, access: Access) -> None:
        """Let others in from now on."""
        self._access = access

    def visitor(self, headers: Mapping[str, str], address: str) -> Visitor:
        """Return who asks."""
        return self._access.visitor(headers, address, self._clock())

    def decide(self, headers: Mapping[str, str], address: str, needs: Right) -> Visitor | Refusal:
        """Return who asks for what ``needs`` a right, or the status and the reason for which it is refused."""
        access = self._access
        if not access.is_meant(headers.get("host", "")):
            return 421, "this is not the name of the operator: listen.access.names"
        visitor = access.visitor(headers, address, self._clock())
        if visitor.right >= needs:
            return visitor
        if visitor.right is Right.NONE:
            what = "read" if needs is Right.READ else "operate"
            return 401, f"a token with the right to {what} is needed: listen.access"
        if access.is_open:
            return 403, (
                "nobody operates over HTTP where nobody is told apart from anybody: set listen.access.operate, or"
                " listen.access.proxy with operators"
            )
        return 403, (
            f"{visitor.name} may read, and not operate: a token of listen.access.operate is needed, or a name among"
            " listen.access.proxy.operators"
        )
