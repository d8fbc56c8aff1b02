"""What the page about notifications tells those who write templates of their own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from integration.notification.rendering import TEMPLATES, bundle, in_json, render_text, samples, words

PAGE = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()


def _names(table: str) -> set[str]:
    """The names in the first column of the table with this heading."""
    (rows,) = re.findall(rf"^\| {re.escape(table)} \| is \|\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return {
        name
        for cell in re.findall(r"^\| ([^|]+) \|", rows, re.MULTILINE)
        for name in re.findall("`(.+?)`", cell)
    }


def test_every_variable_of_templates_is_in_its_table() -> None:
    said = words(bundle())
    # Numbers for the filter that fits messages in, which is where they are read.
    assert _names("in `message`") == set(said) - {"left_out"}
    assert _names("in each of `news`") == set(said["news"][0]) - {"left_out", "word"}


def test_every_template_is_named() -> None:
    for name in TEMPLATES:
        assert f"`{name}`" in PAGE


@pytest.mark.parametrize("topic", list(samples()))
def test_the_example_of_a_template_renders_every_sample(topic: str) -> None:
    (example,) = re.findall(r"```jinja\n(.*?)```", PAGE, re.DOTALL)
    text = render_text(example, words({**samples()[topic], "sent_for": None}))
    assert len(text.encode()) < 1_100
    assert text.strip().endswith(words(samples()[topic])["link"])


def test_the_example_of_a_webhook_has_every_key() -> None:
    (example,) = re.findall(r"### What a webhook gets.*?```json\n(.*?)```", PAGE, re.DOTALL)
    shown, event = json.loads(example), in_json("webhook", words(samples()["update failed"]))
    assert set(shown) == set(event)
    assert set(shown["data"]) == set(event["data"])
    (item,), (real,) = shown["data"]["items"], event["data"]["items"]
    assert set(item) == set(real)
    assert set(item["outcomes"][0]) == set(real["outcomes"][0])
