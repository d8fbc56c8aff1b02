"""What lists of pages show, as a browser asks for them."""

import json
import re
from datetime import timedelta
from urllib.parse import quote

import pytest

from browser.filled import Served
from integration.pages.browsing import Browser
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.events.pushes import Unreadable, UnresolvedPush
from registry_docker_updater.core.rollouts.desired import PushedName
from registry_docker_updater.core.rollouts.verdicts import DUE
from registry_docker_updater.http.pages.rendering import coded
from registry_docker_updater.storage.actions import keep_matches
from unit.builders import HOST, NEW

MAIL = f"{HOST}/test/mail:1"


@pytest.mark.parametrize(
    ("query", "unread"),
    [
        ("/fleet?behind=no", "behind"),
        ("/fleet?sort=color", "sort"),
        ("/fleet?order=sideways", "order"),
        ("/fleet?page=x", "page"),
        ("/fleet?colour=red", "colour"),
        ("/hosts?sort=color&order=sideways&page=x&answers=maybe", "sort, order, page, answers"),
        ("/search?since=never", "since"),
        ("/search?text=shop&until=tomorrow", "until"),
        ("/rollouts/1?page=x&before=y", "page, before"),
        ("/silences?before=x", "before"),
    ],
)
def test_what_is_not_understood_is_named(browser: Browser, query: str, unread: str) -> None:
    assert f"Not understood, and left out: {unread}." in browser.get(query).text


@pytest.mark.parametrize(
    "query",
    ["/fleet?behind=yes&sort=pushed&order=down&page=1", "/fleet?sort=verdict&order=up", "/hosts?sort=asked"],
)
def test_what_is_understood_is_not_named(browser: Browser, query: str) -> None:
    assert "Not understood" not in browser.get(query).text


def test_what_is_not_behind_is_not_left_out_by_what_is_no_yes(browser: Browser) -> None:
    assert "19 targets" in browser.get("/fleet?behind=no").text
    assert "4 targets" in browser.get("/fleet?behind=yes").text


def test_targets_are_sorted_by_their_newest_push_and_by_the_verdict(browser: Browser) -> None:
    def names(path: str) -> list[str]:
        return re.findall(r'data-name="Target"><span><a[^>]*>([^<]*)</a>', browser.get(path).markup)

    pushed = list(dict.fromkeys(names("/fleet?sort=pushed&order=down")))
    assert pushed[:4] == ["worker", "shop", "api", "mail"]
    verdicts = re.findall(r'class="mark [a-z]*">([a-z ]+)<', browser.get("/fleet?sort=verdict").markup)
    assert [one for one in verdicts if one != "targets"] == sorted(
        one for one in verdicts if one != "targets"
    )


def test_a_search_by_time_alone_shows_what_was_then(browser: Browser) -> None:
    since = (utc_now() - timedelta(hours=1)).isoformat()
    answer = browser.get(f"/search?since={quote(since)}")
    assert "rollout 2" in answer.text
    assert "rollout 1 " not in answer.text
    assert "event 2" in answer.text
    assert "event 1 " not in answer.text
    assert "<h2>Targets</h2>" not in answer.markup
    assert "<h2>Rollouts</h2>" not in browser.get("/search").markup


def test_an_event_says_that_nothing_followed_only_where_that_is_known(browser: Browser, site: Served) -> None:
    none = "no target was to be changed by it"
    push = site.push("test/other:1", NEW, "ann")
    assert none not in browser.get(f"/events/{push}").text
    keep_matches(site.storage, {}, [push], push, utc_now())
    assert none in browser.get(f"/events/{push}").text
    goes = site.push("test/other:2", NEW, "ann")
    keep_matches(site.storage, {goes: {"a": str(DUE)}}, [], goes, utc_now())
    waits = browser.get(f"/events/{goes}").text
    assert f"a: {DUE}" in waits
    assert none not in waits
    site.storage.events.record("production", [Unreadable("no JSON", "what came")], utc_now())
    assert none not in browser.get(f"/events/{site.storage.events.last_event()}").text
    assert "rollout 2" in browser.get("/events/2").text


