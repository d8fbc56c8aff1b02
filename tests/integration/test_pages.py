"""What pages say and what is done by them, as a browser asks for them."""

import html
import http.client
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest

from browser.filled import Served, fill, served
from integration.keeping import ONCE
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import SILENCE_ENDED
from registry_docker_updater.core.events.pushes import Unreadable
from registry_docker_updater.core.fleet.index import FleetChange
from registry_docker_updater.core.rollouts.lifecycle import RunEnd
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts import DUE
from registry_docker_updater.core.runs.results import TaskStart
from registry_docker_updater.http.access import Access, Right, Token
from registry_docker_updater.storage.actions import end_run, keep_matches
from registry_docker_updater.views.rollouts import ending, rollout, rollouts
from unit.builders import HOST, NEW, NEWER, OLD, container
from unit.builders import rollout as made_up

TOKEN = "0perate-s3cret"
MAIL = f"{HOST}/test/mail:1"


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

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def post(self, path: str, given: Mapping[str, str]) -> Answer:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, urlencode(given), **form)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as site:
        fill(site)
        site.access.change(Access((Token("ann", TOKEN, Right.OPERATE),)))
        yield site


@pytest.fixture
def browser(site: Served) -> Browser:
    return Browser(site)


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
    assert becomes["event6"].endswith("push no rollout")


def test_what_waits_is_shown_with_what_came_of_it_before(browser: Browser) -> None:
    waits = browser.get("/").text.partition("What waits")[2]
    assert "waits for its turn; before: failed" in waits
    assert "waits for its turn; before: unreachable" in waits


def test_the_first_page_is_not_filled_by_why_one_host_does_not_answer(browser: Browser, site: Served) -> None:
    site.see(docker09="w" * 1500)
    assert "w" * 301 not in browser.get("/").markup
    assert "w" * 1500 in browser.get("/hosts/docker09").markup


def test_each_of_several_pushes_that_nobody_runs_says_so(browser: Browser, site: Served) -> None:
    pushes = [site.push(f"test/other:{n}", NEW, "ann") for n in range(3)]
    keep_matches(site.storage, {}, pushes[:2], pushes[1], utc_now())
    for number in pushes[:2]:
        text = browser.get(f"/events/{number}").text
        assert "2 pushes that nobody runs" in text
        assert "no target was to be changed by it" in text
    text = browser.get(f"/events/{pushes[2]}").text
    assert "nobody runs" not in text
    assert "no target was to be changed by it" not in text


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


def test_the_worst_that_became_of_targets_of_a_large_rollout_is_shown_first(
    browser: Browser, site: Served
) -> None:
    outcomes = {f"far{n:03}": Outcome.UPDATED for n in range(250)}
    outcomes |= {"far010": Outcome.UNREACHABLE, "far020": Outcome.ROLLED_BACK, "far249": Outcome.FAILED}
    outcomes |= {"far040": Outcome.ROLLBACK_FAILED}
    number = said(site, outcomes)
    answer = browser.get(f"/rollouts/{number}")
    found = re.findall(r'class="then">on (far\d+)<', answer.markup)
    assert found[:5] == ["far040", "far249", "far020", "far010", "far000"]
    assert "1 to 100 of 250" in answer.text
    last = re.findall(r'class="then">on (far\d+)<', browser.get(f"/rollouts/{number}?page=3").markup)
    assert len({*last}) == 50
    assert last[-1] == "far248"


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


def test_what_has_just_ended_in_a_run_is_shown_though_nothing_of_it_is_kept(
    browser: Browser, site: Served
) -> None:
    (worker,) = [one for one in site.fleet.targets.values() if one.name == "worker"]
    site.progress.task(4, TaskStart("swarm-m1", "Pull the image"), utc_now())
    assert "Pull the image" in browser.get("/rollouts/4").text
    ended = TargetOutcome(
        worker.key, worker.kind, worker.name, worker.place, Outcome.FAILED, OLD, NEWER, "no space left"
    )
    site.progress.ended(4, ended, utc_now())
    shown = browser.get("/rollouts/4").text
    assert "no space left" in shown
    assert "Pull the image" not in shown
    assert NEWER[7:19] in shown


@pytest.mark.parametrize(
    ("outcomes", "ending"),
    [
        ([Outcome.UPDATED, Outcome.UNCHANGED], "ended well"),
        ([Outcome.UPDATED, Outcome.ROLLBACK_FAILED], "ended, not well"),
        ([Outcome.UPDATED, Outcome.UNREACHABLE], "ended, not well"),
        ([Outcome.SUPERSEDED], "nothing to do"),
        ([Outcome.SKIPPED], "nothing to do"),
    ],
)
def test_a_rollout_says_how_it_ended(site: Served, outcomes: list[Outcome], ending: str) -> None:
    said(site, {f"far{n}": one for n, one in enumerate(outcomes)})
    (row,) = rollouts(site.storage, 1)
    assert row["ending"] == ending


@pytest.mark.parametrize(
    ("state", "left_alone", "says"),
    [
        (RolloutState.FINISHED, 0, "ended well"),
        (RolloutState.FINISHED, 1, "ended, not well"),
        (RolloutState.WAITING, 0, None),
        (RolloutState.RUNNING, 0, None),
        (RolloutState.SUPERSEDED, 0, None),
    ],
)
def test_a_rollout_that_left_a_target_alone_did_not_end_well_and_one_that_goes_on_has_not_ended(
    state: RolloutState, left_alone: int, says: str | None
) -> None:
    assert ending(made_up(state), {Outcome.UPDATED: 3}, left_alone) == says
