"""The API of a registry: which digest a tag has now.

What is asked and how answers are read is the OCI distribution specification's ("Pulling manifests"), logging in that
of Distribution's token authentication, as every Docker engine does both when it pulls.
"""

import base64
import contextlib
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

from ansible_collections.registry.docker_updater.plugins.module_utils.credentials import (
    BadCredentials,
    find_credentials,
)

from registry_docker_updater.core.references import is_digest
from registry_docker_updater.edges.web import NoReply, Reply, Web
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable, UpdaterError

# All that a tag can name for a Docker engine. Without the indexes, a registry would choose one image of an index, and
# give the digest of that.
_ACCEPTED = (
    "application/vnd.docker.distribution.manifest.v2+json,"
    "application/vnd.docker.distribution.manifest.list.v2+json,"
    "application/vnd.oci.image.manifest.v1+json,"
    "application/vnd.oci.image.index.v1+json"
)
# Without expires_in a token is good for 60 seconds (Distribution, docs/spec/auth/token.md).
_TOKEN_SECONDS = 60
_TOKEN_MARGIN_SECONDS = 10
_PATIENCE_WHEN_BUSY = timedelta(minutes=1)
# RFC 6750; nothing else may get into a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True)
class Login:
    """Who logs in: a user with a password, or whom an identity token stands for."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of ``Authorization``."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def __str__(self) -> str:
        return f"the user {self.username!r}" if self.username else "the identity token"


@dataclass(frozen=True)
class Found:
    """What a tag names: its digest, or None where there is no such tag, and the registry's clock where it told it."""

    digest: str | None
    at: datetime | None


def login_of(hosts: Sequence[str], given: Mapping[str, str] | None) -> Login | None:
    """Return the login for the registry known under ``hosts``: the ``given`` one, or that of Docker's configuration.

    Raises :class:`UpdaterError` when there is one and it cannot be used.
    """
    try:
        found = next(filter(None, (find_credentials(host, given) for host in hosts)), None)
    except BadCredentials as error:
        raise UpdaterError(str(error)) from None
    if found is None:
        return None
    return Login(found.get("username", ""), found.get("password", ""), found.get("identitytoken", ""))


