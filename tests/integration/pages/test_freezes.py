"""What is frozen, on every page, and freezing and thawing there."""

import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from browser.filled import Served
from integration.keeping import ANN
from integration.pages.browsing import Browser
from registry_docker_updater.activities.freezing import FreezeWish, freeze, thaw
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.policy.freezes import Scope
from registry_docker_updater.errors import StoreUnavailable
from registry_docker_updater.http.pages.topics import FLEET, NOW, ROLLOUT, TRAIL, Topics
from registry_docker_updater.storage.freezes import FreezeStore
from registry_docker_updater.views.trail import newest
from unit.builders import HOST, NEW, container

PAGES = (
    "/",
    "/fleet",
    "/rollouts",
    "/rollouts/2",
    "/events",
    "/messages",
    "/trail",
    "/silences",
    "/push",
    "/rollouts/999",
)
SAID = "Everything is frozen by ann until somebody thaws it: end of year"


def frozen(site: Served, scope: Scope = Scope.EVERYTHING, of: str = "") -> int:
    return freeze(site.storage, FreezeWish(scope, of, None, "end of year"), ANN, utc_now()).id


def banner(markup: str) -> str:
    (found,) = re.findall(r'(?s)<div id="frozen" data-live>(.*?)</div>', markup)
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_what_is_frozen_until_when_by_whom_and_why(
    browser: Browser, site: Served, path: str
) -> None:
    assert banner(browser.get(path).markup) == ""
    number = frozen(site)
    assert banner(browser.get(path).markup) == f"{SAID} Thaw it…"
    assert f'href="/freezes/{number}/end"' in browser.get(path).markup
    thaw(site.storage, number, ANN, utc_now())
    assert banner(browser.get(path).markup) == ""


def test_whoever_is_not_logged_in_is_not_told_what_is_frozen(browser: Browser, site: Served) -> None:
    frozen(site)
    assert "frozen by" not in browser.ask("GET", "/login", Cookie="").markup


def test_of_many_freezes_a_page_says_the_newest_and_where_all_are(browser: Browser, site: Served) -> None:
    for _ in range(7):
        frozen(site, Scope.HOST, "docker03")
    markup = browser.get("/fleet").markup
    assert banner(markup).count("is frozen by") == 5
    assert '<a href="/freezes">all 7 freezes</a>' in markup
    assert browser.get("/freezes").text.count("in force") == 7


def test_pages_that_are_open_are_told_when_a_freeze_begins_and_ends(site: Served) -> None:
    now = [utc_now()]
    topics = Topics(site.storage, lambda: 1, dict, lambda: now[0])
    for topic in (TRAIL, FLEET, NOW, f"{ROLLOUT}2"):
        before = topics.version(topic)
        wish = FreezeWish(Scope.EVERYTHING, "", now[0] + timedelta(seconds=1), "a moment")
        freeze(site.storage, wish, ANN, now[0])
        during = topics.version(topic)
        assert during != before
        now[0] += timedelta(seconds=1)
        assert topics.version(topic) != during


def test_a_freeze_begins_and_ends_when_that_is_confirmed(browser: Browser, site: Served) -> None:
    asked = {"what": "host:docker03", "until": "2999-12-01T06:00", "reason": "end of year"}
    confirm = browser.get(f"/freezes/new?{urlencode(asked)}")
    assert "Nothing is updated of host docker03 until 2999-12-01 06:00 UTC: end of year" in confirm.text
    assert '<a class="button" href="/freezes?what=host%3Adocker03">Leave it</a>' in confirm.markup
    assert site.storage.freezes.get(1) is None
    for _ in range(2):
        assert browser.post("/freezes/new", confirm.hidden).location == "/freezes"
    (one,) = site.storage.freezes.counting(utc_now())
    assert (one.scope, one.of, one.actor, str(one.until)) == (
        "host",
        "docker03",
        "ann",
        "2999-12-01 06:00:00+00:00",
    )
    end = browser.get("/freezes/1/end")
    assert "host docker03 is frozen by ann until 2999-12-01 06:00 UTC: end of year" in end.text
    assert site.storage.freezes.counting(utc_now())
    for _ in range(2):
        assert browser.post("/freezes/1/end", end.hidden).location == "/freezes"
    assert not site.storage.freezes.counting(utc_now())
    assert "thawed by ann" in browser.get("/freezes").text
    assert browser.get("/freezes/9/end").status == 404


def test_without_a_time_it_is_frozen_until_somebody_thaws_it(browser: Browser, site: Served) -> None:
    confirm = browser.get(f"/freezes/new?{urlencode({'what': 'everything', 'until': '', 'reason': 'x'})}")
    assert "Nothing is updated of everything until somebody thaws it: x" in confirm.text
    assert browser.post("/freezes/new", confirm.hidden).status == 303
    (one,) = site.storage.freezes.counting(utc_now())
    assert one.until is None


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"what": "docker77"}, 404),
        ({"reason": ""}, 422),
        ({"until": "soon"}, 422),
        ({"until": "2020-01-01T00:00"}, 422),
    ],
)
def test_a_freeze_that_cannot_be_is_not_shown_as_if_it_could(
    browser: Browser, changed: Mapping[str, str], status: int
) -> None:
    asked = {"what": "docker03", "until": "", "reason": "end of year", **changed}
    assert browser.get(f"/freezes/new?{urlencode(asked)}").status == status


def test_a_form_that_nobody_was_shown_freezes_nothing(browser: Browser, site: Served) -> None:
    given = {"what": "everything", "until": "nonsense", "reason": "x", "once": "1", "seen": "everything:"}
    assert browser.post("/freezes/new", given).status == 422
    assert browser.post("/freezes/new", {**given, "until": "", "seen": "host:docker03"}).status == 409
    assert not site.storage.freezes.counting(utc_now())


def test_metrics_count_what_is_frozen_by_what_it_is_of(browser: Browser, site: Served) -> None:
    frozen(site)
    for name in ("docker03", "docker04"):
        frozen(site, Scope.HOST, name)
    counted = dict(
        re.findall(r'registry_docker_updater_frozen\{scope="(\w+)"\} (\S+)', browser.get("/metrics").markup)
    )
    assert counted == {
        "everything": "1.0",
        "swarm": "0.0",
        "group": "0.0",
        "host": "2.0",
        "repository": "0.0",
    }


def test_a_page_is_there_where_it_cannot_be_read_what_is_frozen(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_store: FreezeStore, _now: object) -> None:
        raise StoreUnavailable("the disk is gone")

    monkeypatch.setattr(FreezeStore, "counting", fail)
    answer = browser.get("/push")
    assert (answer.status, banner(answer.markup)) == (200, "")


def test_what_is_frozen_waits_unless_that_is_forced_which_says_that_it_breaks_it(
    browser: Browser, site: Served
) -> None:
    image = f"{HOST}/team/cold:1"
    site.see(container("cold", "docker01", image), docker01=None)
    frozen(site)
    asked = browser.get(f"/push?image={image}@{NEW}")
    assert "It goes to 0 of 1 target; 1 waits; 1 more at once only if it is forced" in asked.text
    assert "which is broken in your name" in asked.text
    assert "waits is frozen by ann until somebody thaws it: end of year" in asked.text
    assert browser.post("/push", {**asked.hidden, "force": "yes"}).status == 303
    said = newest(site.storage, 1)[0][0]["says"]
    assert "although it is frozen by ann until somebody thaws it: end of year, on " in said
