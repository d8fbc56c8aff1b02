"""What waits for approval, on pages and by links in messages; and approving and refusing it there."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from browser.filled import HOSTS, LINK_KEY, Served
from integration.pages.browsing import Answer, Browser
from integration.waiting import look
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.core.policy.decisions import Decision
from registry_docker_updater.core.policy.links import signed_path
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.http.pages.asked import ROWS
from registry_docker_updater.storage import actions
from registry_docker_updater.views import approvals
from registry_docker_updater.views.pushes import cases
from unit.builders import HOST, NEW, NEWER, OLD, container, labelled

IMAGE = f"{HOST}/team/gated:1"
TARGETS = (
    labelled(
        container("gated", "docker01", IMAGE), approval="2", approvers="ann, o'neil, bob-*", four_eyes="true"
    ),
    labelled(
        container("gated", "docker02", IMAGE), approval="2", approvers="ann, o'neil, bob-*", four_eyes="true"
    ),
    labelled(container("gated", "docker03", IMAGE), approval="required", approval_deadline="3d"),
    container("gated", "docker04", IMAGE, digest=NEW),
)


@pytest.fixture
def number(site: Served) -> int:
    """The number of a rollout of a push by carol that waits for approval."""
    site.see(*TARGETS, docker01=None, docker02=None, docker03=None, docker04=None)
    push = site.push("team/gated:1", NEW, "carol")
    look(site.storage, HOSTS, utc_now())
    found = site.storage.rollouts.of_push(push)
    assert found
    return found.id


def decisions(site: Served, number: int) -> tuple[Decision, ...]:
    push = site.storage.rollouts.get(number).push
    return site.storage.decisions.of_pushes([push]).get(push, ())


def start_of(site: Served, number: int) -> Start:
    """The run of a rollout that the planner would begin now."""
    push = site.storage.rollouts.get(number).push
    (start,) = [one for one in look(site.storage, HOSTS, utc_now()).start if one.desired.push == push]
    return start


def link(number: int, lasts: timedelta = timedelta(days=1)) -> str:
    return signed_path(LINK_KEY, number, utc_now() + lasts)


def as_stranger(browser: Browser, method: str, path: str, body: str | None = None) -> Answer:
    return browser.ask(method, path, body, Cookie="", **{"Content-Type": "application/x-www-form-urlencoded"})


def test_the_page_of_a_rollout_says_who_has_approved_it_who_may_and_until_when(
    browser: Browser, number: int
) -> None:
    answer = browser.get(f"/rollouts/{number}")
    assert "waits for approval 0 of 2 ann, bob-*, o'neil not whoever pushed it" in answer.text
    assert "waits for approval 0 of 1 whoever may operate" in answer.text
    assert f'href="/rollouts/{number}/approve"' in answer.markup
    browser.post(f"/rollouts/{number}/approve", browser.get(f"/rollouts/{number}/approve").hidden)
    assert "waits for approval 1 of 2: ann" in browser.get(f"/rollouts/{number}").text
    assert "approved 1 of 1: ann" in browser.get(f"/rollouts/{number}").text


def test_a_rollout_that_waits_for_nobody_asks_for_no_approval(browser: Browser) -> None:
    assert "/rollouts/2/approve" not in browser.get("/rollouts/2").markup


def test_what_would_happen_is_shown_before_it_is_approved_once(
    browser: Browser, site: Served, number: int
) -> None:
    asked = browser.get(f"/rollouts/{number}/approve")
    assert "Pushed by carol" in asked.text
    assert (
        asked.text.count("waits for approval by 2 people, one of ann, bob-*, o'neil, not whoever pushed it")
        == 2
    )
    assert "is there" in asked.text
    assert decisions(site, number) == ()
    for _ in range(2):
        answer = browser.post(f"/rollouts/{number}/approve", {**asked.hidden, "reason": "looks good"})
        assert answer.location == f"/rollouts/{number}"
    (one,) = decisions(site, number)
    assert (one.person, one.is_approval, one.reason, len(one.keys)) == ("ann", True, "looks good", 3)


def test_a_refusal_needs_a_reason_and_is_shown_with_it(browser: Browser, site: Served, number: int) -> None:
    path = f"/rollouts/{number}/refuse"
    assert f'formaction="{path}"' in browser.get(f"/rollouts/{number}/approve").markup
    answer = browser.post(path, browser.get(path).hidden)
    assert (answer.status, "a refusal has a reason" in answer.text) == (422, True)
    assert decisions(site, number) == ()
    answer = browser.post(path, {**browser.get(path).hidden, "reason": "<b>not today</b>"})
    assert answer.location == f"/rollouts/{number}"
    assert "ann refused it: <b>not today</b>" in browser.get(f"/rollouts/{number}/approve").text
    assert decisions(site, number)[0].is_approval is False


def test_a_refusal_is_seen_after_the_rollout_has_ended_by_it_and_whoever_refused_approves_after_all(
    browser: Browser, site: Served, number: int
) -> None:
    path = f"/rollouts/{number}"
    asked = browser.get(f"{path}/approve").hidden
    browser.post(f"{path}/refuse", {**asked, "reason": "not today"})
    look(site.storage, HOSTS, utc_now())
    assert site.storage.rollouts.get(number).state is RolloutState.FINISHED
    shown = browser.get(path)
    assert "ann refused it: not today" in shown.text
    assert f'href="{path}/approve"' in shown.markup
    asked_again = browser.get(f"{path}/approve")
    assert "Approve it now" in asked_again.text
    assert browser.post(f"{path}/approve", asked_again.hidden).location == path
    assert [one.place for one in start_of(site, number).targets] == ["host docker03"]


def test_who_approved_is_seen_after_that_and_nothing_is_left_to_decide(
    browser: Browser, site: Served, number: int
) -> None:
    path = f"/rollouts/{number}"
    for person in ("bob-1", "o'neil"):
        keys = [one.key for one in TARGETS]
        actions.decide(site.storage, number, keys, Person(person, "x"), utc_now(), is_approval=True)
    actions.begin_run(site.storage, start_of(site, number), utc_now())
    shown = browser.get(path)
    assert "approved 2 of 2: bob-1, o'neil" in shown.text
    assert f'href="{path}/approve"' not in shown.markup


def test_what_somebody_else_decided_meanwhile_is_looked_at_again(
    browser: Browser, site: Served, number: int
) -> None:
    hidden = browser.get(f"/rollouts/{number}/approve").hidden
    site.push("team/gated:1", NEWER, "carol")
    answer = browser.post(f"/rollouts/{number}/approve", hidden)
    assert (answer.status, "after which came another" in answer.text) == (409, True)
    site.push("team/gated:1", OLD, "carol")
    assert browser.get(f"/rollouts/{number}/approve").status == 409
    assert decisions(site, number) == ()


def test_a_decision_that_changes_what_was_shown_is_shown_before_another(
    browser: Browser, site: Served, number: int
) -> None:
    first, second = (browser.get(f"/rollouts/{number}/approve").hidden for _ in range(2))
    assert browser.post(f"/rollouts/{number}/approve", first).status == 303
    answer = browser.post(f"/rollouts/{number}/refuse", {**second, "reason": "x"})
    assert (answer.status, "Look again" in answer.text) == (409, True)
    assert len(decisions(site, number)) == 1


def test_what_else_becomes_of_the_push_keeps_nobody_from_approving_what_they_saw(
    browser: Browser, site: Served, number: int
) -> None:
    hidden = browser.get(f"/rollouts/{number}/approve").hidden
    # It runs the digest by now, and two more are found that need nobody's approval.
    others = [replace(TARGETS[3], digests=frozenset([OLD])), container("free", "docker04", IMAGE)]
    site.see(*TARGETS[:3], *others, docker01=None, docker02=None, docker03=None, docker04=None)
    assert browser.post(f"/rollouts/{number}/approve", hidden).status == 303
    assert len(decisions(site, number)) == 1


def test_a_target_that_needs_approval_and_was_not_seen_is_shown_before_it_is_approved(
    browser: Browser, site: Served, number: int
) -> None:
    hidden = browser.get(f"/rollouts/{number}/approve").hidden
    new = labelled(container("new", "docker04", IMAGE), approval="required")
    site.see(*TARGETS, new, docker01=None, docker02=None, docker03=None, docker04=None)
    answer = browser.post(f"/rollouts/{number}/approve", hidden)
    assert (answer.status, "Look again" in answer.text) == (409, True)
    assert decisions(site, number) == ()


def test_of_many_targets_and_approvals_the_first_are_shown_and_how_many_more_there_are(
    browser: Browser, site: Served, number: int
) -> None:
    some = [
        labelled(container(f"a{one}", "docker01", IMAGE), approval="required", approvers=f"ann{one % 60}")
        for one in range(800)
    ]
    site.see(*some, docker01=None, docker02=None, docker03=None, docker04=None)
    answer = browser.get(f"/rollouts/{number}/approve")
    assert "And 12 more." in answer.text
    assert f"The first {ROWS} of 804" in answer.text
    assert " and 2 more" in answer.text


def test_a_word_on_a_large_fleet_has_its_targets_looked_up_once(
    browser: Browser, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = browser.get(f"/rollouts/{number}/approve").hidden
    looked_up = []

    def counted(*given: Any) -> Any:
        looked_up.append(given)
        return cases(*given)

    monkeypatch.setattr(approvals, "cases", counted)
    assert browser.post(f"/rollouts/{number}/approve", hidden).status == 303
    assert len(looked_up) == 1


@pytest.mark.parametrize("path", ["approve", "refuse"])
def test_a_form_of_another_page_or_without_the_right_decides_nothing(
    browser: Browser, site: Served, number: int, path: str
) -> None:
    hidden = browser.get(f"/rollouts/{number}/approve").hidden
    body = "&".join(f"{name}={value}" for name, value in {**hidden, "reason": "x"}.items())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    elsewhere: Any = {**form, "Sec-Fetch-Site": "cross-site"}
    assert browser.ask("POST", f"/rollouts/{number}/{path}", body, **elsewhere).status == 403
    answer = as_stranger(browser, "POST", f"/rollouts/{number}/{path}", body)
    assert (answer.status, (answer.location or "").startswith("/login")) == (303, True)
    assert decisions(site, number) == ()


def test_a_link_shows_what_would_happen_to_whoever_has_it_and_approves_nothing(
    browser: Browser, site: Served, number: int
) -> None:
    before = site.storage.trail.last_given()
    path = link(number)
    for method in ("GET", "HEAD", "GET"):
        answer = as_stranger(browser, method, path)
        assert answer.status == 200
    assert "Pushed by carol" in answer.text
    assert '<form method="post" action="/rollouts' not in answer.markup
    assert site.storage.trail.last_given() == before
    (login,) = re.findall(r'href="(/login\?next=[^"]+)"', answer.markup)
    assert login.startswith(f"/login?next=/approve/{number}%3Funtil%3D")
    assert as_stranger(browser, "POST", path, "").status in (404, 405)
    assert decisions(site, number) == ()


def test_whoever_may_operate_approves_where_the_link_leads(
    browser: Browser, site: Served, number: int
) -> None:
    asked = browser.get(link(number))
    assert browser.post(f"/rollouts/{number}/approve", asked.hidden).location == f"/rollouts/{number}"
    assert decisions(site, number)[0].person == "ann"


@pytest.mark.parametrize("changed", ["expired", "foreign", "another", "none"])
def test_a_link_that_is_not_good_shows_nothing(browser: Browser, number: int, changed: str) -> None:
    path = {
        "expired": link(number, -timedelta(seconds=1)),
        "foreign": signed_path(b"another key", number, utc_now() + timedelta(days=1)),
        "another": link(number + 1).replace(f"/{number + 1}?", f"/{number}?"),
        "none": f"/approve/{number}",
    }[changed]
    answer = as_stranger(browser, "GET", path)
    assert answer.status == 403
    assert ("this link has expired" in answer.text) == (changed == "expired")
    assert "gated" not in answer.markup


def test_what_a_link_shows_is_neither_kept_nor_listed_nor_told_to_others(
    browser: Browser, number: int
) -> None:
    headers = browser.headers(link(number))
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    # It tells nobody elsewhere; without one, forms would be said to come from nowhere.
    assert headers["Referrer-Policy"] == "same-origin"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
