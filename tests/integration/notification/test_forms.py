"""Every channel's message is in the form that its vendor publishes, whatever it tells of and however much."""

from __future__ import annotations

import copy
import html.parser
import json
import re
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from integration.notification.rendering import LINK, bundle, in_json, rendered, samples, words
from integration.notification.validating import (
    NotValid,
    texts_of,
    validate_cloudevent,
    validate_slack,
    validate_teams,
)

pytestmark = pytest.mark.slow

OLD, NEW = "sha256:" + "0a" * 32, "sha256:" + "1b" * 32
EVERY_SAMPLE = [*samples().values(), bundle()]

HOSTILE = (
    "{{ lookup('pipe', 'touch trap') }}{% for x in [1] %}FOUND{% endfor %}",
    'quote" and \\" and \'',
    "line\nBcc: thief@example.com\r\nX-Evil: 1\n\n<p>body",
    "<!channel> <@U1> & <https://evil.example|click> @everyone",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[click](https://evil.example) **bold** _it_ `code` | <at>all</at>",
    "\x00\x1b[31mred \u202egnp.exe\u2028next\u200b\ud800\U000e0041",
    "&" * 10_000,
    "\U0001f6a2" * 3_000,
    "\\" * 10_000,
    '"' * 10_000,
    "word " * 2_000,
)


def outcome(name: str, became: str = "updated", **more: Any) -> dict[str, Any]:
    return {
        "kind": "container",
        "name": name,
        "where": f"host {name}",
        "swarm": None,
        "outcome": became,
        "was": None,
        "before": {"digest": OLD},
        "after": {"digest": NEW if became == "updated" else OLD},
        "message": None,
        "log": [],
        **more,
    }


def rollout(number: int, *outcomes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**samples()["image updated"]["items"][0], "id": number, "outcomes": list(outcomes), **more}


def message(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "m1", "receiver": "default", "sent_for": None, "items": list(items), **more}


class _Page(html.parser.HTMLParser):
    """The elements and addresses of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        for name, value in attrs:
            assert name in ("lang", "charset", "name", "content", "class", "style", "role", "href"), name
            if name == "href":
                self.addresses.add(str(value))


def check(message: dict[str, Any]) -> None:
    """Every channel's message has its form and limits, mentions nobody, and links to the operator only."""
    said = words(message)
    slack, teams, event = (in_json(channel, said) for channel in ("slack", "teams", "webhook"))
    validate_slack(slack)
    validate_teams(teams)
    validate_cloudevent(event)
    assert len(json.dumps(event)) <= 250_000

    assert slack["mrkdwn"] is False
    for text in texts_of(slack, "mrkdwn"):
        assert re.fullmatch(rf"<{LINK}/[\w./~-]*\|Show (it|more|the rollout)>", text)
    for text in (slack["text"], *texts_of(slack["blocks"], "plain_text")):
        assert not re.search("[<>]", text)
    card = teams["attachments"][0]["content"]
    assert set(texts_of(card)) == set(texts_of(card, "TextRun")), "only TextRun knows no Markdown"
    assert {
        url for url in re.findall(r'"url": "([^"]*)"', json.dumps(card)) if not url.startswith(LINK)
    } == set()

    page = rendered("email.html.j2", said)
    assert len(page.encode()) <= 100_000
    found = _Page(page)
    assert found.names <= {
        *("html", "head", "meta", "title", "style", "body", "div", "h1", "h2", "table", "tr", "td", "p", "a"),
        *("pre", "span"),
    }
    assert all(address.startswith(LINK + "/") for address in found.addresses)

    subject = rendered("email.subject.txt.j2", said)
    assert subject.count("\n") == 1
    assert len(subject.strip().encode()) <= 200
    short = rendered("apprise.txt.j2", said)
    assert len(short) <= 2000
    assert not re.search(r"[@<>`]|\]\(", short + rendered("apprise.title.txt.j2", said))

    everything = [*texts_of(slack), *texts_of(card), page, subject, short, rendered("email.txt.j2", said)]
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff\U000e0041]", "".join(everything)
    )


@pytest.mark.parametrize("news", EVERY_SAMPLE, ids=lambda news: str(news["id"]))
def test_every_sample_is_told_in_the_form_of_every_channel(news: dict[str, Any]) -> None:
    check(news)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: str(text[:12].encode("ascii", "replace")))
def test_a_hostile_text_in_every_field_changes_no_form(text: str) -> None:
    """Wherever it stands, and where it stands everywhere at once."""
    check(everywhere(bundle(), text))
    for sample in samples().values():
        check(everywhere(sample, text))


def everywhere(node: Any, text: str, key: str = "") -> Any:
    if isinstance(node, dict):
        return {name: everywhere(inner, text, name) for name, inner in node.items()}
    if isinstance(node, list):
        return [everywhere(inner, text, key) for inner in node]
    return node if key in ("sent_for", "outcome", "topic") or isinstance(node, bool) else text


_TEXTS = some.one_of(
    some.sampled_from(HOSTILE),
    some.text(max_size=60),
    some.text(alphabet="&<>\"'\\|@`[]() \n\x1b", max_size=4_000),
    some.none(),
    some.integers(),
    some.lists(some.integers(), max_size=2),
)
_PARTS = [*samples()["update failed"]["items"][0]["outcomes"]]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # Messages are large: what fails is shown as it was found.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(some.data())
def test_no_text_in_any_field_breaks_a_form_or_passes_a_limit(data: some.DataObject) -> None:
    news = copy.deepcopy(data.draw(some.sampled_from(EVERY_SAMPLE)))
    news["sent_for"] = data.draw(some.sampled_from((None, "digest", "bundle", "test")))
    for item in news["items"]:
        for name in data.draw(some.sets(some.sampled_from(sorted(set(item) - {"outcomes"})), max_size=6)):
            item[name] = data.draw(_TEXTS)
        if "outcomes" in item:
            one = dict(data.draw(some.sampled_from(_PARTS)))
            for name in data.draw(some.sets(some.sampled_from(sorted(one)), max_size=6)):
                one[name] = data.draw(_TEXTS)
            copies = data.draw(some.integers(0, 40))
            item["outcomes"] += [
                {**one, "name": f"{number} {one['name']}", "log": [one["name"]] * 6}
                for number in range(copies)
            ]
    news["items"] *= data.draw(some.integers(1, 12))

    check(news)


