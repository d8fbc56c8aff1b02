"""What people do on pages: who may, what is asked first, and what is in the trail afterwards."""

import http.client
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from browser.chromium import NAME
from browser.filled import HOSTS, LINK_KEY, Served
from integration.waiting import look
from registry_docker_updater.clock import utc_now
from registry_docker_updater.core.policy.links import signed_path
from registry_docker_updater.http.access import Access, Right, Token
from registry_docker_updater.views.trail import newest
from unit.builders import HOST, NEW, OLD, container, labelled

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
    assert (kept["httpOnly"], kept["sameSite"]) == (True, "Lax")
    page.get_by_role("button", name="log out").click()
    page.goto(guarded.url + "/events")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example.com/",
        "//evil.example.com/",
        "///evil.example.com/",
        "/\\evil.example.com",
        "javascript:alert(1)",
        "/\r\nSet-Cookie: x=y",
        "evil",
    ],
)
def test_nobody_is_led_elsewhere_after_the_login(guarded: Served, elsewhere: str) -> None:
    given = urlencode({"token": READS, "next": elsewhere})
    answer = post(guarded, "/login", given, {"Sec-Fetch-Site": "same-origin"})
    assert (answer.status, answer.getheader("Location")) == (303, "/")
    assert answer.getheader("Set-Cookie")


def test_whoever_asked_for_a_page_is_led_there_whatever_is_in_its_name(guarded: Served, page: Page) -> None:
    log_in(page, guarded, READS, "/hosts/a%3Fb%23c?x=1&y=%26")
    assert page.url == guarded.url + "/hosts/a%3Fb%23c?x=1&y=%26"


