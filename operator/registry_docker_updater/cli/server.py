"""The server that commands ask: rows of it, read page by page; what is done there, once; and what is followed, as it changes."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from registry_docker_updater import __version__
from registry_docker_updater.cli.reading import NotUnderstood, Silent, content_of, no_answer
from registry_docker_updater.edges.web import NoReply, Reply, Web
from registry_docker_updater.errors import UpdaterError

R = TypeVar("R")
_API = "/api/v1/"
# How many rows a page has at the most.
MOST = 1000
# What was asked for may have been done though no answer came; with its key, it can be asked again.
_TRIES, _PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 3, 1.0, 30.0


@dataclass(frozen=True)
class Server:
    """The operator at ``url``, as who has the ``token`` asks it; everything raises :class:`UpdaterError`."""

    url: str
    token: str | None = field(default=None, repr=False)
    web: Web = field(default_factory=Web)
    # What was followed last, by its path: its entity tag, and what it was.
    _followed: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict, repr=False)

    def one(self, path: str, kind: type[R]) -> R:
        """Return one row."""
        return self._checked(self._content("GET", _API + path), kind)

    def listed(
        self, path: str, kind: type[R], limit: int | None = None, asked: Mapping[str, Any] | None = None
    ) -> list[R]:
        """Return the rows of a listing, page by page, ``limit`` at the most."""
        page = {"limit": min(limit, MOST)} if limit else {}
        query = urlencode({**(asked or {}), **page})
        following: Any = f"{_API}{path}{'?' if query else ''}{query}"
        rows: list[R] = []
        while following and (limit is None or len(rows) < limit):
            content = self._content("GET", following)
            if not isinstance(content.get("items"), list) or "next" not in content:
                raise self._of_another_version()
            rows += [self._checked(row, kind) for row in content["items"]]
            following = content["next"]
            if following and not str(following).startswith(_API):
                raise self._of_another_version()
        return rows[:limit]

    def done(self, path: str, asked: Mapping[str, Any], kind: type[R]) -> R:
        """Have something done, and return what came of it; it is done once, though it is asked for again where no answer comes."""
        return self._checked(self._patient("POST", _API + path, asked), kind)

    def followed(self, path: str, kind: type[R]) -> R:
        """Return one row that is looked at again and again: sent only where it has changed, and waited for while the operator restarts."""
        return self._checked(self._patient("GET", _API + path), kind)

    def _patient(self, method: str, path: str, asked: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask again where no answer comes, when the server wants to be asked, if that is soon."""
        key = str(uuid.uuid4()) if asked is not None else None
        pauses, is_unheard = _TRIES - 1, True
        while True:
            try:
                return self._content(method, path, asked, key, is_followed=asked is None)
            except Silent as error:
                is_unheard = is_unheard and error.is_unheard
                pause = max(_PAUSE_SECONDS, error.after.total_seconds() if error.after else 0)
                if not pauses or pause > _LONGEST_PAUSE_SECONDS:
                    if asked is None or is_unheard:
                        raise
                    raise UpdaterError(
                        f"{error}; it may have been done all the same: see `events` and `rollouts` before it is asked again"
                    ) from None
            pauses -= 1
            time.sleep(pause)

    def _content(
        self,
        method: str,
        path: str,
        asked: Mapping[str, Any] | None = None,
        key: str | None = None,
        *,
        is_followed: bool = False,
    ) -> dict[str, Any]:
        headers = {"Accept": "application/json", "User-Agent": f"registry-docker-updater/{__version__}"}
        if asked is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(key)}
        tag, before = self._followed.get(path, ("", {})) if is_followed else ("", {})
        if tag:
            headers["If-None-Match"] = tag
        reply = self._reply(method, path, headers, None if asked is None else json.dumps(asked))
        if tag and reply.status == HTTPStatus.NOT_MODIFIED:
            return before
        try:
            content = content_of(reply, self.url, path, has_token=bool(self.token))
        except NotUnderstood as error:
            raise self._of_another_version(error.said) from None
        if is_followed:
            self._followed[path] = (reply.headers.get("ETag", ""), content)
        return content

    def _reply(self, method: str, path: str, headers: Mapping[str, str], body: str | None = None) -> Reply:
        # As HTTP has it: bytes of UTF-8, each a character of Latin-1.
        token = {"Authorization": f"Bearer {self.token}".encode().decode("latin-1")} if self.token else {}
        try:
            return self.web.ask(method, self.url + path, {**headers, **token}, body)
        except NoReply as error:
            raise no_answer(self.url, error) from None

    def _checked(self, row: Any, kind: type[R]) -> R:
        if not isinstance(row, dict) or not kind.__annotations__.keys() <= row.keys():
            raise self._of_another_version()
        return cast("R", row)

    def _of_another_version(self, said: str = "") -> UpdaterError:
        """Return what says of which version the operator is; it answers, and not as is understood here.

        One of the same version is to be believed in what it ``said``.
        """
        try:
            described = json.loads(self._reply("GET", f"{_API}openapi.json", {}).body)
            version = str(described["info"]["version"])[:40]
        except (UpdaterError, ValueError, LookupError, TypeError, RecursionError):
            return UpdaterError(
                f"{self.url} is no operator, or one of another version: it does not answer as is understood here"
            )
        if said and version == __version__:
            return UpdaterError(f"{self.url} refuses this: {said}")
        return UpdaterError(
            f"{self.url} is an operator of version {version}, and this command, of {__version__}, does not understand what"
            " it answers: use that of the same version"
        )
