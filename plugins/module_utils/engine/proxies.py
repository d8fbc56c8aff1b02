# SPDX-License-Identifier: Apache-2.0
"""Which proxy leads to a server, by the rules of Docker's engine and client, which are those of Go. Pure.

The rules are golang.org/x/net/http/httpproxy's. Python's own know no networks, and read other variables first.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Mapping, NamedTuple, Optional, Tuple, Union
from urllib.parse import urlsplit

_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
_Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
_PORTS = {"http": "80", "https": "443"}
_WITH_PORT = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*)):([^:\[\]]*)")


class Proxies(NamedTuple):
    """The proxies for plain HTTP and for HTTPS, and which hosts are asked without, as one writes them in variables."""

    http: str = ""
    https: str = ""
    exceptions: str = ""

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> "Proxies":
        """Read ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY``; each is also known in lower case, and upper comes first."""
        names = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
        return cls(*(environment.get(name) or environment.get(name.lower(), "") for name in names))

    @classmethod
    def of_engine(cls, info: Mapping[str, object]) -> "Proxies":
        """Read what an engine uses for itself, from its /info."""
        return cls(*(str(info.get(name) or "") for name in ("HttpProxy", "HttpsProxy", "NoProxy")))

    def url_for(self, url: str) -> Optional[str]:
        """Return the proxy to ask for ``url``, None for none; raises :class:`ValueError` when ``url`` is none."""
        parts = urlsplit(url)
        proxy = {"http": self.http, "https": self.https}.get(parts.scheme)
        host, port = _ascii((parts.hostname or "").strip()), str(parts.port or _PORTS.get(parts.scheme, ""))
        if not proxy or self._is_excepted(host, port):
            return None
        return proxy if "://" in proxy else "http://" + proxy

    def _is_excepted(self, host: str, port: str) -> bool:
        address = _address(host.partition("%")[0])
        if host == "localhost" or (address and address.is_loopback):
            return True
        entries = [entry.strip().lower() for entry in self.exceptions.split(",")]
        return "*" in entries or any(_covers(entry, host, port, address) for entry in entries if entry)


def _covers(entry: str, host: str, port: str, address: Optional[_Address]) -> bool:
    """Tell whether an entry of the exceptions is for ``host``; ``address`` is that, where it is one."""
    network = _network(entry)
    if network:
        return address is not None and address in network
    name, of_port = _split(entry)
    if not name or (of_port and of_port != port):
        return False
    excepted = _address(name)
    if excepted or address:
        return excepted == address
    # "example.com" is that and all below it, ".example.com" and "*.example.com" are only what is below.
    domain = _ascii(name[1:] if name.startswith("*.") else name)
    return host.endswith(domain if domain.startswith(".") else "." + domain) or host == domain


def _split(entry: str) -> Tuple[str, str]:
    match = _WITH_PORT.fullmatch(entry)
    return (match.group(1) or match.group(2) or "", match.group(3)) if match else (entry, "")


def _address(text: str) -> Optional[_Address]:
    """Read an address; one of IPv4 that is written as one of IPv6 is one of IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if getattr(address, "scope_id", None):
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(text: str) -> Optional[_Network]:
    address, slash, length = text.partition("/")
    first = _address(address)
    if not slash or first is None or not re.fullmatch("[0-9]{1,3}", length):
        return None
    bits = int(length) - (96 if ":" in address and first.version == 4 else 0)
    try:
        return ipaddress.ip_network((first, bits), strict=False)
    except ValueError:
        return None


def _ascii(name: str) -> str:
    """Write a name as it is asked for, where it is in another script."""
    return ".".join(map(_label, name.split(".")))


def _label(text: str) -> str:
    try:
        return text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError:
        return text
