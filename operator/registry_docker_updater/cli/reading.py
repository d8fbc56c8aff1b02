"""What a server answers to a command, read as an operator's API would: what it says, or what is wrong and what to do about it."""

import json
import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

from registry_docker_updater.cli.command import TOKEN_VARIABLE
from registry_docker_updater.edges.web import NoReply, Reply
from registry_docker_updater.errors import NothingKnown, UpdaterError

# What the operator says of a path that it does not know.
_NO_PATH = "nothing is here"
_DONE = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED)
# An address that can be given to a command as it is: no shell takes part of it for something else.
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]_~%/-]+")


class Silent(UpdaterError):
    """No answer came, or none that means anything: it may come the next time, ``after`` so long where the server says so.

    ``is_unheard`` tells that what was asked for never came there, or was not looked at.
    """

    def __init__(self, said: str, after: timedelta | None = None, *, is_unheard: bool = False) -> None:
        """Keep what is told of it."""
        super().__init__(said)
        self.after, self.is_unheard = after, is_unheard


class NotUnderstood(Exception):
    """An operator answers, and not as is understood here; ``said`` is what it says, empty where that is no refusal."""

    def __init__(self, said: str = "") -> None:
        """Keep what it says."""
        super().__init__(said)
        self.said = said


def content_of(reply: Reply, url: str, path: str, *, has_token: bool) -> dict[str, Any]:
    """Return what the server at ``url`` answers to ``path``.

    Raises :class:`UpdaterError`, of which :class:`Silent` is one, and :class:`NotUnderstood`.
    """
    if reply.leads_to is not None:
        raise UpdaterError(_led_on(url, path, reply.leads_to))
    try:
        content = json.loads(reply.body)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict) and reply.status in _DONE:
        return content
    wait = reply.retry_after
    later = f"; it says to ask again in {wait.total_seconds():g} seconds" if wait is not None else ""
    if not isinstance(content, dict):
        kind = reply.headers.get("Content-Type", "nothing that says what it is")
        what = f"{reply.status}, {kind!r:.80}, and no JSON"
        error = f"{url} is no operator, or something before it answers: {what}{later}"
        # A proxy says so while the operator behind it starts again.
        raise Silent(error, wait) if _is_passing(reply.status) else UpdaterError(error)
    said = str(content.get("detail") or content.get("error") or "it does not say why")[:2000]
    if _is_passing(reply.status):
        is_unheard = reply.status == HTTPStatus.TOO_MANY_REQUESTS
        raise Silent(f"{url} answers {reply.status}: {said}{later}", wait, is_unheard=is_unheard)
    raise _refusal(reply.status, said, url, has_token=has_token)


def no_answer(url: str, error: NoReply) -> UpdaterError:
    """Return what is told where no answer came, or none that is whole."""
    if error.is_untrusted:
        return UpdaterError(
            f"the certificate of {url} is not trusted: {error}; --ca-file names who signed it, and the name in the address"
            " is to be one of its"
        )
    if error.is_plain:
        return UpdaterError(f"{url} speaks no TLS: is it http://?")
    if error.is_unheard:
        said = f"cannot reach {url}: {error}; is the address right, and does the operator work?"
        return Silent(said, is_unheard=True)
    return Silent(f"{url} gives no answer that can be read: {error}")


def _is_passing(status: int) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _refusal(status: int, said: str, url: str, *, has_token: bool) -> Exception:
    if status == HTTPStatus.UNAUTHORIZED:
        what = "does not know this token" if has_token else "wants a token"
        return UpdaterError(f"{url} {what}: give --token-file, or set {TOKEN_VARIABLE}")
    if status == HTTPStatus.FORBIDDEN:
        return UpdaterError(f"{url} does not allow this: {said}")
    if status == HTTPStatus.BAD_REQUEST or said.startswith(_NO_PATH):
        return NotUnderstood(said)
    if status == HTTPStatus.NOT_FOUND:
        return NothingKnown(said)
    if status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
        # Which part of a request it is, need not be said of a command.
        return UpdaterError(re.sub(r"^(image|what|until|reason|targets): ", "", said))
    return UpdaterError(f"{url} answers {status}: {said}")


def _led_on(url: str, path: str, location: str) -> str:
    """Return what is said of a server that sends us on to a ``location``; the token is for it alone, so we do not go there."""
    before = urlsplit(url)
    try:
        goal = urljoin(url + path, location)
        server = goal.removesuffix(path)
        after = urlsplit(server)
    except ValueError:
        goal = server = location
        after = before
    if server == goal or not _ADDRESS.fullmatch(server):
        return (
            f"{url} sends you on to {goal!r:.200}, which is no operator: --server is to be an address at which the"
            " operator itself answers, without a login before it"
        )
    if before.scheme == "https" != after.scheme:
        return f"{url} sends you to {server:.200}, where a token could be overheard: see what stands before the operator"
    condition = "" if before.hostname == after.hostname else ", if that is the operator's"
    return f"{url} sends you to {server:.200}: use --server {server:.200}{condition}"
