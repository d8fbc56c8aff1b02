"""The module that speaks through Apprise: what its services get, and what is said of those that did not take it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.modules import notification_apprise
from ansible_collections.registry.docker_updater.plugins.modules.notification_apprise import send

from integration.receivers import Webhook, free_port, webhook

TOKEN = "AbCdEfGhIjKlMnOpQrStUvWxYz"
HOSTILE = "{{ 1 + 1 }} \\n\\t :smile: <b>&lt; $(touch x)"


def options(*urls: str, **more: Any) -> dict[str, Any]:
    return {
        "urls": list(urls),
        "title": "Image updated",
        "text": HOSTILE,
        "level": "info",
        "timeout": 10,
        **more,
    }


@pytest.fixture
def peer() -> Iterator[Webhook]:
    with webhook("") as receiver:
        receiver.answer = '{"id": "1"}'
        yield receiver


def at(peer: Webhook) -> str:
    return peer.url.removeprefix("http://")


def test_services_get_the_message_in_their_own_form(peer: Webhook) -> None:
    """Apprise's JSON, ntfy (docs.ntfy.sh, "Publish as JSON"), Gotify (its API, "/message"), and Mattermost's incoming webhooks."""
    urls = [
        f"json://{at(peer)}/in/{TOKEN}",
        f"ntfy://{TOKEN}@{at(peer)}/updates",
        f"gotify://{at(peer)}/{TOKEN}?priority=high",
        f"mmost://{at(peer)}/{TOKEN}",
    ]
    assert send(options(*urls, level="failure")) == []

    got = dict(zip(peer.paths, zip(peer.messages, peer.headers, strict=True), strict=True))
    assert set(got) == {f"/in/{TOKEN}", "/", "/message", f"/hooks/{TOKEN}"}
    plain, _ = got[f"/in/{TOKEN}"]
    assert (plain["version"], plain["type"], plain["attachments"]) == ("1.0", "failure", [])
    assert (plain["title"], plain["message"]) == ("Image updated", HOSTILE)
    ntfy, _ = got["/"]
    assert (ntfy["topic"], ntfy["title"], ntfy["message"]) == ("updates", "Image updated", HOSTILE)
    gotify, headers = got["/message"]
    assert headers["X-Gotify-Key"] == TOKEN
    assert (gotify["title"], gotify["message"], gotify["priority"]) == ("Image updated", HOSTILE, 8)
    mattermost, _ = got[f"/hooks/{TOKEN}"]
    assert mattermost["text"].splitlines() == ["Image updated", HOSTILE]


def test_those_that_did_not_take_it_are_named_by_place_and_service_and_never_by_address(
    peer: Webhook,
) -> None:
    with webhook("") as busy:
        busy.status = 401
        problems = send(
            options(
                f"json://{at(peer)}/{TOKEN}",
                f"json://{at(busy)}/{TOKEN}",
                f"gotify://127.0.0.1:{free_port()}/{TOKEN}",
                f"nosuch://{TOKEN}",
                f"slack://{TOKEN}",
                f"file:///etc/{TOKEN}",
                TOKEN,
                f"!include {TOKEN}",
            )
        )
    assert problems == [
        "entry 2 (json): HTTP 401",
        "entry 3 (gotify): no connection",
        "entry 4 (nosuch): Apprise knows no such service",
        "entry 5 (slack): Apprise cannot read its address; look at how it writes those of this service",
        "entry 6 (file): file:// tells nobody elsewhere, and is not used",
        "entry 7: it is not of the form service://…",
        "entry 8: it is not of the form service://…",
    ]
    assert len(peer.bodies) == 1


def test_a_service_that_hangs_keeps_none_of_the_others_from_hearing(peer: Webhook) -> None:
    with webhook("") as mute:
        mute.manner = "mute"
        began = time.monotonic()
        problems = send(
            options(
                f"json://{at(mute)}/{TOKEN}", f"json://{at(mute)}/{TOKEN}", f"json://{at(peer)}/x", timeout=1
            )
        )
        assert time.monotonic() - began < 5
    assert problems == [f"entry {number} (json): it has not answered in time" for number in (1, 2)]
    assert len(peer.bodies) == 1


def test_a_service_that_sends_us_elsewhere_is_not_followed(peer: Webhook) -> None:
    with webhook("/elsewhere") as other:
        peer.status, peer.more = 307, {"Location": other.url}
        assert send(options(f"json://{at(peer)}/{TOKEN}")) == ["entry 1 (json): HTTP 307"]
        assert other.bodies == []


def test_without_the_package_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {}

    class Module:
        check_mode = False
        params = options("json://127.0.0.1/x")

        def exit_json(self, **result: Any) -> None:
            said.update(result)

    monkeypatch.setattr(notification_apprise, "apprise", None)
    monkeypatch.setattr(notification_apprise, "AnsibleModule", lambda **_: Module())
    notification_apprise.main()
    assert said["sent"] is False
    assert said["reason"].startswith(
        "the Python package apprise is not installed for the Python that runs Ansible"
    )