class RegistryClient:
    """A registry, asked by one thread at a time. ``name`` is that of the settings."""

    def __init__(
        self, name: str, url: str, login: Callable[[], Login | None], ca: Path | None = None
    ) -> None:
        """Ask at ``url``; ``login`` is called whenever one is wanted. ``ca`` is trusted beside the system's.

        Raises :class:`UpdaterError` when ``ca`` holds no certificate.
        """
        self._name, self._url, self._find_login = name, url.rstrip("/"), login
        try:
            self._web = Web(ca)
        except ValueError as error:
            raise UpdaterError(f"registries.{name}.ca: {error}") from None
        # How it wanted us to log in, so that it need not refuse each question once.
        self._basic: Login | None = None
        self._bearer: Mapping[str, str] | None = None
        self._tokens: dict[str, tuple[str, float]] = {}

    def check(self) -> None:
        """See that there is a registry which lets us in; raises :class:`RegistryUnavailable`."""
        reply = self._ask("GET", "", None)
        if reply.status != 200:
            raise self._unavailable(f"answers {reply.status} where a registry's API should be; is url right?")

    def find(self, repository: str, tag: str) -> Found:
        """Return which digest ``tag`` has now: that of the index where it names one, as a pull takes it.

        Raises :class:`RegistryUnavailable` when nothing can be asked of the registry, and
        :class:`RepositoryUnavailable` when it does not tell of this repository or tag.
        """
        try:
            return self._find(repository, tag)
        except _Speechless as error:
            # A manifest that the registry cannot read, or whose upstream is down, is no reason not to ask for others.
            self.check()
            raise RepositoryUnavailable(str(error)) from None

    def _find(self, repository: str, tag: str) -> Found:
        path = f"{repository}/manifests/{tag}"
        reply = self._ask("HEAD", path, repository)
        digest = reply.headers.get("Docker-Content-Digest")
        # The header is optional in the specification, and not every registry knows HEAD.
        if reply.status == 405 or (reply.status == 200 and digest is None):
            reply = self._ask("GET", path, repository)
            digest = f"sha256:{hashlib.sha256(reply.body).hexdigest()}"
        if reply.status == 404:
            return Found(None, reply.date)
        if reply.status != 200 or not is_digest(digest):
            raise RepositoryUnavailable(
                f"registry {self._name} ({self._url}) answers {reply.status} and no digest for {repository}:{tag}"
            )
        return Found(digest, reply.date)

    def _ask(self, method: str, path: str, repository: str | None) -> Reply:
        """Ask for ``path``, logged in as far as needed for pulling from ``repository``."""
        url = f"{self._url}/v2/{path}"
        reply = self._send(method, url, self._authorization(repository))
        if reply.status == 401:
            self._learn(reply)
            self._tokens.pop(repository or "", None)
            reply = self._send(method, url, self._authorization(repository))
        if reply.status == 401 and self._basic:
            raise self._refused(self._basic)
        if reply.status in (401, 403):
            raise self._denied(repository)
        return reply

    def _learn(self, refusal: Reply) -> None:
        """Take from a 401 how the registry wants us to log in, and forget what it did not take."""
        self._basic = self._bearer = None
        challenges = dict(map(_challenge, refusal.headers.getlist("WWW-Authenticate")))
        if "bearer" in challenges:
            self._bearer = challenges["bearer"]
        elif "basic" in challenges:
            self._basic = self._login()
            if not self._basic or not self._basic.username:
                raise self._unavailable(f"wants a user and a password: {self._remedy}")
        else:
            raise self._unavailable("answers 401, and wants neither a password (Basic) nor a token (Bearer)")

    def _authorization(self, repository: str | None) -> str | None:
        if self._bearer is None:
            return self._basic.basic if self._basic else None
        token, expires_at = self._tokens.get(repository or "", ("", 0.0))
        if time.monotonic() >= expires_at:
            token, seconds = self._token(self._bearer, repository)
            now = time.monotonic()
            self._tokens = {name: kept for name, kept in self._tokens.items() if kept[1] > now}
            self._tokens[repository or ""] = (token, now + seconds - _TOKEN_MARGIN_SECONDS)
        return f"Bearer {token}"

    def _token(self, challenge: Mapping[str, str], repository: str | None) -> tuple[str, float]:
        """Return a token for pulling from ``repository``, and for how many seconds it is good."""
        realm, login = challenge.get("realm", ""), self._login()
        if urlsplit(realm).scheme not in {"https", urlsplit(self._url).scheme}:
            raise self._unavailable(f"sends us for a token to {realm!r:.200}, where it could be overheard")
        asked = {"service": challenge.get("service", "")}
        if repository:
            asked["scope"] = f"repository:{repository}:pull"
        if login and login.identity_token:
            form = {**asked, "grant_type": "refresh_token", "client_id": "registry-docker-updater"}
            reply = self._send("POST", realm, form=form | {"refresh_token": login.identity_token})
        else:
            url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(asked)}"
            reply = self._send("GET", url, login.basic if login else None)
        if reply.status == 401 and login:
            raise self._refused(login)
        if reply.status in (401, 403):
            raise self._denied(repository)
        token, seconds = _token_in(reply.body)
        if not token:
            raise self._unavailable(f"gives no token at {realm!r:.200}, which answers {reply.status}")
        return token, seconds

    def _send(
        self, method: str, url: str, authorization: str | None = None, form: Mapping[str, str] | None = None
    ) -> Reply:
        headers = {"Accept": _ACCEPTED, "User-Agent": "registry-docker-updater"}
        if authorization:
            headers["Authorization"] = authorization
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            reply = self._web.ask(method, url, headers, urlencode(form) if form else None)
        except NoReply as error:
            hint = ""
            if error.is_untrusted:
                hint = f"; registries.{self._name}.ca names who signed its certificate"
            elif error.is_plain:
                hint = f"; set registries.{self._name}.url to http://… where it speaks no TLS"
            raise _Speechless(str(self._unavailable(f"cannot be asked: {error}{hint}"))) from None
        if reply.status == 429:
            raise self._unavailable(
                "answers 429, too many requests", reply.retry_after or _PATIENCE_WHEN_BUSY
            )
        if reply.status >= 500:
            unavailable = self._unavailable(f"answers {reply.status}", reply.retry_after)
            raise unavailable if reply.retry_after else _Speechless(str(unavailable))
        return reply

    def _login(self) -> Login | None:
        try:
            return self._find_login()
        except UpdaterError as error:
            raise self._unavailable(f"cannot be asked: {error}") from None

    @property
    def _remedy(self) -> str:
        return f"set registries.{self._name}.credentials, or do `docker login` as the operator's user"

    def _refused(self, login: Login) -> RegistryUnavailable:
        self._basic = None
        return self._unavailable(f"does not let {login} in: {self._remedy}")

    def _denied(self, repository: str | None) -> UpdaterError:
        login = self._login()
        if repository is None:
            return self._unavailable(f"does not let {login or 'us'} in: {self._remedy}")
        whom = f"does not let {login}" if login else "does not let us, without a login,"
        return RepositoryUnavailable(
            f"registry {self._name} ({self._url}) {whom} pull {repository}: give the right to, or {self._remedy}"
        )

    def _unavailable(self, why: str, retry_after: timedelta | None = None) -> RegistryUnavailable:
        return RegistryUnavailable(f"registry {self._name} ({self._url}) {why}", retry_after)


class _Speechless(RegistryUnavailable):
    """No answer that says anything; to another question there may be one."""


def _challenge(header: str) -> tuple[str, Mapping[str, str]]:
    """Read ``WWW-Authenticate``: its scheme, and what it says beside."""
    scheme, _, rest = header.partition(" ")
    with contextlib.suppress(ValueError):
        return scheme.lower(), parse_keqv_list(parse_http_list(rest))
    return scheme.lower(), {}


def _token_in(body: bytes) -> tuple[str | None, float]:
    """Read what a token server gives: the token, or None where there is none, and for how many seconds it is good."""
    try:
        content = json.loads(body)
        token, seconds = content.get("token") or content["access_token"], content.get("expires_in")
    except (ValueError, LookupError, AttributeError, TypeError):
        return None, 0
    is_fit = isinstance(token, str) and _TOKEN.fullmatch(token)
    return token if is_fit else None, seconds if isinstance(seconds, int | float) else _TOKEN_SECONDS
