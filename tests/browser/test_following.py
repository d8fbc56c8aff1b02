"""A page that is open follows what goes on."""

import http.client
import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from browser.filled import Served, served
from integration.conftest import until
from integration.keeping import ONCE
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.rollouts.lifecycle import RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.runs.results import TaskStart
from registry_docker_updater.http.access import Access, Right, Token
from registry_docker_updater.http.pages import events as pages
from registry_docker_updater.storage.actions import end_run
from registry_docker_updater.views import events as views
from unit.builders import NEW, NEWER, OLD, container

pytestmark = pytest.mark.lab


def test_a_rollout_that_runs_is_seen_to_move_and_to_end(site: Served, page: Page) -> None:
    page.goto(site.url + "/rollouts/4")
    row = page.locator("#targets tbody tr")
    expect(row).to_contain_text("Pull the image")
    expect(page.locator("#live")).to_have_text("live")
    site.progress.task(4, TaskStart("swarm-m1", "Wait until it is proven"), utc_now())
    expect(row).to_contain_text("Wait until it is proven")
    (worker,) = [one for one in site.fleet.targets.values() if one.name == "worker"]
    ended = TargetOutcome(worker.key, worker.kind, worker.name, worker.place, Outcome.UPDATED, OLD, NEWER)
    end_run(site.storage, 4, RunEnd(NEWER, (ended,), {}), ONCE, utc_now())
    site.progress.end(4)
    expect(row).to_contain_text("updated")
    expect(page.locator("#rollout")).to_contain_text("ended well")
    expect(page.locator("#around")).to_contain_text("ended")


def test_a_push_shows_in_lists_that_are_open_and_whoever_is_at_a_link_stays_there(
    site: Served, page: Page
) -> None:
    page.goto(site.url + "/events")
    expect(page.locator("#live")).to_have_text("live")
    page.get_by_role("link", name="event 1", exact=True).focus()
    site.push("test/brand-new:7", NEW, "dora")
    expect(page.locator("#list")).to_contain_text("test/brand-new:7")
    expect(page.get_by_role("link", name="event 1", exact=True)).to_be_focused()


def test_troubles_come_and_go_on_the_first_page_and_in_its_title(tmp_path: Path, page: Page) -> None:
    with served(tmp_path) as site:
        site.see(container(), solo=None)
        page.goto(site.url)
        expect(page).to_have_title(re.compile("^Well"))
        expect(page.locator("#live")).to_have_text("live")
        site.see(solo="no route to host")
        expect(page.locator("#troubles")).to_contain_text("no route to host")
        expect(page.get_by_role("heading", level=1)).to_have_text("Not everything is well")
        expect(page).to_have_title(re.compile("^Not well"))
        site.see(solo=None)
        expect(page.get_by_role("heading", level=1)).to_have_text("Everything is well")
        expect(page.locator("#troubles")).to_be_empty()


def test_a_page_whose_operator_is_gone_does_not_pass_for_well(site: Served, page: Page) -> None:
    page.goto(site.url + "/rollouts")
    expect(page.locator("#live")).to_have_text("live")
    expect(page.get_by_role("alert")).to_be_hidden()
    site.server.stop()
    expect(page.get_by_role("alert")).to_contain_text("what is shown may not be so any more")
    expect(page.locator("#live")).to_have_text("not live")


def test_who_is_logged_out_is_told_and_asks_no_more(site: Served, page: Page) -> None:
    site.access.change(Access((Token("ann", "s3cret", Right.READ),)))
    page.goto(site.url + "/events")
    page.get_by_label("Token").fill("s3cret")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#live")).to_have_text("live")
    site.access.change(Access((Token("ann", "another", Right.READ),)))
    site.push("test/brand-new:7", NEW, "dora")
    expect(page.get_by_role("alert")).to_contain_text("You are logged out")
    until(lambda: not site.server._followers._following)


def test_a_page_that_nobody_looks_at_keeps_no_connection(site: Served, page: Page) -> None:
    page.goto(site.url + "/events")
    until(lambda: len(site.server._followers._following) == 1)
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    say = "document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(hide % "true" + say)
    until(lambda: not site.server._followers._following)
    site.push("test/brand-new:7", NEW, "dora")
    page.evaluate(hide % "false" + say)
    expect(page.locator("#list")).to_contain_text("test/brand-new:7")


