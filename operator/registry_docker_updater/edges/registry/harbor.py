"""Harbor's own API: having each project send its events here.

Paths, headers and paging from Harbor's ``api/v2.0/swagger.yaml``.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from registry_docker_updater.core.events.formats.harbor_policies import change, wanted
from registry_docker_updater.edges.registry.login import Login
from registry_docker_updater.edges.web import NoReply, Web
from registry_docker_updater.errors import RegistryUnavailable

_PAGE = 100


class Harbor:
    """Changes the webhook policies of a Harbor at ``url``, as the user ``login``, who may do that in the projects."""

    def __init__(self, url: str, login: Login, web: Web) -> None:
        """Ask through ``web``."""
        self._api, self._web = f"{url}/api/v2.0", web
        self._headers = {
            "Authorization": login.basic,
            "Content-Type": "application/json",
            # A project's name can be a number.
            "X-Is-Resource-Name": "true",
        }

    def apply(self, address: str, secret: str, *, is_trusted: bool) -> Iterator[tuple[str, str]]:
        """Have every project send its pushes to ``address`` with ``secret``; yield each with what was done.

        A proxy cache sends none that count. Raises :class:`RegistryUnavailable`.
        """
        policy = wanted(address, secret, is_trusted=is_trusted)
        for project in self._projects():
            path = f"/projects/{quote(project, safe='')}/webhook/policies"
            to_do = change(self._ask("GET", f"{path}?page_size={_PAGE}"), policy)
            if to_do is None:
                yield project, "unchanged"
            elif to_do.number is None:
                self._ask("POST", path, to_do.policy)
                yield project, "created"
            else:
                self._ask("PUT", f"{path}/{to_do.number}", to_do.policy)
                yield project, "updated"

    def _projects(self) -> list[str]:
        found: list[str] = []
        page = 1
        while True:
            some = self._ask("GET", f"/projects?page={page}&page_size={_PAGE}")
            projects = [one for one in some if isinstance(one, dict) and isinstance(one.get("name"), str)]
            found += [one["name"] for one in projects if not one.get("registry_id")]
            if len(some) < _PAGE:
                return sorted(found)
            page += 1

    def _ask(self, method: str, path: str, content: Any = None) -> list[Any]:
        body = None if content is None else json.dumps(content)
        try:
            reply = self._web.ask(method, self._api + path, self._headers, body)
        except NoReply as error:
            raise RegistryUnavailable(f"Harbor at {self._api} does not answer: {error}") from None
        if reply.status not in (200, 201):
            raise RegistryUnavailable(
                f"Harbor answers {method} {path} with {reply.status}: {_said(reply.body)}"
            )
        if method != "GET":
            return []
        try:
            listed = json.loads(reply.body or b"[]")
        except ValueError:
            listed = None
        if not isinstance(listed, list | None) or listed is None:
            raise RegistryUnavailable(f"what answers {self._api}{path} is no Harbor: {_said(reply.body)}")
        return listed


def _said(body: bytes) -> str:
    text = body[:200].decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else " " for sign in text)