def test_the_login_and_what_is_done_work_by_plain_http_under_a_name(guarded: Served, page: Page) -> None:
    """Browsers say less of where a form comes from where a page is not of their own machine, and came without TLS."""
    by_name = f"http://{NAME}:{urlsplit(guarded.url).port}"
    page.goto(by_name + "/silences")
    page.get_by_label("Token").fill(OPERATES)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("header")).to_contain_text("ann")
    page.get_by_role("button", name="log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_session_ends_with_its_token(guarded: Served, page: Page) -> None:
    log_in(page, guarded, OPERATES)
    expect(page.locator("header")).to_contain_text("ann")
    guarded.access.change(Access((Token("ann", "another", Right.OPERATE),)))
    page.reload()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_rollout_is_run_again_once_it_was_seen_what_that_means(guarded: Served, page: Page) -> None:
    log_in(page, guarded, OPERATES, "/rollouts/2")
    page.get_by_role("link", name="Run again…").click()
    expect(page.locator("main")).to_contain_text(
        "It goes to 0 of 1 target; 1 more at once only if it is forced."
    )
    page.get_by_label("force").check()
    page.get_by_role("button", name="Run it again now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Rollout 2")
    expect(page.locator("#rollout")).to_contain_text("waiting")
    said = newest(guarded.storage, 1)[0][0]["says"]
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


def test_everything_is_frozen_which_every_page_says_and_thawed_from_any(guarded: Served, page: Page) -> None:
    log_in(page, guarded, OPERATES, "/freezes")
    expect(page.get_by_label("Everything, swarm, group, host or repository")).to_have_value("everything")
    page.get_by_label("Why").fill("end of <b>year")
    page.get_by_role("button", name="Freeze it…").click()
    expect(page.locator("main")).to_contain_text("Nothing is updated of everything until somebody thaws it")
    page.get_by_role("button", name="Freeze it now").click()
    page.goto(guarded.url + "/fleet")
    banner = page.get_by_role("alert").filter(has_text="is frozen")
    expect(banner).to_contain_text("Everything is frozen by ann until somebody thaws it: end of <b>year")
    assert Axe().run(page).response["violations"] == []
    banner.get_by_role("link", name="Thaw freeze 1").click()
    page.get_by_role("button", name="Thaw it now").click()
    expect(page.locator("tbody tr")).to_contain_text("thawed by ann")
    expect(banner).to_have_count(0)


def test_what_waits_is_approved_by_the_link_in_a_message_after_the_login(guarded: Served, page: Page) -> None:
    gated = labelled(container("gated", "docker01", f"{HOST}/team/gated:1"), approval="required")
    guarded.see(gated, docker01=None)
    push = guarded.push("team/gated:1", NEW, "carol")
    look(guarded.storage, HOSTS, utc_now())
    rollout = guarded.storage.rollouts.of_push(push)
    assert rollout
    link = guarded.url + signed_path(LINK_KEY, rollout.id, utc_now() + timedelta(hours=1))
    page.goto(link)
    expect(page.locator("main")).to_contain_text("waits for approval by 1 person")
    expect(page.get_by_role("button", name="Approve it now")).to_have_count(0)
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("link", name="Log in to approve or refuse…").click()
    page.get_by_label("Token").fill(OPERATES)
    page.get_by_role("button", name="Log in").click()
    assert page.url == link
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Approve it now").click()
    expect(page.locator("#approvals")).to_contain_text("approved")
    ((decision,),) = guarded.storage.decisions.of_pushes([push]).values()
    assert decision.person == "ann"
    assert decision.keys == {gated.key}


def test_who_may_read_sees_no_action_and_does_none(guarded: Served, page: Page) -> None:
    log_in(page, guarded, READS, "/rollouts/2")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Rollout 2")
    expect(page.get_by_role("link", name="Run again…")).to_have_count(0)
    page.goto(guarded.url + "/rollouts/2/retry")
    expect(page.get_by_role("heading", level=1)).to_have_text("Forbidden")
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    expect(page.get_by_role("link", name="Log in with another token")).to_be_visible()
    expect(page.locator("main")).to_contain_text("bob may read, and not operate")


def test_without_access_in_the_settings_nobody_does_anything(site: Served, page: Page) -> None:
    page.goto(site.url + "/rollouts/2")
    expect(page.get_by_role("link", name="Run again…")).to_have_count(0)
    page.goto(site.url + "/push")
    expect(page.locator("main")).to_contain_text("set listen.access.operate")
    # There is no token to log in with.
    expect(page.get_by_role("link", name="Log in")).to_have_count(0)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def post(site: Served, path: str, body: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
    return ask(site, "POST", path, body, {**FORM, **headers})


def ask(
    site: Served, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=20)
    connection.request(method, path, body, dict(headers or {}))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_a_program_with_a_wrong_token_is_refused_and_not_led_to_the_login(guarded: Served) -> None:
    assert ask(guarded, "GET", "/fleet", headers={"Authorization": "Bearer wrong"}).status == 401
    assert ask(guarded, "GET", "/fleet", headers={"Authorization": f"Bearer {READS}"}).status == 200
    assert ask(guarded, "GET", "/fleet").status == 303


def test_more_fields_than_any_form_has_are_none(guarded: Served, caplog: pytest.LogCaptureFixture) -> None:
    many = "&".join(f"a{n}=1" for n in range(200))
    assert ask(guarded, "GET", f"/login?{many}").status == 200
    assert post(guarded, "/login", many, {"Sec-Fetch-Site": "same-origin"}).status == 401
    assert "Traceback" not in caplog.text


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
    "path",
    [
        "/rollouts/2/retry",
        "/push",
        "/silences/new",
        "/silences/1/end",
        "/freezes/new",
        "/freezes/1/end",
        "/rollouts/2/approve",
        "/rollouts/2/refuse",
        "/login",
        "/logout",
    ],
)
def test_a_page_of_elsewhere_does_nothing_in_the_name_of_who_is_logged_in(
    guarded: Served, path: str, headers: dict[str, str]
) -> None:
    session = guarded.access.session(OPERATES)
    before = guarded.storage.trail.last_given()
    cookie = {"Cookie": f"registry_docker_updater={session}"}
    body = f"token={OPERATES}&image={HOST}/test/mail:1@{NEW}&what=docker03&hours=1&reason=x"
    answer = post(guarded, path, body, {**cookie, **headers})
    assert answer.status in (303, 403)
    assert not answer.getheader("Set-Cookie")
    assert guarded.storage.trail.last_given() == before


@pytest.mark.parametrize(("forwarded", "is_secure"), [("https", True), (None, False)])
def test_a_session_is_for_tls_only_where_that_is_served(
    guarded: Served, forwarded: str | None, is_secure: bool
) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", **({"X-Forwarded-Proto": forwarded} if forwarded else {})}
    answer = post(guarded, "/login", f"token={OPERATES}", headers)
    assert ("; Secure" in answer.getheader("Set-Cookie", "")) is is_secure