def test_a_change_while_a_page_is_made_is_told_of(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    read = views.events

    def and_then_it_changes(*given: Any, **more: Any) -> Any:
        rows = read(*given, **more)
        site.push("test/brand-new:7", NEW, "dora")
        return rows

    monkeypatch.setattr(pages, "events", and_then_it_changes)
    page = ask(site, "/events")
    version = re.search('data-version="([^"]+)"', page)
    assert version
    assert "brand-new" not in page
    connection, answer = stream(site, "trail", version[1])
    assert answer.readline() == b"event: changed\n"
    answer.close()
    connection.close()


def test_who_looks_when_others_have_just_looked_is_told_of_what_came_between(site: Served) -> None:
    """The overview serves all who look within a second: a page can be older than what is known."""
    ask(site, "/")
    site.see(container("late", on="far"), far="no route to host")
    page = ask(site, "/")
    version = re.search('data-version="([^"]+)"', page)
    assert version
    assert "far" not in page
    connection, answer = stream(site, "now", version[1])
    assert answer.readline() == b"event: changed\n"
    answer.close()
    connection.close()


def ask(site: Served, path: str) -> str:
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=20)
    connection.request("GET", path)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def test_what_somebody_selects_is_left_to_them(site: Served, page: Page) -> None:
    page.goto(site.url + "/events")
    expect(page.locator("#live")).to_have_text("live")
    select = "getSelection().selectAllChildren(document.querySelector('#list tbody tr:last-child'))"
    page.evaluate(select)
    selected, version = page.evaluate("[getSelection().toString(), document.body.dataset.version]")
    site.push("test/brand-new:7", NEW, "dora")
    page.wait_for_function("version => document.body.dataset.version !== version", arg=version)
    assert page.evaluate("getSelection().toString()") == selected
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.locator("#list")).to_contain_text("test/brand-new:7")


def test_what_somebody_types_is_not_taken_away(site: Served, page: Page) -> None:
    page.goto(site.url + "/events")
    page.get_by_label("Pushed by").fill("ann")
    site.push("test/brand-new:7", NEW, "dora")
    expect(page.locator("#list")).to_contain_text("test/brand-new:7")
    expect(page.get_by_label("Pushed by")).to_have_value("ann")


def stream(
    site: Served, topic: str, version: str = "", token: str = ""
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=20)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request("GET", f"/live?topic={topic}&version={version}", headers=headers)
    return connection, connection.getresponse()


def test_who_follows_from_an_old_page_is_called_at_once_and_others_only_when_something_changes(
    site: Served,
) -> None:
    connection, answer = stream(site, "trail", "old")
    assert answer.getheader("Content-Type") == "text/event-stream"
    assert answer.readline() == b"event: changed\n"
    connection.close()
    began = time.monotonic()
    connection, answer = stream(site, "trail", str(site.storage.trail.last_given()))
    site.push("test/brand-new:7", NEW, "dora")
    assert answer.readline() == b"event: changed\n"
    assert time.monotonic() - began < 15
    connection.close()


def test_what_is_no_topic_is_not_there(site: Served) -> None:
    for topic in ("nothing", "rollout:", "rollout:x", "rollout:99999999999999999999"):
        connection, answer = stream(site, topic)
        assert answer.status == 404
        connection.close()


def test_one_who_follows_leaves_places_to_others_by_their_name_and_by_the_address_of_who_has_none(
    site: Served,
) -> None:
    followers = [stream(site, "trail") for _ in range(50)]
    assert {answer.status for _, answer in followers} == {200}
    connection, answer = stream(site, "trail")
    assert answer.status == 429
    assert "50 pages of 127.0.0.1 follow" in json.load(answer)["error"]
    connection.close()
    site.access.change(Access(tokens=[Token("ann", "secret", Right.READ)]))
    named = [stream(site, "trail", token="secret") for _ in range(50)]
    assert {answer.status for _, answer in named} == {200}
    site.access.change(Access())
    connection, answer = stream(site, "trail")
    assert answer.status == 503
    connection.close()
    followers += named
    for one, answer in followers:
        answer.close()
        one.close()

    def is_let_in() -> bool:
        connection, answer = stream(site, "trail")
        answer.close()
        connection.close()
        return answer.status == 200

    until(is_let_in)
