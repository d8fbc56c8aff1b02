"""An operator tells teams on real channels, of an inventory's, and none is ever in its way."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.conftest import Running, Site, until
from integration.notification.validating import validate_cloudevent, validate_slack, validate_teams
from integration.receivers import Webhook, free_port, webhook
from integration.test_operator import event, scanned
from integration.test_rules_of_owners import label
from unit.builders import HOST

pytestmark = pytest.mark.slow
IMAGES = (f"{HOST}/test/app:1", f"{HOST}/test/other:1")


def receiver(stack: ExitStack, path: str) -> Webhook:
    return stack.enter_context(webhook(path))


def set_up(site: Site, settings: dict[str, Any], **variables: Any) -> None:
    site.add_host("solo", *IMAGES)
    folder = site.folder / "group_vars"
    folder.mkdir()
    (folder / "all.yml").write_text(yaml.safe_dump(variables))
    given = yaml.safe_load(site.config.read_text())
    given["notifications"] = {"retry": {"first": "1s", "longest": "1s"}, **settings}
    site.config.write_text(yaml.safe_dump(given))


def push(operator: Running, repository: str, number: int) -> None:
    sent = json.loads(event(digest=f"sha256:{number:064x}", number=number))
    sent["events"][0]["target"]["repository"] = repository
    assert operator.ask("POST", "/events/production", json.dumps(sent).encode())[0] == 202


def ended(operator: Running, count: int) -> bool:
    rows = operator.get("/api/rollouts")
    return len(rows) == count and all(row["state"] == "finished" for row in rows)


def test_each_team_is_told_of_its_own_repositories_on_its_own_channels(site: Site, stack: ExitStack) -> None:
    slack, teams, hook = receiver(stack, "/slack/x"), receiver(stack, "/teams/x"), receiver(stack, "/hook")
    set_up(
        site,
        {
            "receivers": {
                "default": {"gets": "the rest"},
                "app": {"gets": [{"repositories": ["test/app"]}]},
            }
        },
        notification_slack_webhook_url=slack.url,
        notification_link="https://updater.example.com",
        notification_receivers={"app": {"teams_webhook_url": teams.url, "webhook_url": hook.url}},
    )
    with site.operator() as operator:
        scanned(operator)
        push(operator, "test/app", 1)
        until(lambda: hook.bodies)
        until(lambda: ended(operator, 1))
        assert slack.bodies == []
        push(operator, "test/other", 2)
        until(lambda: slack.bodies)
        until(lambda: ended(operator, 2))
    (card,), (told_by_hook,), (blocks,) = teams.messages, hook.messages, slack.messages
    validate_teams(card)
    validate_cloudevent(told_by_hook)
    validate_slack(blocks)
    assert "test/app:1" in json.dumps(card)
    assert "test/other:1" in json.dumps(blocks)
    assert told_by_hook["data"]["link"] == "https://updater.example.com/rollouts/1"
    for secret in (slack.url, teams.url, hook.url):
        assert not [
            path for path in (site.state / "runs").rglob("*") if path.is_file() and secret in _text(path)
        ]
        assert secret not in operator.log.read_text()


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


@pytest.mark.extended
def test_a_channel_that_hangs_keeps_no_update_waiting_and_no_other_channel_from_being_told(
    site: Site, stack: ExitStack
) -> None:
    hangs, hook = receiver(stack, "/slack/x"), receiver(stack, "/hook")
    hangs.manner = "mute"
    set_up(site, {}, notification_slack_webhook_url=hangs.url, notification_webhook_url=hook.url)
    with site.operator() as operator:
        scanned(operator)
        push(operator, "test/app", 1)
        until(lambda: hangs.bodies)
        push(operator, "test/other", 2)
        until(lambda: ended(operator, 2))
        assert len(hangs.bodies) == 1, "the second update ended while the first message hung"
        until(lambda: len(hook.bodies) >= 2, seconds=90)
        hangs.closing.set()
        hangs.manner = "prompt"
        until(lambda: not operator.get("/api/v1/rollouts/2")["message"]["due_at"], seconds=90)
        assert operator.get("/api/v1/rollouts/2")["message"]["state"] in ("sent", "overtaken")


def test_a_message_that_nobody_took_is_sent_after_a_restart_and_all_see_what_was_wrong(
    site: Site, stack: ExitStack
) -> None:
    port = free_port()
    set_up(site, {}, notification_webhook_url=f"http://127.0.0.1:{port}/hook")
    with site.operator() as operator:
        scanned(operator)
        push(operator, "test/app", 1)
        row = until(
            lambda: [one for one in operator.get("/api/v1/messages")["items"] if one["failing_since"]]
        )
        assert "webhook" in row[0]["error"]
        (default,) = operator.get("/api/v1/receivers")["items"]
        assert [(one["name"], one["is_working"]) for one in default["channels"]] == [("webhook", False)]
        assert operator.get("/api/v1/status")["troubles"][-1]["kind"] in ("team_not_told", "behind")
    hook = receiver(stack, "/hook")
    variables = site.folder / "group_vars" / "all.yml"
    variables.write_text(yaml.safe_dump({"notification_webhook_url": hook.url}))
    with site.operator() as operator:
        until(lambda: hook.bodies, seconds=60)
        until(lambda: operator.get("/api/v1/messages")["items"][0]["state"] == "sent")


def test_without_a_channel_a_rollout_says_that_nobody_was_told_and_why(site: Site) -> None:
    set_up(site, {}, notification_slack_webhok_url="https://hooks.example.com/x")
    with site.operator() as operator:
        scanned(operator)
        push(operator, "test/app", 1)
        message = until(lambda: operator.get("/api/v1/rollouts")["items"] and _said(operator))
    assert message["state"] == "nobody told"
    assert "no channel is set" in message["error"]


def _said(operator: Running) -> dict[str, Any] | None:
    message: dict[str, Any] | None = operator.get("/api/v1/rollouts/1")["message"]
    return message if message and message["state"] != "due" else None


def test_that_a_push_waits_for_approval_is_told_and_nothing_is_updated(site: Site, stack: ExitStack) -> None:
    hook = receiver(stack, "/hook")
    set_up(site, {}, notification_webhook_url=hook.url, notification_link="https://updater.example.com")
    label(site, "solo", approval="required")
    with site.operator() as operator:
        scanned(operator)
        push(operator, "test/app", 1)
        until(lambda: hook.bodies)
        (row,) = operator.get("/api/rollouts")
        assert (row["state"], row["runs"]) == ("waiting", 0)
    (event_sent,) = hook.messages
    validate_cloudevent(event_sent)
    said = event_sent["data"]
    (one,) = said["items"]
    (target,) = one["outcomes"]
    assert event_sent["type"] == "registry-docker-updater.waiting-for-a-person"
    assert said["headline"] == "Waits for approval"
    assert said["link"].startswith("https://updater.example.com/approve/1?until=")
    assert one["waits_for"] == "approval: `approve 1` gives it, `refuse 1` refuses it"
    assert (target["outcome"], target["reason"], target["message"]) == (
        "waits",
        "approval",
        "waits for approval by 1 person",
    )