def test_of_a_long_run_the_end_is_shown_and_said_to_be_no_more(browser: Browser, site: Served) -> None:
    said = {"event": "runner_on_ok", "event_data": {"task": "Look", "task_uuid": "0", "res": {}}}
    lines = (json.dumps({**said, "stdout": f"{n} {'x' * 5000}"}) for n in range(2000))
    events = site.runs / "3" / "update-1" / "events.jsonl"
    events.write_text("\n".join((*lines, events.read_text())))
    answer = browser.get("/rollouts/3/runs/update-1")
    assert len(answer.markup) < 500_000
    assert "Only its end is shown." in answer.text
    assert "only its last tasks are counted" in answer.text
    assert "fatal: [docker00]: FAILED!" in answer.text
    assert "1999 xxx" in answer.text


def test_a_list_of_events_says_which_rollout_each_began_and_how_that_stands(
    browser: Browser, site: Served
) -> None:
    site.push("test/other:1", NEW, "ann")
    rows = re.findall(r"(?s)<tr>(.*?)</tr>", browser.get("/events").markup)
    said = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]
    becomes = {row.partition(" ")[0] + row.split()[1]: row for row in said if row.startswith("event ")}
    assert becomes["event2"].endswith("push rollout 2 ended, not well")
    assert becomes["event3"].endswith("push rollout 3 waiting")
    assert "rollout" not in becomes["event4"]
    assert becomes["event5"].endswith("push rollout 4 running")
    assert becomes["event6"].endswith("push no rollout so far")


def test_what_waits_is_shown_with_what_came_of_it_before(browser: Browser) -> None:
    waits = browser.get("/").text.partition("What waits")[2]
    assert "due (before: failed ) it is updated as soon as a worker is free" in waits
    assert "due (before: unreachable ) it is updated as soon as a worker is free" in waits


def test_a_verdict_of_one_word_is_said_once(browser: Browser, site: Served) -> None:
    for page in ("/", "/fleet", *(f"/targets/{key}" for key in site.fleet.targets)):
        assert "due due" not in browser.get(page).text
    assert "due it is updated as soon as a worker is free" in browser.get("/fleet?verdict=due").text


def test_the_first_page_is_not_filled_by_why_one_host_does_not_answer(browser: Browser, site: Served) -> None:
    site.see(docker09="w" * 1500)
    assert "w" * 301 not in browser.get("/").markup
    assert "w" * 1500 in browser.get("/hosts/docker09").markup


def test_each_of_several_pushes_that_nobody_runs_says_so(browser: Browser, site: Served) -> None:
    pushes = [site.push(f"test/other:{n}", NEW, "ann") for n in range(3)]
    keep_matches(site.storage, {}, pushes[:2], pushes[1], utc_now())
    for number in pushes[:2]:
        text = browser.get(f"/events/{number}").text
        assert "nobody runs what came with events 6, 7" in text
        assert "no target was to be changed by it" in text
    text = browser.get(f"/events/{pushes[2]}").text
    assert "nobody runs" not in text
    assert "no target was to be changed by it" not in text


def test_a_push_that_waited_for_its_registry_says_that_nobody_runs_it_whatever_was_judged_meanwhile(
    browser: Browser, site: Served
) -> None:
    now, name = utc_now(), PushedName("production", "test/late", "1")
    claim = UnresolvedPush("production", "test/late", "1", now, "late", claimed=NEW)
    site.storage.events.record("production", [claim], now)
    number = site.storage.events.last_event()
    for n in range(6):
        others = [site.push(f"test/other{n}:{k}", NEW, "ann") for k in range(2)]
        keep_matches(site.storage, {}, others, others[1], now)
    (opened,) = site.storage.claims.of([name])
    assert site.storage.claims.believe(opened, NEW, now)
    keep_matches(site.storage, {}, [number, site.push("test/other:9", NEW, "ann")], number, now)
    assert "no target was to be changed by it" in browser.get(f"/events/{number}").text


def test_commands_in_what_is_to_be_done_are_shown_as_such(browser: Browser) -> None:
    assert "<code>rollout 2</code> tells why" in browser.get("/").markup
    assert coded("see `a <b>`, or `c`") == "see <code>a &lt;b&gt;</code>, or <code>c</code>"
    assert coded("of `a` and <i> one ` alone") == "of `a` and &lt;i&gt; one ` alone"
