"""What people see in a browser: every page, with names that are none, on a phone, in the dark, and by every sense."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from browser.filled import EVIL, Served
from unit.builders import HOST, NEW, container

pytestmark = pytest.mark.lab

PAGES = (
    "/",
    "/fleet",
    "/fleet?behind=yes&sort=name&order=down",
    "/hosts",
    "/hosts/docker03",
    "/swarms",
    "/rollouts",
    "/rollouts/3",
    "/rollouts/3/runs/update-1",
    "/rollouts/4",
    "/events",
    "/events/1",
    "/events/4",
    "/trail",
    "/search",
    "/search?text=shop",
    "/messages",
    "/silences",
    "/freezes",
    "/push",
    "/login",
    "/rollouts/99",
    "/nothing/here",
)


def violations(page: Page) -> list[str]:
    """What axe finds."""
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in Axe().run(page).response["violations"]
    ]


@pytest.mark.parametrize(
    "page",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"viewport": {"width": 360, "height": 740}, "color_scheme": "light"},
    ],
    indirect=True,
    ids=["light", "dark", "phone"],
)
def test_no_page_keeps_anybody_out(site: Served, page: Page) -> None:
    for path in (*PAGES, f"/targets/{next(iter(site.fleet.targets))}"):
        page.goto(site.url + path)
        assert (path, violations(page)) == (path, [])
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert (path, wide) == (path, False)


def test_axe_finds_what_is_wrong(site: Served, page: Page) -> None:
    """Its silence about our pages means something."""
    page.goto(site.url + "/fleet")
    page.evaluate("document.querySelector('label').replaceWith(document.createElement('input'))")
    assert any(one.startswith("label:") for one in violations(page))


def everything(site: Served) -> Iterator[str]:
    yield from PAGES
    yield from (f"/targets/{key}" for key in site.fleet.targets if "evil" in key)
    yield from ("/hosts/docker09", "/hosts/docker05", f"/fleet?text={EVIL.split('&')[0]}", "/events/4")


def test_names_from_outside_are_text_wherever_they_are_shown(site: Served, page: Page) -> None:
    shown = 0
    for path in everything(site):
        page.goto(site.url + path)
        assert page.title() != "owned"
        assert page.locator("main script, main img, main a[href^='javascript']").count() == 0
        text = page.locator("main").inner_text()
        assert not re.search("[\u202e\x1b]", text)
        shown += "onerror=" in text
    assert shown >= 8


def test_what_has_a_name_that_an_address_takes_for_a_path_is_reached_or_has_no_link(
    site: Served, page: Page
) -> None:
    names = ("a/b", "%2e%2e", "..%2f", "a?b#c", "\\..\\", "../x", "x/..", "a//b", "ü ", "..", ".")
    site.see(*(container("odd", on=name) for name in names), **dict.fromkeys(names))
    for number, name in enumerate(names):
        page.goto(f"{site.url}/fleet?text=odd&sort=key")
        page.locator("tbody tr", has=page.get_by_role("cell", name=f"host {name}", exact=True)).get_by_role(
            "link"
        ).click()
        expect(page.locator("dl.facts")).to_contain_text(f"container/{name}/odd")
        if name.strip("."):
            page.locator("#around").get_by_role("link", name=name.strip(), exact=True).click()
            expect(page.get_by_role("heading", level=1)).to_have_text(f"Host {name.strip()}")
        else:
            expect(page.locator("#around li")).to_contain_text(f"{name} answers")
            assert page.locator("#around li a").count() == 0, number


def test_the_fleet_says_what_is_behind_and_why(site: Served, page: Page) -> None:
    page.goto(site.url + "/fleet")
    page.get_by_label("only those behind").check()
    page.get_by_role("button", name="Filter").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(4)
    row = rows.filter(has_text="api")
    expect(row).to_contain_text("this digest was rolled back here before")
    row.get_by_role("link", name="api").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("service api")
    expect(page.locator("#around")).to_contain_text("not healthy after 60 s")
    page.get_by_role("link", name="rollout 2").first.click()
    expect(page.locator("#targets")).to_contain_text("rolled back")
    expect(page.get_by_role("img")).to_have_attribute("aria-label", re.compile("pulled 3.40 s"))


def test_a_list_is_sorted_and_filtered_by_its_address(site: Served, page: Page) -> None:
    page.goto(site.url + "/fleet?kind=container&text=shop")
    page.get_by_role("link", name="Place").click()
    assert "kind=container" in page.url
    names = page.locator("tbody td:nth-child(2)").all_inner_texts()
    assert names == sorted(names, reverse=True)
    assert len(names) == 8
    page.goto(site.url + "/fleet?kind=spaceship&page=x")
    expect(page.get_by_role("status").first).to_contain_text("Not understood, and left out: kind, page.")
    expect(page.locator("caption")).to_have_text("19 targets")


def test_a_search_finds_targets_hosts_rollouts_and_events_by_what_is_known_of_them(
    site: Served, page: Page
) -> None:
    page.goto(site.url + "/fleet")
    search = page.get_by_role("searchbox")
    search.fill("docker03")
    search.press("Enter")
    expect(page.get_by_role("heading", name="Search")).to_be_visible()
    expect(page.locator("section", has_text="Hosts")).to_contain_text("no route to host")
    for text, found in (
        (NEW[7:20], "rollout 1"),
        ("carol", "rollout 4"),
        (f"{HOST}/test/mail:1", "rollout 1"),
    ):
        page.goto(f"{site.url}/search?text={text}")
        expect(page.locator("section", has_text="Rollouts").last).to_contain_text(found)


def test_a_run_is_read_by_its_tasks_and_its_output_in_colour(site: Served, page: Page) -> None:
    page.goto(site.url + "/rollouts/3")
    page.get_by_role("link", name="update-1").click()
    expect(page.locator("tbody tr").first).to_contain_text("3 ok")
    output = page.get_by_role("region", name="Output of the run")
    expect(output.locator(".ansi32").first).to_contain_text("ok: [docker00]")
    expect(output).to_contain_text("fatal: [docker00]: FAILED!")


@pytest.mark.parametrize("page", [{"java_script_enabled": False}], indirect=True)
def test_pages_work_without_scripts(site: Served, page: Page) -> None:
    page.goto(site.url + "/rollouts")
    page.get_by_label("State").select_option("waiting")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    # It would take away what somebody types in.
    assert page.locator("noscript meta[http-equiv=refresh]").count() == 0
    for path in ("/", "/rollouts/4"):
        page.goto(site.url + path)
        assert page.locator("noscript meta[http-equiv=refresh]").count() == 1


def test_what_is_printed_says_when_and_has_nothing_to_click_on(site: Served, page: Page) -> None:
    page.goto(site.url + "/rollouts/3")
    page.emulate_media(media="print", color_scheme="dark")
    for gone in ("nav", ".actions", "form", ".skip"):
        assert not any(one.is_visible() for one in page.locator(gone).all())
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    after = "getComputedStyle(document.querySelector('#{} time'), '::after').content"
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    assert re.search(moment, page.evaluate(after.format("targets")))
    # What says it by itself does not say it twice.
    expect(page.locator("#rollout")).to_contain_text(re.compile(moment))
    assert page.evaluate(after.format("rollout")) == "none"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('section')).backgroundColor")
        == "rgb(255, 255, 255)"
    )


def test_the_keyboard_reaches_the_content_first(site: Served, page: Page) -> None:
    page.goto(site.url + "/fleet")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_swarm_is_shown_by_its_managers_with_how_its_services_stand(site: Served, page: Page) -> None:
    page.goto(site.url + "/fleet")
    page.get_by_role("link", name="swarms").click()
    row = page.locator("tbody tr")
    expect(row).to_contain_text("swarm-m1, swarm-m2")
    expect(row.locator(".number")).to_have_text(["2", "2"])


def test_the_first_page_says_what_is_wrong_what_runs_what_waits_and_who_does_not_answer(
    site: Served, page: Page
) -> None:
    page.goto(site.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Not everything is well")
    expect(page.locator("#troubles")).to_contain_text("rollout 2")
    expect(page.locator("#running")).to_contain_text("Pull the image")
    expect(page.locator("#waiting")).to_contain_text("test/shop:1")
    expect(page.locator("#around")).to_contain_text("no route to host")
    expect(page.locator("#around")).to_contain_text("production")


@pytest.mark.parametrize("number", ["-1", "0", "99", "9" * 19, "9" * 40])
def test_what_has_no_such_number_is_not_there(site: Served, page: Page, number: str) -> None:
    for path in (f"/rollouts/{number}", f"/events/{number}", f"/rollouts/{number}/runs/update-1"):
        answer = page.goto(site.url + path)
        assert answer
        assert answer.status == 404
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Not there|Not Found"))


@pytest.mark.parametrize(
    "page",
    [{"viewport": {"width": 360, "height": 740}}, {"viewport": {"width": 1280, "height": 900}}],
    indirect=True,
)
def test_the_trail_of_a_rollout_is_read_in_lines_not_in_letters(site: Served, page: Page) -> None:
    page.goto(site.url + "/rollouts/3")
    for name, least, of in (("What", 150, ""), ("When", 150, " > span")):
        cell = page.locator(f"#around td[data-name={name}]{of}").last
        box = cell.bounding_box()
        assert box
        assert box["width"] > least
        # A line is 22 pixels high: a moment takes at most two, what happened some more on a phone.
        assert box["height"] < (60 if name == "When" else 220)
    bars = page.locator("svg.stages").bounding_box()
    assert bars
    # Text in it is 12 units of 720 high.
    assert bars["width"] / 720 * 12 > 9


def test_a_large_fleet_is_read_page_by_page(site: Served, page: Page) -> None:
    """Of 200 hosts that were made up."""
    many = [
        container(f"app{n % 3}", on=f"far{n // 3:03}", image=f"{HOST}/team/app{n % 3}:1") for n in range(600)
    ]
    site.see(*many, **{name: None for one in many for name in one.hosts})
    page.goto(site.url + "/fleet?text=far")
    expect(page.locator("caption")).to_have_text("600 targets")
    seen: list[str] = []
    while True:
        seen += page.locator("tbody a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
        following = page.get_by_role("link", name="Next")
        if not following.count():
            break
        following.click()
    assert len(seen) == len(set(seen)) == 600
    assert "page=6" in page.url
    expect(page.get_by_label("More of this list")).to_contain_text("501 to 600 of 600")
    page.get_by_role("link", name="Previous").click()
    expect(page.get_by_label("More of this list")).to_contain_text("401 to 500 of 600")
    page.goto(site.url + "/hosts?text=far1&sort=asked&order=down")
    expect(page.locator("caption")).to_have_text("100 hosts")
