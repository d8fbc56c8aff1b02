"""The API of a registry: which digest a tag has now, and which tags there are.

What is asked and how answers are read is the OCI distribution specification's ("Pulling manifests", "Listing tags"), logging in that
of Distribution's token authentication, as every Docker engine does both when it pulls.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

from ansible_collections.registry.docker_updater.plugins.module_utils.oci import ACCEPT

from registry_docker_updater.core.references import is_digest
from registry_docker_updater.edges.registry.login import Login
from registry_docker_updater.edges.registry.port import Found
from registry_docker_updater.edges.registry.replies import (
    TOKEN_SECONDS,
    digest_of_manifest,
    read_challenge,
    scheme_of,
    token_in,
)
from registry_docker_updater.edges.registry.tag_list import tag_pages
from registry_docker_updater.edges.web import NoReply, Reply, Web
from registry_docker_updater.errors import RegistryUnavailable, RepositoryUnavailable, UpdaterError

T = TypeVar("T")
_TOKEN_MARGIN_SECONDS = 10
_PATIENCE_WHEN_BUSY = timedelta(minutes=1)
# Directories lock users out who try too often; a login that was changed is tried at once.
_REFUSAL_SECONDS = 5 * 60


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
        # How it wanted us to log in for a repository, so that it need not refuse each question once: as whom, or by
        # which challenge of tokens. Of two repositories, one may be open to all.
        self._ways: dict[str, Login | Mapping[str, str]] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        self._refused_login: Login | None = None
        self._refused_until = 0.0

    def check(self) -> None:
        """See that there is a registry, and that it takes our login, if we have one.

        Whether one is wanted, only what is asked for shows. Raises :class:`RegistryUnavailable`.
        """
        status = self._reach().status
        if status == 200:
            return
        if status not in (401, 403):
            raise RegistryUnavailable(
                f"{self._named} answers {status} where a registry's API should be; is url right?"
            )
        try:
            if self._login():
                self._ask("GET", "", None)
        except RepositoryUnavailable as error:
            self._ways.pop("", None)
            raise RegistryUnavailable(str(error), error.retry_after) from None

    def find(self, repository: str, tag: str) -> Found:
        """Return which digest ``tag`` has now: that of the index where it names one, as a pull takes it.

        Raises :class:`RegistryUnavailable` when nothing can be asked of the registry, and
        :class:`RepositoryUnavailable` when it does not tell of this repository or tag.
        """
        return self._about(repository, lambda: self._find(repository, tag))

    def tags(self, repository: str) -> Iterator[tuple[str, ...]]:
        """Yield the tags of ``repository``, page by page, each asked for when it is wanted; errors are as of :meth:`find`.

        A list that is too long, or does not end, is one of which nothing is told.
        """
        path = f"{repository}/tags/list"
        return tag_pages(
            lambda query: self._about(repository, lambda: self._ask("GET", f"{path}?{query}", repository)),
            f"the tags of {repository} in {self._named}",
        )

    def _about(self, repository: str, ask: Callable[[], T]) -> T:
        """Ask something about ``repository``; find out, where nothing is told, whether anything is."""
        try:
            return ask()
        except RepositoryUnavailable as error:
            # What it wanted of us is asked anew: its token server may have moved.
            self._ways.pop(repository, None)
            if isinstance(error, _Speechless):
                # A manifest that it cannot read, or whose upstream is down, is no reason not to ask for others.
                self._reach()
            raise

    def _reach(self) -> Reply:
        """See that there is a registry, whoever it lets in; raises :class:`RegistryUnavailable`."""
        try:
            return self._send("GET", f"{self._url}/v2/")
        except RepositoryUnavailable as error:
            raise RegistryUnavailable(str(error), error.retry_after) from None

    def _find(self, repository: str, tag: str) -> Found:
        path = f"{repository}/manifests/{tag}"
        reply = self._ask("HEAD", path, repository)
        digest = reply.headers.get("Docker-Content-Digest")
        # The header is optional in the specification, and not every registry knows HEAD.
        if reply.status == 405 or (reply.status == 200 and digest is None):
            reply = self._ask("GET", path, repository)
            digest = digest_of_manifest(reply.body)
        if reply.status == 404:
            return Found(None, reply.date)
        if reply.status != 200 or not is_digest(digest):
            raise RepositoryUnavailable(
                f"{self._named} answers {reply.status} and no digest for {repository}:{tag}"
            )
        return Found(digest, reply.date)

    def _ask(self, method: str, path: str, repository: str | None) -> Reply:
        """Ask for ``path``, logged in as far as needed for pulling from ``repository``."""
        url = f"{self._url}/v2/{path}"
        reply = self._send(method, url, self._authorization(repository))
        if reply.status == 401:
            shown = self._ways.pop(repository or "", None)
            self._tokens.pop(repository or "", None)
            way = self._ways[repository or ""] = self._way(reply)
            if way != shown or not isinstance(way, Login):
                reply = self._send(method, url, self._authorization(repository))
            if reply.status == 401 and isinstance(way, Login):
                raise self._refused(way)
        if reply.status in (401, 403):
            raise self._denied(repository)
        return reply

    def _way(self, refusal: Reply) -> Login | Mapping[str, str]:
        """Take from a 401 how the registry wants us to log in."""
        challenges = dict(map(read_challenge, refusal.headers.getlist("WWW-Authenticate")))
        if "bearer" in challenges:
            return challenges["bearer"]
        if "basic" not in challenges:
            raise self._unavailable("answers 401, and wants neither a password (Basic) nor a token (Bearer)")
        login = self._login()
        if not login or not login.username:
            raise self._unavailable(f"wants a user and a password: {self._remedy}")
        return login

    def _authorization(self, repository: str | None) -> str | None:
        way = self._ways.get(repository or "")
        if way is None:
            return None
        if isinstance(way, Login):
            return self._unless_refused(way).basic
        token, expires_at = self._tokens.get(repository or "", ("", 0.0))
        if time.monotonic() >= expires_at:
            token, seconds = self._token(way, repository)
            now = time.monotonic()
            self._tokens = {name: kept for name, kept in self._tokens.items() if kept[1] > now}
            self._tokens[repository or ""] = (token, now + seconds - _TOKEN_MARGIN_SECONDS)
        return f"Bearer {token}"

    def _token(self, challenge: Mapping[str, str], repository: str | None) -> tuple[str, float]:
        """Return a token for pulling from ``repository``, and for how many seconds it is good."""
        realm, login = challenge.get("realm", ""), self._login()
        if scheme_of(realm) not in {"https", scheme_of(self._url)}:
            raise self._unavailable(f"sends us for a token to {realm!r:.200}, where it could be overheard")
        if login:
            self._unless_refused(login)
            if login.registry_token:
                return login.registry_token, TOKEN_SECONDS
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
        token, seconds = token_in(reply.body)
        if not token:
            raise self._unavailable(f"gives no token at {realm!r:.200}, which answers {reply.status}")
        return token, seconds

    def _unless_refused(self, login: Login) -> Login:
        """Return ``login`` where it may be shown: not where it was refused just now."""
        if login == self._refused_login and time.monotonic() < self._refused_until:
            raise self._not_let_in(login)
        return login

    def _send(
        self, method: str, url: str, authorization: str | None = None, form: Mapping[str, str] | None = None
    ) -> Reply:
        # Without the indexes, a registry would choose one image of an index, and give the digest of that.
        headers = {"Accept": ACCEPT, "User-Agent": "registry-docker-updater"}
        if authorization:
            headers["Authorization"] = authorization
        whom = self._named
        if not url.startswith(self._url):
            whom += f", where it sends us for a token, {url.partition('?')[0]:.200},"
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
            raise _Speechless(f"{whom} cannot be asked: {error}{hint}") from None
        if reply.status == 429:
            wait = reply.retry_after or _PATIENCE_WHEN_BUSY
            raise _Speechless(f"{whom} answers 429, too many requests", wait)
        if reply.status >= 500:
            raise _Speechless(f"{whom} answers {reply.status}", reply.retry_after)
        return reply

    def _login(self) -> Login | None:
        try:
            return self._find_login()
        except UpdaterError as error:
            raise self._unavailable(f"cannot be asked: {error}") from None

    @property
    def _remedy(self) -> str:
        return f"set registries.{self._name}.credentials, or do `docker login` as the operator's user"

    def _refused(self, login: Login) -> RepositoryUnavailable:
        self._refused_login, self._refused_until = login, time.monotonic() + _REFUSAL_SECONDS
        return self._not_let_in(login)

    def _not_let_in(self, login: Login) -> RepositoryUnavailable:
        return self._unavailable(f"does not let {login} in: {self._remedy}")

    def _denied(self, repository: str | None) -> RepositoryUnavailable:
        login = self._login()
        if repository is None:
            return self._unavailable(f"does not let {login or 'us'} in: {self._remedy}")
        whom = f"does not let {login}" if login else "does not let us, without a login,"
        return self._unavailable(f"{whom} pull {repository}: give the right to, or {self._remedy}")

    @property
    def _named(self) -> str:
        return f"registry {self._name} ({self._url})"

    def _unavailable(self, why: str) -> RepositoryUnavailable:
        return RepositoryUnavailable(f"{self._named} {why}")


class _Speechless(RepositoryUnavailable):
    """No answer that says anything; to another question there may be one, or the registry itself is away."""
