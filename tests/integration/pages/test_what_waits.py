"""What waits by a rule or for a person, on the pages that show it, and what force breaks."""

import pytest

from browser.filled import HOSTS, Served
from integration.keeping import ANN
from integration.pages.browsing import Browser
from integration.waiting import look
from registry_docker_updater.activities.freezing import FreezeWish, freeze
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.policy.freezes import Scope
from unit.builders import HOST, NEW, container, labelled

IMAGE = f"{HOST}/team/slow:1"
TARGETS = (
    labelled(container("asked", "docker01", IMAGE), approval="required"),
    labelled(container("young", "docker02", IMAGE), minimum_age="9h"),
    labelled(container("seen", "docker03", IMAGE), monitor_only="true"),
    container("cold", "docker04", IMAGE),
    labelled(container("following", "docker04", f"{HOST}/team/other:latest"), follow="semver ^1.4"),
)
FROZEN = "is frozen by ann until somebody thaws it: end of year"


@pytest.fixture
def number(site: Served) -> int:
    """The number of a rollout of which each target waits for something else."""
    site.see(*TARGETS, docker01=None, docker02=None, docker03=None, docker04=None)
    freeze(site.storage, FreezeWish(Scope.HOST, "docker04", None, "end of year"), ANN, utc_now())
    push = site.push("team/slow:1", NEW, "carol")
    look(site.storage, HOSTS, utc_now())
    found = site.storage.rollouts.of_push(push)
    assert found
    return found.id


def test_the_page_of_a_rollout_says_of_each_target_why_it_waits_and_of_all_for_what(
    browser: Browser, number: int
) -> None:
    text = browser.get(f"/rollouts/{number}").text
    assert "What waits" in text
    for says in (
        "waits for approval by 1 person",
        FROZEN,
        "waits until the push is old enough",
        "is only watched",
    ):
        assert says in text
    assert "Nothing became of any target so far." in text
    assert "What waits" not in browser.get("/rollouts/2").text


def test_the_list_of_rollouts_and_the_first_page_say_what_waits(browser: Browser, number: int) -> None:
    text = browser.get("/rollouts?state=waiting").text
    assert f"rollout {number}" in text
    for word in ("approval", "frozen", "too young", "watched"):
        assert word in text
    assert "waits for approval by 1 person" in browser.get("/").text
    assert FROZEN in browser.get("/fleet?behind=yes&verdict=frozen").text


@pytest.mark.usefixtures("number")
def test_the_page_of_a_target_says_why_it_follows_no_tag(browser: Browser) -> None:
    assert (
        "it runs latest, which is no whole version"
        in browser.get("/targets/container/docker04/following").text
    )


def test_what_force_breaks_is_shown_before_it_is_done_and_is_done_only_as_it_was_shown(
    browser: Browser, site: Served, number: int
) -> None:
    asked = browser.get(f"/rollouts/{number}/retry")
    assert "It goes to 0 of 4 targets; 3 wait; 2 more at once only if it is forced." in asked.text
    assert f"force breaks it: it {FROZEN}" in asked.text
    freeze(site.storage, FreezeWish(Scope.HOST, "docker02", None, "moved"), ANN, utc_now())
    refused = browser.post(f"/rollouts/{number}/retry", {**asked.hidden, "force": "yes"})
    assert "What it means has changed since it was shown" in refused.text
    hidden = browser.get(f"/rollouts/{number}/retry").hidden
    browser.post(f"/rollouts/{number}/retry", {**hidden, "force": "yes"})
    push = site.storage.rollouts.get(number).push
    broken = {one.key: one.breaks for one in site.storage.overrides.breaches(push)}
    assert broken["container/docker04/cold"] == (FROZEN,)
    assert len(broken["container/docker02/young"]) == 2