@pytest.mark.parametrize("targets", [1, 3, 400])
@pytest.mark.parametrize("items", [1, 8, 9, 300])
@pytest.mark.parametrize("size", [0, 30, 500])
def test_messages_that_fill_a_channel_pass_no_limit(targets: int, items: int, size: int) -> None:
    """Many short lines, few long ones, and what lies between."""
    outcomes = [
        outcome(f"{number}" + "x" * size, "failed", where=None, message="m" * size, log=["l" * size] * 5)
        if size
        else {"name": f"{number}", "outcome": "failed"}
        for number in range(targets)
    ]
    short = {"image": "a:1", "topic": "update failed", "outcomes": outcomes}
    news = [rollout(7, *outcomes) if size else dict(short, id=7) for _ in range(items)]

    check(message(*news))


def test_ten_thousand_targets_are_told_in_seconds_and_all_are_counted() -> None:
    long = 'quote " and \\ and & and <tag> and 🚢 ' * 40
    news = message(
        rollout(
            1,
            *(outcome(f"good{number}") for number in range(9_970)),
            *(
                outcome(f"bad{number}-{long}", "failed", message='"\\&<>' * 400, log=[long] * 9)
                for number in range(30)
            ),
            topic="update failed",
            actor=long,
            image="registry.example.com/" + long,
        )
    )

    begun = time.monotonic()
    check(news)
    assert time.monotonic() - begun < 10

    said = words(news)
    for text in (
        "\n".join(texts_of(in_json("slack", said))),
        "\n".join(texts_of(in_json("teams", said))),
        rendered("email.txt.j2", said),
        rendered("email.html.j2", said),
    ):
        listed = len(re.findall("container bad[0-9]+-", text)) + len(
            re.findall(r"container good\d+ on host", text)
        )
        assert listed
        (left,) = re.findall(r"and (\d+) more: ", text)
        assert listed + int(left) == 10_000
        assert "30 failed, 9970 updated" in text


def test_three_hundred_rollouts_are_one_message_of_which_the_worst_are_named() -> None:
    news = message(
        *(rollout(number, outcome("web")) for number in range(290)),
        *(rollout(900 + number, outcome("api", "failed"), topic="update failed") for number in range(10)),
        sent_for="bundle",
    )

    check(news)

    slack = in_json("slack", words(news))
    assert slack["blocks"][0]["text"]["text"] == "300 rollouts: 10 failed, 290 updated"
    text = "\n".join(texts_of(slack))
    listed = re.findall(r"^(.) (?:Update failed|Image updated): registry", text, re.MULTILINE)
    assert listed[:10] == ["✗"] * 10
    assert re.findall(r"^and (\d+) more: .* updated$", slack["blocks"][-2]["text"]["text"]) == [
        str(300 - len(listed))
    ]
    data = in_json("webhook", words(news))["data"]
    assert (len(data["items"]), data["items_total"]) == (300, 300)


def test_a_program_is_told_the_first_thousand_outcomes_worst_first_and_how_many_there_are() -> None:
    news = message(
        rollout(1, *(outcome("x" * (number % 9)) for number in range(2_000)), outcome("api", "failed"))
    )
    (item,) = in_json("webhook", words(news))["data"]["items"]
    assert item["outcomes"][0]["outcome"] == "failed"
    assert 500 < len(item["outcomes"]) <= 1000
    assert item["outcomes_total"] == 2001


def test_the_validators_refuse_what_the_vendors_refuse() -> None:
    slack, teams, event = (in_json(channel, words(bundle())) for channel in ("slack", "teams", "webhook"))
    header = slack["blocks"][0]
    long = {"type": "section", "text": {"type": "plain_text", "text": "x" * 2999}}
    for wrong in (
        {**slack, "blocks": [header] * 51},
        {**slack, "blocks": []},
        {**slack, "blocks": [{**header, "colour": "red"}]},
        {**slack, "blocks": [{"type": "heading", "text": "x"}]},
        {**slack, "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
        {**slack, "blocks": [long] * 4},
        {**slack, "text": "R&D"},
        {**slack, "channel": "x"},
    ):
        with pytest.raises(NotValid):
            validate_slack(wrong)
    (head, *_) = body = teams["attachments"][0]["content"]["body"]
    run = {**head["inlines"][0], "weight": "Heavy"}
    changes: tuple[dict[str, Any], ...] = (
        {"body": [*body, {"type": "TextRun", "text": "x"}]},
        {"body": [{**head, "inlines": [run]}]},
        {"body": body * 20},
        {"version": "1.9"},
        {"msteams": {"entities": []}},
    )
    for changed in changes:
        wrong = copy.deepcopy(teams)
        wrong["attachments"][0]["content"].update(changed)
        with pytest.raises(NotValid):
            validate_teams(wrong)
    for name, value in (("id", ""), ("source", None), ("specversion", "0.3"), ("Bad_Name", 1)):
        with pytest.raises(NotValid):
            validate_cloudevent({**event, name: value})
