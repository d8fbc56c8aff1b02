"""What pages of the trail show, and how it is searched."""

import html
import re
from urllib.parse import urlencode

import pytest

from browser.filled import Served
from integration.pages.browsing import Browser, said
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.storage.actions import keep_matches
from registry_docker_updater.views import trail as trail_view
from registry_docker_updater.views.rollouts import rollout
from registry_docker_updater.views.trail import newest
from unit.builders import NEWER


def trail_numbers(markup: str) -> list[int]:
    return [int(one) for one in re.findall(r'data-name="No." class="number">(\d+)<', markup)]


def test_the_trail_of_a_rollout_is_read_part_by_part(browser: Browser, site: Served) -> None:
    number = said(site, {f"far{n:03}": Outcome.UPDATED for n in range(3)})
    for _ in range(150):
        keep_matches(site.storage, {}, [rollout(site.storage, number)["push"]], 9, utc_now())
    markup = browser.get(f"/rollouts/{number}").markup
    shown = [int(one) for one in re.findall(r'data-name="No." class="number">(\d+)<', markup)]
    assert len(shown) == 100
    assert shown == sorted(shown)
    assert shown[-1] == site.storage.trail.last_given()
    older = re.search(r'rel="next" href="([^"]+)"', markup)
    assert older
    before = browser.get(html.unescape(older[1])).markup
    others = [int(one) for one in re.findall(r'data-name="No." class="number">(\d+)<', before)]
    assert others[-1] == shown[0] - 1
    assert "was given" in before


def test_the_trail_is_searched_for_a_person_by_push_and_by_hand_an_image_a_host_and_a_kind(
    browser: Browser, site: Served
) -> None:
    site.push("test/mail:9", NEWER, "zoe")
    asked = {"what": "host:docker03", "hours": "4", "reason": "a new disk"}
    browser.post("/silences/new", browser.get(f"/silences/new?{urlencode(asked)}").hidden)
    (trail, _) = newest(site.storage, 1000)
    by_hand = next(one["sequence"] for one in trail if one["kind"] == "silence.began")
    assert by_hand in trail_numbers(browser.get("/trail?person=ann").markup)
    pushed = trail_numbers(browser.get("/trail?person=zoe").markup)
    assert [one["kind"] for one in trail if one["sequence"] in pushed] == ["event.received"]
    assert pushed == trail_numbers(browser.get("/trail?image=test%2Fmail%3A9&kind=event.received").markup)
    assert trail_numbers(browser.get("/trail?person=zoe&kind=run.began").markup) == []
    began = trail_numbers(browser.get("/trail?host=swarm-m1&kind=run.began").markup)
    assert began == [
        one["sequence"] for one in trail if one["kind"] == "run.began" and "swarm-m1" in str(one["content"])
    ]
    assert began
    assert "Not understood" in browser.get("/trail?kind=nonsense").text


@pytest.mark.parametrize("bound", [("_LOOKED_BACK_AT", 10), ("_LONGEST_LOOK", 9_000)])
def test_a_rare_entry_of_a_long_trail_is_found_page_by_page(
    browser: Browser, site: Served, monkeypatch: pytest.MonkeyPatch, bound: tuple[str, int]
) -> None:
    monkeypatch.setattr(trail_view, *bound)
    site.push("test/mail:9", NEWER, "zoe")
    for _ in range(25):
        site.push("test/mail:8", NEWER, "yan")
    path, asked = "/trail?person=zoe", 0
    while path:
        answer = browser.get(path)
        asked += 1
        if trail_numbers(answer.markup):
            break
        assert "older ones may be such" in answer.text
        older = re.search(r'rel="next" href="([^"]+)"', answer.markup)
        path = html.unescape(older[1]) if older else ""
    assert 1 < asked < 5
    assert "zoe" in answer.text
