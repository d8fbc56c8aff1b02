"""The page of who is told of what, and what became of it."""

from browser.filled import Served
from integration.pages.browsing import Browser
from registry_docker_updater.views.messages import messages


def test_the_page_of_messages_says_who_is_told_of_what_when_and_by_which_channels(browser: Browser) -> None:
    text = browser.get("/messages").text
    assert "repository prod/*, swarm swarm-m1" in text
    assert "quiet 22:00 to 07:00 Europe/Berlin, but for update failed" in text
    assert "a digest of image updated at 08:00 Europe/Berlin" in text
    assert "failed: HTTP 503" in text
    assert "by email, slack" in text


def test_each_message_leads_to_the_rollouts_of_which_it_tells(browser: Browser, site: Served) -> None:
    newest = messages(site.storage, 1)[0]
    (rollout,) = site.storage.notifications.rollouts_of([newest["id"]])[newest["id"]]
    page = browser.get("/messages")
    assert f'href="/rollouts/{rollout}"' in page.markup
    assert f"to {newest['receiver']}" in browser.get(f"/rollouts/{rollout}").text


def test_messages_are_listed_in_pages_the_newest_first(browser: Browser, site: Served) -> None:
    every = [one["id"] for one in messages(site.storage, 1000)]
    assert every == sorted(every, reverse=True)
    assert [one["id"] for one in messages(site.storage, 2, every[1])] == every[2:4]
    assert "Nobody was told of anything" in browser.get(f"/messages?before={every[-1]}").text
