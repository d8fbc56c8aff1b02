# SPDX-License-Identifier: Apache-2.0
"""Read the configuration of an image from its registry without pulling it: what check mode looks at.

Speaks the registry API of the OCI distribution specification, as far as a read of one manifest and one blob needs.
"""

from __future__ import annotations

import base64
import glob
import http.client
import ipaddress
import os
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils import oci
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.bounded_http import (
    BoundedResponse,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.proxies import Proxies
from ansible_collections.registry.docker_updater.plugins.module_utils.json_text import decode_json
from ansible_collections.registry.docker_updater.plugins.module_utils.references import Reference

_SECONDS = 20
_LARGEST = 8 * 1024 * 1024


class NotReadable(Exception):
    """The registry did not give the image's configuration; the message says why, without secrets."""


@dataclass(frozen=True)
class Where:
    """For whom a registry is asked: an engine, by its /info, which tells insecure registries and its proxies.

    ``architecture`` is that of the image that is looked for, ``account`` what X-Registry-Auth is made of.
    """

    info: Mapping[str, Any]
    architecture: str
    account: Optional[Mapping[str, str]] = None


def read_image(reference: Reference, digest: str, where: Where) -> Dict[str, Any]:
    """Return ``{Id, Config, Architecture, Os}`` of an image, as an inspect after a pull would show them.

    Raises :class:`NotReadable`.
    """
    insecure = is_insecure(reference.host, where.info)
    try:
        registry = _Registry(reference, where.account, Proxies.of_engine(where.info), insecure=insecure)
        manifest = registry.get(f"manifests/{digest}", oci.IMAGES)
        if "manifests" in manifest:
            manifest = registry.get(f"manifests/{_for_platform(manifest, where.architecture)}", oci.MANIFESTS)
        identity = manifest["config"]["digest"]
        config = registry.get(f"blobs/{identity}", ())
        wanted = config.get("config") or {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, http.client.HTTPException) as error:
        raise NotReadable(f"{reference.host} did not tell about {digest}: {error!s:.300}") from None
    return {
        "Id": identity,
        "Config": wanted,
        "Architecture": config.get("architecture"),
        "Os": config.get("os"),
    }


def is_insecure(host: str, info: Mapping[str, Any]) -> bool:
    """Tell whether the engine speaks plain HTTP, or unverified TLS, with registry ``host``."""
    config = info.get("RegistryConfig") or {}
    index = (config.get("IndexConfigs") or {}).get(host)
    if index is not None:
        return not index.get("Secure", True)
    name = host.rpartition(":")[0] or host
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(one) for one in config.get("InsecureRegistryCIDRs") or ())


def _for_platform(index: Mapping[str, Any], architecture: str) -> str:
    for entry in index["manifests"]:
        platform = entry.get("platform") or {}
        if platform.get("os") == "linux" and platform.get("architecture") == architecture:
            return str(entry["digest"])
    raise ValueError(f"it has no image for linux/{architecture}")


class _Registry:
    def __init__(
        self, reference: Reference, account: Optional[Mapping[str, str]], proxies: Proxies, *, insecure: bool
    ) -> None:
        host = "registry-1.docker.io" if reference.is_on_docker_hub else reference.host
        self._account = account or {}
        self._repository = reference.repository
        context = _tls(reference.host, insecure=insecure)
        # The engine's proxies, and not those of who runs the module.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), _EngineProxy(proxies), _Plain(), _Encrypted(context=context)
        )
        self._address = f"https://{host}"
        self._last_address = f"http://{host}" if insecure else self._address
        self._authorization = ""

    def get(self, path: str, accept: Tuple[str, ...]) -> Any:
        url = f"/v2/{self._repository}/{path}"
        try:
            return self._authorized(self._address + url, accept)
        except urllib.error.HTTPError as error:
            raise OSError(f"HTTP {error.code}") from None
        except (urllib.error.URLError, ssl.SSLError):
            if self._address == self._last_address:
                raise
        self._address = self._last_address
        return self.get(path, accept)

    def _authorized(self, url: str, accept: Tuple[str, ...]) -> Any:
        try:
            return self._read(url, accept)
        except urllib.error.HTTPError as error:
            if error.code != 401 or self._authorization:
                raise
            self._authorize(error.headers.get("WWW-Authenticate") or "")
        return self._read(url, accept)

    def _read(self, url: str, accept: Tuple[str, ...], authorization: str = "") -> Any:
        request = urllib.request.Request(url)
        if accept:
            request.add_header("Accept", ", ".join(accept))
        if authorization or self._authorization:
            # Not sent on to where the registry redirects to: a blob may lie at somebody else's.
            request.add_unredirected_header("Authorization", authorization or self._authorization)
        with self._opener.open(request, timeout=_SECONDS) as response:
            return decode_json(response.read(_LARGEST))

    def _authorize(self, challenge: str) -> None:
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "bearer" and self._account.get("registrytoken"):
            self._authorization = "Bearer " + self._account["registrytoken"]
            return
        basic = ""
        if self._account.get("username"):
            pair = "{}:{}".format(self._account["username"], self._account["password"])
            basic = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
        if scheme.lower() == "basic" and basic:
            self._authorization = basic
            return
        given = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if scheme.lower() != "bearer" or not given.get("realm"):
            raise OSError("it wants an account, and none is configured that can be used here")
        # A registry that is asked with TLS gets no password in the clear by sending us elsewhere.
        if given["realm"].partition("://")[0].lower() not in {"https", self._address.partition("://")[0]}:
            raise OSError(
                "it sends us for a token to {!r:.200}, where it could be overheard".format(given["realm"])
            )
        asked = {"service": given.get("service", ""), "scope": f"repository:{self._repository}:pull"}
        mark = "&" if "?" in given["realm"] else "?"
        answer = self._read(given["realm"] + mark + urllib.parse.urlencode(asked), (), basic)
        token = answer.get("token") or answer["access_token"]
        if not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", token):
            raise ValueError("what it gives is no token")
        self._authorization = "Bearer " + token


class _Connection(http.client.HTTPConnection):
    response_class = BoundedResponse


class _TLSConnection(http.client.HTTPSConnection):
    response_class = BoundedResponse


class _Plain(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_Connection, req)


class _Encrypted(urllib.request.HTTPSHandler):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._trusting = context

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_TLSConnection, req, context=self._trusting)


class _EngineProxy(urllib.request.BaseHandler):
    """Sends requests through the proxies of an engine; urllib's own handler asks the environment as well."""

    handler_order = 100  # before the connection is opened, as urllib's own

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies

    def http_open(self, request: urllib.request.Request) -> None:
        proxy = self._proxies.url_for(request.full_url)
        if proxy and not request.has_proxy():
            parts = urllib.parse.urlsplit(proxy)
            if parts.username:
                pair = urllib.parse.unquote("{}:{}".format(parts.username, parts.password or ""))
                value = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
                request.add_unredirected_header("Proxy-Authorization", value)
            request.set_proxy(parts.netloc.rpartition("@")[2], "http")

    https_open = http_open


def _tls(host: str, *, insecure: bool) -> ssl.SSLContext:
    """Trust as the engine does: its folder of certificates for this registry."""
    context = ssl.create_default_context()
    folder = os.path.join("/etc/docker/certs.d", host)
    for path in glob.glob(os.path.join(glob.escape(folder), "*.crt")):
        context.load_verify_locations(path)
    for path in glob.glob(os.path.join(glob.escape(folder), "*.cert")):
        context.load_cert_chain(path, path[: -len(".cert")] + ".key")
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
