"""What is done by pages, as a browser asks for it."""

import html
import re
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from browser.filled import Served
from integration.pages.browsing import Browser
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import SILENCE_ENDED
from registry_docker_updater.core.fleet.index import FleetChange
from unit.builders import HOST, NEW, OLD, container

MAIL = f"{HOST}/test/mail:1"


def test_a_push_by_hand_without_a_digest_is_not_shown_as_if_it_could_be_made(browser: Browser) -> None:
    answer = browser.get(f"/push?image={MAIL}")
    assert answer.status == 422
    assert "needs a tag and a digest" in answer.text


def test_a_push_that_is_sent_twice_is_made_once(browser: Browser, site: Served) -> None:
    hidden = browser.get(f"/push?image={MAIL}@{OLD}").hidden
    before = site.storage.events.last_event()
    first, second = browser.post("/push", hidden), browser.post("/push", hidden)
    assert (first.status, second.status) == (303, 303)
    assert first.location == second.location == f"/events/{before + 1}"
    assert site.storage.events.last_event() == before + 1


@pytest.mark.parametrize("without", ["seen", "once"])
def test_a_push_that_nobody_was_shown_is_not_made(browser: Browser, site: Served, without: str) -> None:
    hidden = {**browser.get(f"/push?image={MAIL}@{OLD}").hidden, without: ""}
    before = site.storage.trail.last_given()
    assert browser.post("/push", hidden).status == 409
    assert site.storage.trail.last_given() == before


def test_what_was_confirmed_is_not_used_for_something_else(browser: Browser, site: Served) -> None:
    hidden = browser.get(f"/push?image={MAIL}@{OLD}").hidden
    assert browser.post("/push", hidden).status == 303
    before = site.storage.trail.last_given()
    other = browser.post("/push", {**hidden, "force": "yes"})
    assert other.status == 409
    assert "look again" in other.text
    assert f'<a href="/push?{urlencode({"image": f"{MAIL}@{OLD}"})}">Look again</a>' in other.markup
    assert site.storage.trail.last_given() == before


def test_what_means_something_else_by_now_is_to_be_looked_at_again(browser: Browser, site: Served) -> None:
    hidden = browser.get("/rollouts/2/retry").hidden
    (api,) = [one for one in site.fleet.targets.values() if one.name == "api"]
    site.storage.fleet.apply(FleetChange(targets={api.key: None}))
    site.fleet = site.storage.fleet.load()
    before = site.storage.trail.last_given()
    answer = browser.post("/rollouts/2/retry", {**hidden, "force": "yes"})
    assert answer.status == 409
    assert '<a href="/rollouts/2/retry">Look again</a>' in answer.markup
    assert "changed since it was shown" in answer.text
    assert site.storage.trail.last_given() == before


def test_a_rollout_is_run_again_once_and_leaving_it_leads_back_to_it(browser: Browser, site: Served) -> None:
    asked = browser.get("/rollouts/2/retry")
    assert '<a class="button" href="/rollouts/2">Leave it</a>' in asked.markup
    answer = browser.post("/rollouts/2/retry", {**asked.hidden, "force": "yes"})
    assert answer.location == "/rollouts/2"
    (override,) = site.storage.overrides.open()
    assert override.push == 2


def test_leaving_what_was_asked_for_from_a_target_leads_back_to_the_target(
    browser: Browser, site: Served
) -> None:
    api = next(key for key, one in site.fleet.targets.items() if one.name == "api")
    (path,) = re.findall(r'href="(/rollouts/2/retry[^"]*)"', browser.get(f"/targets/{api}").markup)
    assert f'<a class="button" href="/targets/{api}">Leave it</a>' in browser.get(path).markup
    elsewhere = browser.get("/rollouts/2/retry?target=../../evil.example.com").markup
    assert '<a class="button" href="/targets/..%2F..%2Fevil.example.com">Leave it</a>' in elsewhere


def test_what_a_push_means_for_hundreds_is_counted_and_shown_for_the_first_of_those_it_goes_to(
    browser: Browser, site: Served
) -> None:
    image = f"{HOST}/team/many:1"
    many = [
        container("many", on=f"far{n:03}", image=image, digest=NEW if n < 150 else OLD) for n in range(300)
    ]
    site.see(*many, **{name: None for one in many for name in one.hosts})
    answer = browser.get(f"/push?image={image}@{NEW}")
    assert "It goes to 150 of 300 targets." in answer.text
    assert "The first 100 of 300" in answer.text
    assert answer.text.count("is updated") == 100
    assert "is there" not in answer.text


def test_a_silence_begins_and_ends_when_that_is_confirmed(browser: Browser, site: Served) -> None:
    asked = {"what": "host:docker03", "hours": "4", "reason": "a new disk"}
    confirm = browser.get(f"/silences/new?{urlencode(asked)}")
    assert "Nobody is called for host docker03 for 4 hours: a new disk" in confirm.text
    assert '<a class="button" href="/silences?what=host%3Adocker03">Leave it</a>' in confirm.markup
    assert site.storage.silences.get(1) is None
    for _ in range(2):
        assert browser.post("/silences/new", confirm.hidden).location == "/silences"
    assert len(site.storage.silences.newest(10)) == 1
    assert 'aria-label="End the silence of host docker03"' in browser.get("/silences").markup
    end = browser.get("/silences/1/end")
    assert "host docker03 is heard of again; ann silenced it: a new disk" in end.text
    assert site.storage.silences.counting(utc_now())
    for _ in range(2):
        assert browser.post("/silences/1/end", end.hidden).location == "/silences"
    assert not site.storage.silences.counting(utc_now())
    assert browser.get("/silences/9/end").status == 404


@pytest.mark.parametrize(
    ("changed", "status"), [({"what": "docker77"}, 404), ({"reason": ""}, 422), ({"hours": "5"}, 422)]
)
def test_a_silence_that_cannot_be_is_not_shown_as_if_it_could(
    browser: Browser, changed: Mapping[str, str], status: int
) -> None:
    asked = {"what": "docker03", "hours": "4", "reason": "a new disk", **changed}
    assert browser.get(f"/silences/new?{urlencode(asked)}").status == status


def test_silences_that_count_are_shown_before_those_that_are_over(browser: Browser, site: Served) -> None:
    for n, host in enumerate(["docker00", *["docker01"] * 104]):
        asked = {"what": host, "hours": "1", "reason": f"reason {n}"}
        browser.post("/silences/new", browser.get(f"/silences/new?{urlencode(asked)}").hidden)
        if n:
            with site.storage.transaction() as kept:
                kept.silences.end(n + 1, "ann", utc_now())
                kept.trail.append(Step(SILENCE_ENDED, {"silence": n + 1}), utc_now())
    rows = re.findall(r'data-name="Why">(reason \d+)<', browser.get("/silences").markup)
    assert rows[:3] == ["reason 0", "reason 104", "reason 103"]
    assert len(rows) == 101
    older = re.search(r'rel="next" href="([^"]+)"', browser.get("/silences").markup)
    assert older
    more = re.findall(r'data-name="Why">(reason \d+)<', browser.get(html.unescape(older[1])).markup)
    assert more == ["reason 4", "reason 3", "reason 2", "reason 1"]
