"""Asking for pages as a browser does."""

import html
import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from browser.filled import Served
from integration.keeping import ONCE
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.rollouts.lifecycle import RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.storage.actions import end_run
from unit.builders import HOST, NEW, OLD, container

TOKEN = "0perate-s3cret"


@dataclass
class Answer:
    """What a browser is shown: the page's text, its markup, and where it is sent."""

    status: int
    markup: str
    location: str | None

    @property
    def text(self) -> str:
        main = re.sub(r"(?s)^.*<main[^>]*>|</main>.*$", "", self.markup)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split()).replace(" .", ".")

    @property
    def hidden(self) -> dict[str, str]:
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.markup)
        return {name: html.unescape(value) for name, value in found}


@dataclass
class Browser:
    """Asks for pages as ann, who operates."""

    site: Served

    def ask(self, method: str, path: str, body: str | None = None, **more: str) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.site.url).netloc, timeout=20)
        session = self.site.access.session(TOKEN)
        headers = {"Cookie": f"registry_docker_updater={session}", "Sec-Fetch-Site": "same-origin", **more}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        found = Answer(answer.status, answer.read().decode(), answer.getheader("Location"))
        connection.close()
        return found

    def headers(self, path: str) -> Mapping[str, str]:
        """The headers of a page, as whoever is not logged in gets them."""
        connection = http.client.HTTPConnection(urlsplit(self.site.url).netloc, timeout=20)
        connection.request("GET", path)
        found = dict(connection.getresponse().getheaders())
        connection.close()
        return found

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, given: Mapping[str, str]) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, urlencode(given), **form)


def said(site: Served, outcomes: Mapping[str, Outcome]) -> int:
    """Have a rollout run on hosts, of which that became; return its number."""
    image = f"{HOST}/team/many:1"
    many = [container("many", on=name, image=image) for name in outcomes]
    site.see(*many, **dict.fromkeys(outcomes))
    begun, start = site.begin(site.push("team/many:1", NEW, "ann"), utc_now())
    ended = tuple(
        TargetOutcome(
            one.key, one.kind, one.name, one.place, outcomes[one.hosts[0]], OLD, NEW, f"on {one.hosts[0]}"
        )
        for one in start.targets
    )
    end_run(site.storage, begun.id, RunEnd(NEW, ended, {}), ONCE, utc_now())
    return begun.id
