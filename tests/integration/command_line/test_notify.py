"""``notify``: who is told of what, and samples that are really sent; ``check`` of channels."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from integration.conftest import Run, Site
from integration.keeping import due_messages, send_all
from integration.receivers import webhook
from registry_docker_updater.core.notifications.schedule import MessageState
from registry_docker_updater.storage.messages import keep_sent
from registry_docker_updater.storage.storage import Storage

pytestmark = pytest.mark.slow
TOKEN = "T0SLACK0TOKEN"


def set_channels(site: Site, **variables: object) -> None:
    folder = site.folder / "group_vars"
    folder.mkdir(exist_ok=True)
    (folder / "all.json").write_text(json.dumps(variables))


def test_notify_lists_receivers_their_channels_and_the_newest_messages(history: Storage, run: Run) -> None:
    now = datetime.now(UTC)
    (due,) = due_messages(history, now)
    failed = {"slack": "failed: HTTP 503", "email": "ok"}
    after = replace(due, state=MessageState.DUE, attempts=1, results=failed, error="slack: failed: HTTP 503")
    keep_sent(history, after, {}, now)
    code, out, _ = run("notify")
    assert code == 0
    assert "default" in out
    assert "email works; slack failed: HTTP 503" in out
    assert "update failed" in out
    shown = json.loads(run("notify", "--json")[1])
    assert [one["id"] for one in shown["messages"]] == [due.id]
    assert [one["name"] for one in shown["receivers"]] == ["default"]
    send_all(history, now)


def test_a_sample_is_sent_and_what_the_other_side_answers_is_said(
    site: Site, store: Storage, run: Run
) -> None:
    site.add_host("solo")
    with webhook(f"/services/{TOKEN}") as slack:
        set_channels(site, notification_slack_webhook_url=slack.url)
        code, out, _ = run("notify", "--test")
        assert (code, out.strip()) == (0, "slack: took it")
        (sample,) = slack.messages
        assert "Test" in json.dumps(sample)
        slack.status, slack.answer = 403, "invalid_token"
        code, out, _ = run("notify", "--test", "slack", "--json")
        row = json.loads(out)
        assert code == 1
        assert "403" in row["results"]["slack"]
        assert TOKEN not in out
    kinds = [one.kind for one in store.trail.entries(0)]
    assert kinds.count("team.told") == 1
    assert kinds.count("team.not_told") == 1


def test_a_sample_to_who_has_no_channel_says_that_nobody_is_told(site: Site, run: Run) -> None:
    site.add_host("solo")
    code, out, _ = run("notify", "--test")
    assert code == 1
    assert "no channel is set" in out
    code, out, err = run("notify", "--test", "--receiver", "team-x")
    assert code == 1
    assert "team-x" in out + err


def test_whom_a_sample_is_for_is_of_use_with_a_sample_only(site: Site, run: Run) -> None:
    assert site
    code, _, err = run("notify", "--receiver", "team-a")
    assert (code, "--test" in err) == (1, True)


def test_check_says_who_is_told_by_which_channels(site: Site, run: Run) -> None:
    site.add_host("solo")
    set_channels(site, notification_slack_webhook_url=f"https://hooks.example.com/{TOKEN}")
    code, out, _ = run("check")
    assert code == 0, out
    assert "channels: default by slack, gets everything" in out
    assert TOKEN not in out


def test_check_says_when_nobody_is_told(site: Site, run: Run) -> None:
    site.add_host("solo")
    code, out, _ = run("check")
    assert code == 0
    assert "note: nobody is told of anything: no channel is set" in out


def test_check_names_a_misspelt_variable_and_a_receiver_that_nobody_set(
    site: Site, run: Run, tmp_path: Path
) -> None:
    assert tmp_path
    site.add_host("solo")
    set_channels(site, notification_slack_webhok_url=f"https://hooks.example.com/{TOKEN}")
    settings = site.config.read_text()
    site.config.write_text(settings + "\nnotifications: {receivers: {team-a: {gets: everything}}}\n")
    code, out, _ = run("check")
    assert code == 1
    assert "notification_slack_webhok_url" in out
    assert "notification_slack_webhook_url" in out
    assert "team-a" in out
    assert TOKEN not in out
