"""What is known and done elsewhere: the source of commands that ask a running operator by its API."""

import ipaddress
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit

from registry_docker_updater import __version__
from registry_docker_updater.cli.command import TOKEN_VARIABLE
from registry_docker_updater.core.moments import rfc3339
from registry_docker_updater.edges.web import NoReply, Reply, Web
from registry_docker_updater.errors import NothingKnown, UpdaterError
from registry_docker_updater.views.events import EventRow, IgnoredRow
from registry_docker_updater.views.fleet import FleetRows, HostRow, TargetRow
from registry_docker_updater.views.now import NowRow
from registry_docker_updater.views.outlook import OutlookRow
from registry_docker_updater.views.pushes import JudgedRow, PushRow
from registry_docker_updater.views.rollouts import RolloutRow, WholeRolloutRow
from registry_docker_updater.views.silences import SilenceRow
from registry_docker_updater.views.trail import EntryRow
from registry_docker_updater.views.why import WhyRow

R = TypeVar("R")
_API = "/api/v1/"
_MOST = 1000
# What was asked for may have been done though no answer came; with its key, it can be asked again.
_TRIES, _PAUSE_SECONDS = 3, 1.0
# What the operator says of a path that it does not know.
_NO_PATH = "nothing is here"


@dataclass(frozen=True)
class There:
    """What the operator at ``url`` has, for who has the ``token``."""

    url: str
    token: str | None = field(default=None, repr=False)
    web: Web = field(default_factory=Web)

    @property
    def is_working(self) -> bool:
        """Whether an operator is there: it is who answers."""
        return True

    def events(self, limit: int) -> list[EventRow]:
        """Return the newest events, newest first."""
        return self._listed("events", EventRow, limit)

    def event(self, number: int) -> EventRow:
        """Return one event, whole."""
        return self._one(f"events/{number}", EventRow)

    def ignored(self) -> list[IgnoredRow]:
        """Return how many events were ignored, and why."""
        return self._listed("ignored", IgnoredRow)

    def rollouts(self, limit: int) -> list[RolloutRow]:
        """Return the newest rollouts, newest first."""
        return self._listed("rollouts", RolloutRow, limit)

    def rollout(self, number: int) -> WholeRolloutRow:
        """Return one rollout with every target."""
        return self._one(f"rollouts/{number}", WholeRolloutRow)

    def fleet(self, *, fresh: bool) -> FleetRows:
        """Return hosts and targets, as last scanned."""
        _refuse_to_scan(fresh=fresh)
        hosts = self._listed("hosts", HostRow, asked={"limit": _MOST})
        targets = self._listed("targets", OutlookRow, asked={"limit": _MOST})
        some = [
            cast("TargetRow", {name: row[name] for name in TargetRow.__annotations__})  # type: ignore[literal-required]
            for row in targets
        ]
        some.sort(key=lambda row: (row["place"], row["kind"], row["name"]))
        return {"hosts": hosts, "targets": some}

    def why(self, target: str, *, fresh: bool) -> list[WhyRow]:
        """Return all that is known of the targets that are called so."""
        _refuse_to_scan(fresh=fresh)
        keys = [row["key"] for row in self._listed("targets", OutlookRow, asked={"name": target})]
        # Where there is none, what is answered names those alike.
        return [self._one(f"targets/{quote(key)}", WhyRow) for key in keys or [target]]

    def plan(self, image: str, *, fresh: bool) -> list[JudgedRow]:
        """Return what a push would mean for each target."""
        _refuse_to_scan(fresh=fresh)
        return self._listed("plan", JudgedRow, asked={"image": image})

    def push(self, image: str, *, force: bool) -> PushRow:
        """Record a push by hand."""
        return self._done("pushes", {"image": image, "force": force}, PushRow)

    def retry(self, rollout: int, *, force: bool) -> PushRow:
        """Have a rollout run again."""
        return self._done(f"rollouts/{rollout}/retry", {"force": force}, PushRow)

    def standing(self, push: int) -> PushRow:
        """Return how a push stands; who follows it waits for an operator that is restarted."""
        return self._checked(self._patient("GET", f"{_API}pushes/{push}"), PushRow)

    def status(self) -> NowRow:
        """Return how everything is."""
        return self._one("status", NowRow)

    def silences(self, limit: int) -> list[SilenceRow]:
        """Return the newest silences, newest first."""
        return self._listed("silences", SilenceRow, limit)

    def silence(self, what: str, until: datetime, reason: str) -> SilenceRow:
        """Silence a trouble that is known."""
        asked = {"what": what, "until": rfc3339(until), "reason": reason}
        return self._done("silences", asked, SilenceRow)

    def end_silence(self, number: int) -> SilenceRow:
        """End a silence."""
        return self._done(f"silences/{number}/end", {}, SilenceRow)

    def story(self, rollout: int) -> list[EntryRow]:
        """Return all that the trail says of a rollout."""
        return self._listed(f"rollouts/{rollout}/trail", EntryRow)

    # How it is asked.

    def _one(self, path: str, kind: type[R]) -> R:
        return self._checked(self._ask("GET", _API + path), kind)

    def _listed(
        self, path: str, kind: type[R], limit: int | None = None, asked: Mapping[str, Any] | None = None
    ) -> list[R]:
        """Return the rows of a listing, page by page, ``limit`` at the most."""
        page = {"limit": min(limit, _MOST)} if limit else {}
        query = urlencode({**(asked or {}), **page})
        following: Any = f"{_API}{path}{'?' if query else ''}{query}"
        rows: list[R] = []
        while following and (limit is None or len(rows) < limit):
            content = self._ask("GET", following)
            if not isinstance(content.get("items"), list) or "next" not in content:
                raise self._of_another_version()
            rows += [self._checked(row, kind) for row in content["items"]]
            following = content["next"]
            if following and not str(following).startswith(_API):
                raise self._of_another_version()
        return rows[:limit]

    def _done(self, path: str, asked: Mapping[str, Any], kind: type[R]) -> R:
        return self._checked(self._patient("POST", _API + path, asked), kind)

    def _patient(self, method: str, path: str, asked: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask again where no answer comes; what is done is done once."""
        key = str(uuid.uuid4()) if asked is not None else None
        for _ in range(_TRIES - 1):
            try:
                return self._ask(method, path, asked, key)
            except _Silent:
                time.sleep(_PAUSE_SECONDS)
        try:
            return self._ask(method, path, asked, key)
        except _Silent as error:
            if asked is None:
                raise
            raise UpdaterError(
                f"{error}; it may have been done all the same: see `events` and `rollouts` before it is asked again"
            ) from None

    def _ask(
        self, method: str, path: str, asked: Mapping[str, Any] | None = None, key: str | None = None
    ) -> dict[str, Any]:
        headers = {"Accept": "application/json", "User-Agent": f"registry-docker-updater/{__version__}"}
        if self.token:
            # As HTTP has it: bytes of UTF-8, each a character of Latin-1.
            headers["Authorization"] = f"Bearer {self.token}".encode().decode("latin-1")
        if asked is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": str(key)}
        body = None if asked is None else json.dumps(asked)
        try:
            reply = self.web.ask(method, self.url + path, headers, body)
        except NoReply as error:
            raise _silent(self.url, error) from None
        return self._read(reply)

    def _read(self, reply: Reply) -> dict[str, Any]:
        try:
            content = json.loads(reply.body)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            kind = reply.headers.get("Content-Type", "nothing that says what it is")
            raise UpdaterError(
                f"{self.url} is no operator, or something before it answers: {reply.status}, {kind!r:.80}, and no JSON"
            )
        if reply.status in (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
            return content
        said = str(content.get("detail") or content.get("error") or "it does not say why")[:2000]
        raise self._refusal(reply.status, said)

    def _refusal(self, status: int, said: str) -> UpdaterError:
        if status == HTTPStatus.UNAUTHORIZED:
            what = "does not know this token" if self.token else "wants a token"
            return UpdaterError(f"{self.url} {what}: give --token-file, or set {TOKEN_VARIABLE}")
        if status == HTTPStatus.FORBIDDEN:
            return UpdaterError(f"{self.url} does not allow this: {said}")
        if status == HTTPStatus.BAD_REQUEST or said.startswith(_NO_PATH):
            return self._of_another_version(said)
        if status == HTTPStatus.NOT_FOUND:
            return NothingKnown(said)
        if status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
            # Which part of a request it is, need not be said of a command.
            return UpdaterError(re.sub(r"^(image|what|until|reason): ", "", said))
        error = f"{self.url} answers {status}: {said}"
        return _Silent(error) if status >= HTTPStatus.INTERNAL_SERVER_ERROR else UpdaterError(error)

    def _checked(self, row: Any, kind: type[R]) -> R:
        if not isinstance(row, dict) or not kind.__annotations__.keys() <= row.keys():
            raise self._of_another_version()
        return cast("R", row)

    def _of_another_version(self, said: str = "") -> UpdaterError:
        """Return what says of which version the operator is; it answers, and not as is understood here.

        One of the same version is to be believed in what it ``said``.
        """
        headers = {"Authorization": f"Bearer {self.token}".encode().decode("latin-1")} if self.token else {}
        try:
            described = json.loads(self.web.ask("GET", f"{self.url}{_API}openapi.json", headers).body)
            version = str(described["info"]["version"])[:40]
        except (NoReply, ValueError, LookupError, TypeError, RecursionError):
            return UpdaterError(
                f"{self.url} is no operator, or one of another version: it does not answer as is understood here"
            )
        if said and version == __version__:
            return UpdaterError(f"{self.url} refuses this: {said}")
        return UpdaterError(
            f"{self.url} is an operator of version {version}, and this command, of {__version__}, does not understand what"
            " it answers: use that of the same version"
        )


# A rollout of 100,000 targets has 160 MB.
_LARGEST_ANSWER = 256 * 2**20


class _Silent(UpdaterError):
    """No answer came, or none that means anything: it may come the next time."""


def there(url: str, token_file: Path | None, ca: Path | None, environment: Mapping[str, str]) -> There:
    """Return what is at ``url``, asked with the token of the file or the environment; raises :class:`UpdaterError`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UpdaterError(f"--server {url} is no address such as https://updater.example.com")
    if "@" in parts.netloc:
        raise UpdaterError("--server: a user or password stands in the address; give a token by --token-file")
    try:
        web = Web(ca, _LARGEST_ANSWER)
    except ValueError as error:
        raise UpdaterError(f"--ca-file: {error}") from None
    return There(url.rstrip("/"), _token(token_file, environment), web)


def is_overheard(url: str) -> bool:
    """Tell whether a token that is given to ``url`` goes over a network in the clear."""
    parts = urlsplit(url)
    try:
        is_here = ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        is_here = parts.hostname == "localhost"
    return parts.scheme == "http" and not is_here


def _token(path: Path | None, environment: Mapping[str, str]) -> str | None:
    where = f"--token-file: {path}" if path else TOKEN_VARIABLE
    try:
        token = (path.read_text() if path else environment.get(TOKEN_VARIABLE, "")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UpdaterError(
            f"{where} cannot be read: {getattr(error, 'strerror', None) or 'no UTF-8'}"
        ) from None
    if path and not token:
        raise UpdaterError(f"{where} is empty")
    if not token.isprintable() or " " in token:
        # Never said: who reads this is not to know it.
        raise UpdaterError(f"{where} holds more than one word, or what cannot be printed: that is no token")
    return token or None


def _refuse_to_scan(*, fresh: bool) -> None:
    if fresh:
        raise UpdaterError("--scan asks the hosts from the operator's machine: leave it out, or --server")


def _silent(url: str, error: NoReply) -> UpdaterError:
    if error.is_untrusted:
        return UpdaterError(
            f"the certificate of {url} is not trusted: {error}; --ca-file names who signed it, and the name in the address"
            " is to be one of its"
        )
    if error.is_plain:
        return UpdaterError(f"{url} speaks no TLS: is it http://?")
    return _Silent(f"cannot reach {url}: {error}")
