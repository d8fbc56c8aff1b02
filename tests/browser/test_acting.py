"""What people do on pages: who may, what is asked first, and what is in the trail afterwards."""

import http.client
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from browser.filled import Served
from registry_docker_updater.http.access import Access, Right, Token
from registry_docker_updater.views.trail import newest
from unit.builders import HOST, NEW, OLD

pytestmark = pytest.mark.lab

OPERATES, READS = "0perate-s3cret", "re4d-s3cret"
ACCESS = Access((Token("ann", OPERATES, Right.OPERATE), Token("bob", READS, Right.READ)))


@pytest.fixture
def guarded(site: Served) -> Served:
    site.access.change(ACCESS)
    return site


def log_in(page: Page, site: Served, token: str, path: str = "/rollouts") -> None:
    page.goto(site.url + path)
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()


def test_whoever_is_not_known_is_asked_for_a_token_and_led_back(
    guarded: Served, page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    page.goto(guarded.url + "/events?kind=unreadable")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(0)
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("That is no token of listen.access.")
    assert "401 for POST '/login' from 127.0.0.1: no token of listen.access" in caplog.text
    page.get_by_label("Token").fill(READS)
    page.get_by_role("button", name="Log in").click()
    assert page.url == guarded.url + "/events?kind=unreadable"
    expect(page.locator("header")).to_contain_text("bob")
    (kept,) = page.context.cookies()
    assert READS not in kept["value"]
    assert (kept["httpOnly"], kept["sameSite"]) == (True, "Strict")
    page.get_by_role("button", name="log out").click()
    page.goto(guarded.url + "/events")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example.com/",
        "//evil.example.com/",
        "/\\evil.example.com",
        "javascript:alert(1)",
    ],
)
def test_nobody_is_led_elsewhere_after_the_login(guarded: Served, page: Page, elsewhere: str) -> None:
    page.goto(f"{guarded.url}/login?next={elsewhere}")
    page.get_by_label("Token").fill(READS)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("header")).to_contain_text("bob")
    assert page.url == guarded.url + "/"


def test_a_session_ends_with_its_token(guarded: Served, page: Page) -> None:
    log_in(page, guarded, OPERATES)
    expect(page.locator("header")).to_contain_text("ann")
    guarded.access.change(Access((Token("ann", "another", Right.OPERATE),)))
    page.reload()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_rollout_is_run_again_once_it_was_seen_what_that_means(guarded: Served, page: Page) -> None:
    log_in(page, guarded, OPERATES, "/rollouts/2")
    page.get_by_role("link", name="Run again…").click()
    expect(page.locator("main")).to_contain_text("It goes to 0 of 1 target; 1 more only if it is forced.")
    page.get_by_label("force").check()
    page.get_by_role("button", name="Run it again now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Rollout 2")
    expect(page.locator("#rollout")).to_contain_text("waiting")
    said = newest(guarded.storage, 1)[0]["says"]
    assert "ann" in said
    assert "HTTP from 127.0.0.1" in said
    (override,) = guarded.storage.overrides.open()
    assert override.push == 2


def test_a_push_by_hand_is_shown_before_it_is_made(guarded: Served, page: Page) -> None:
    log_in(page, guarded, OPERATES, "/push")
    page.get_by_label("Image, with tag and digest").fill(f"{HOST}/test/mail:1@{OLD}")
    page.get_by_role("button", name="See what it would mean").click()
    expect(page.locator("main")).to_contain_text("It goes to 8 of 8 targets")
    pushed = guarded.storage.events.last_event()
    page.get_by_role("button", name="Push it now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Event {pushed + 1}: test/mail:1")
    expect(page.locator("#event")).to_contain_text("ann (by hand)")


def test_a_push_that_cannot_be_meant_says_why(guarded: Served, page: Page) -> None:
    log_in(page, guarded, OPERATES, "/push?image=elsewhere.example.com/app:1")
    expect(page.locator("main")).to_contain_text("elsewhere.example.com is no registry of the settings")


def test_a_trouble_is_silenced_and_heard_of_again(guarded: Served, page: Page) -> None:
    log_in(page, guarded, OPERATES, "/hosts/docker03")
    page.get_by_role("link", name="Silence…").click()
    expect(page.get_by_label("Host, target, registry or image")).to_have_value("host:docker03")
    page.get_by_label("Why").fill("it gets a new disk <b>")
    page.get_by_role("button", name="Silence it…").click()
    expect(page.locator("main")).to_contain_text("Nobody is called for host docker03 for 4 hours")
    page.get_by_role("button", name="Silence it now").click()
    row = page.locator("tbody tr")
    expect(row).to_contain_text("it gets a new disk <b>")
    expect(row).to_contain_text("ann")
    row.get_by_role("link", name="End the silence of host docker03").click()
    page.get_by_role("button", name="End it now").click()
    expect(row).to_contain_text("ended by ann")


def test_who_may_read_sees_no_action_and_does_none(guarded: Served, page: Page) -> None:
    log_in(page, guarded, READS, "/rollouts/2")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Rollout 2")
    expect(page.get_by_role("link", name="Run again…")).to_have_count(0)
    page.goto(guarded.url + "/rollouts/2/retry")
    expect(page.get_by_role("heading", level=1)).to_have_text("Forbidden")
    expect(page.locator("main")).to_contain_text("bob may read, and not operate")


def test_without_access_in_the_settings_nobody_does_anything(site: Served, page: Page) -> None:
    page.goto(site.url + "/rollouts/2")
    expect(page.get_by_role("link", name="Run again…")).to_have_count(0)
    page.goto(site.url + "/push")
    expect(page.locator("main")).to_contain_text("set listen.access.operate")


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example.com"},
        {"Origin": "null"},
        {},
    ],
)
@pytest.mark.parametrize(
    "path", ["/rollouts/2/retry", "/push", "/silences/new", "/silences/1/end", "/login", "/logout"]
)
def test_a_page_of_elsewhere_does_nothing_in_the_name_of_who_is_logged_in(
    guarded: Served, path: str, headers: dict[str, str]
) -> None:
    session = guarded.access.session(OPERATES)
    before = guarded.storage.trail.last_given()
    cookie = {"Cookie": f"registry_docker_updater={session}"}
    body = f"token={OPERATES}&image={HOST}/test/mail:1@{NEW}&what=docker03&hours=1&reason=x"
    connection = http.client.HTTPConnection(urlsplit(guarded.url).netloc, timeout=20)
    connection.request("POST", path, body, {**FORM, **cookie, **headers})
    answer = connection.getresponse()
    assert answer.status in (303, 403)
    assert not answer.getheader("Set-Cookie")
    assert guarded.storage.trail.last_given() == before
    connection.close()


@pytest.mark.parametrize(("forwarded", "is_secure"), [("https", True), (None, False)])
def test_a_session_is_for_tls_only_where_that_is_served(
    guarded: Served, forwarded: str | None, is_secure: bool
) -> None:
    headers = {**FORM, "Sec-Fetch-Site": "same-origin"}
    if forwarded:
        headers["X-Forwarded-Proto"] = forwarded
    connection = http.client.HTTPConnection(urlsplit(guarded.url).netloc, timeout=20)
    connection.request("POST", "/login", f"token={OPERATES}", headers)
    answer = connection.getresponse()
    assert ("; Secure" in answer.getheader("Set-Cookie", "")) is is_secure
    connection.close()
