"""Who is told what on which channel, and why nobody is."""

from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.filter.notification_report import notification_report
from ansible_collections.registry.docker_updater.plugins.filter.notification_shown import notification_shown
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.given import (
    NotAMessage,
    NotAReceiver,
    of_message,
    of_rollout,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.plan import plan
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.receivers import (
    Broken,
    receivers,
    texts,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.notification.results import secrets_in

SLACK = {"notification_slack_webhook_url": "https://hooks.example.com/services/T0/B0/s3cret"}
MAIL = {"notification_email_to": ["team@example.com"], "notification_email_host": "mail.example.com"}
BOTH = {**SLACK, **MAIL}
PLAIN_BOTH = {name.removeprefix("notification_"): value for name, value in BOTH.items()}
ROLLOUT = {"id": 12, "attempt": 2, "image": "r.example.com/app:1", "digest": "sha256:0", "outcomes": []}


def rollout(*outcomes: str, **more: Any) -> dict[str, Any]:
    return of_rollout({**ROLLOUT, "outcomes": [{"outcome": one} for one in outcomes], **more})


def message(*topics: str, receiver: str = "default", recovered: bool = False) -> dict[str, Any]:
    items = [{"topic": topic, "recovered": recovered, "title": topic} for topic in topics]
    return of_message({"id": "m1", "receiver": receiver, "items": items})


def used(given: dict[str, Any], said: dict[str, Any], handlers: Any = (), asked: Any = None) -> list[str]:
    return list(plan(given, handlers, said, asked).items)


def nobody(given: dict[str, Any], said: dict[str, Any], handlers: Any = (), asked: Any = None) -> str:
    return plan(given, handlers, said, asked).nobody


def test_a_rollout_by_hand_is_a_message_of_one_item_with_its_topic_for_the_default_receiver() -> None:
    said = rollout("updated", "failed")
    assert (said["id"], said["receiver"], said["sent_for"]) == ("rollout-12-2", "default", None)
    (item,) = said["items"]
    assert (item["topic"], item["recovered"], item["image"]) == (
        "update failed",
        False,
        "r.example.com/app:1",
    )
    assert rollout("updated", attempt=None)["id"] == "rollout-12"
    assert rollout("updated", id=None)["id"] == "", "what has no id is no repetition"


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (None, "notification_rollout has no image and no digest and no outcomes"),
        ({"image": "a", "digest": "b"}, "notification_rollout has no outcomes"),
        ({"image": "a", "digest": "b", "outcomes": "x"}, "outcomes that are no list of mappings"),
        ({"image": "a", "digest": "b", "outcomes": ["x"]}, "outcomes that are no list of mappings"),
    ],
)
def test_a_rollout_that_is_none_is_refused_with_what_is_missing(given: Any, wrong: str) -> None:
    with pytest.raises(NotAMessage, match=wrong):
        of_rollout(given)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ("x", "notification_message has no items"),
        ({"items": []}, "notification_message has no items"),
        ({"items": ["x"]}, "item 1 of notification_message is no mapping"),
        (
            {"items": [{"topic": "party"}]},
            "item 1 of notification_message has no topic that is known: image updated, ",
        ),
        ({"items": [{"title": "x"}]}, "item 1 of notification_message has no topic"),
    ],
)
def test_a_message_that_is_none_is_refused_with_what_is_wrong(given: Any, wrong: str) -> None:
    with pytest.raises(NotAMessage, match=wrong):
        of_message(given)


def test_a_message_may_leave_out_what_there_is_nothing_to_say_about() -> None:
    said = of_message({"items": [{"outcomes": [{"outcome": "updated"}]}]})
    assert said["id"] == ""
    assert said["receiver"] == "default"
    assert said["items"][0]["topic"] == "image updated"


def test_every_channel_that_is_set_is_told() -> None:
    assert used(BOTH, message("image updated")) == ["slack", "email"]
    everything = {
        **BOTH,
        "notification_teams_webhook_url": "x",
        "notification_webhook_url": "x",
        "notification_apprise_urls": ["x"],
    }
    assert used(everything, message("update failed")) == ["slack", "teams", "email", "webhook", "apprise"]
    assert (
        used({**BOTH, "notification_email_to": [], "notification_slack_webhook_url": " "}, message("started"))
        == []
    )


def test_only_the_channels_that_are_asked_for_or_allowed_are_told() -> None:
    said = message("image updated")
    assert used(BOTH, said, asked=["email"]) == ["email"]
    assert used({**BOTH, "notification_channels": "email, slack"}, said) == ["slack", "email"]
    assert used({**BOTH, "notification_channels": ["slack"]}, said, asked=["email"]) == []
    assert nobody({**BOTH, "notification_channels": []}, said) == (
        "notification_channels names no channel that is set"
    )
    assert used({**BOTH, "notification_channels": Broken("x is not defined")}, said) == ["slack", "email"]


def test_a_channel_hears_of_the_topics_that_it_wants_and_else_of_those_that_all_want() -> None:
    given = {**BOTH, "notification_topics": ["update failed"], "notification_email_topics": ["started"]}
    planned = plan(given, (), message("update failed", "started", "image updated"), None)
    assert {one: [item["topic"] for item in items] for one, items in planned.items.items()} == {
        "slack": ["update failed"],
        "email": ["started"],
    }
    assert nobody(given, message("image updated")) == (
        'notification_topics and notification_email_topics leave "image updated" out'
    )
    assert nobody(
        {**BOTH, "notification_topics": ["started"]}, message("registry silent", "update failed")
    ) == ('notification_topics leaves "registry silent" and "update failed" out')


def test_why_nobody_is_told_names_the_variable_where_it_stands() -> None:
    given = {
        "notification_slack_topics": ["started"],
        "notification_topics": ["started"],
        "notification_receivers": {"a": {**PLAIN_BOTH, "topics": ["update failed"]}, "b": PLAIN_BOTH},
    }
    assert nobody(given, message("image updated", receiver="a")) == (
        'topics of receiver a leaves "image updated" out'
    )
    assert nobody(given, message("image updated", receiver="b")) == (
        'notification_slack_topics and notification_topics leave "image updated" out'
    )


def test_a_test_is_told_whatever_topics_are_wanted() -> None:
    given = {**SLACK, "notification_topics": ["update failed"]}
    assert used(given, {**message("image updated"), "sent_for": "test"}) == ["slack"]
    assert used(given, {**message("image updated"), "sent_for": "digest"}) == []
    assert (
        nobody(given, {**rollout("unchanged"), "sent_for": "test"})
        == "no target was updated, and none failed"
    )


def test_by_default_all_topics_are_told_that_the_operator_tells_of() -> None:
    for topic in (
        *("image updated", "update failed", "started"),
        *("waiting for a person", "registry silent", "update waits"),
    ):
        assert used(SLACK, message(topic)) == ["slack"]


def test_that_it_works_again_is_told_to_those_who_heard_of_the_failure() -> None:
    given = {**SLACK, "notification_topics": ["update failed"]}
    assert used(given, message("image updated", recovered=True)) == ["slack"]
    assert used({**SLACK, "notification_topics": ["started"]}, message("image updated", recovered=True)) == []


def test_nobody_is_told_of_nothing() -> None:
    assert nobody(BOTH, rollout("unchanged", "skipped")) == "no target was updated, and none failed"


def test_with_no_channel_set_it_says_how_to_set_one() -> None:
    said = message("image updated")
    assert nobody({}, said) == (
        "no channel is set; notification_slack_webhook_url, notification_teams_webhook_url, notification_email_to, "
        "notification_webhook_url or notification_apprise_urls sets one"
    )
    others: dict[str, Any] = {"notification_receivers": {"team-a": {}}}
    assert nobody(others, message("image updated", receiver="team-a")) == (
        "receiver team-a has no channel; slack_webhook_url, teams_webhook_url, email_to, webhook_url or apprise_urls "
        "sets one"
    )


def test_addresses_are_each_receivers_own_and_the_rest_is_inherited() -> None:
    given = {
        **BOTH,
        "notification_webhook_secret": "whsec_x",
        "notification_email_from": "updater@example.com",
        "notification_link": "https://updater.example.com",
        "notification_slack_topics": ["started"],
        "notification_receivers": {
            "team-a": {"email_to": ["a@example.com"], "email_from": "a@example.com"},
            "team-b": {"webhook_url": "https://b.example.com/x", "topics": ["started"], "link": ""},
            "default": {"slack_webhook_url": "no"},
            "no mapping": [],
        },
    }
    everybody = receivers(given, [])
    assert list(everybody) == ["default", "team-a", "team-b"]
    assert {name: one.channels for name, one in everybody.items()} == {
        "default": ["slack", "email"],
        "team-a": ["email"],
        "team-b": ["webhook"],
    }
    a, b = everybody["team-a"].variables, everybody["team-b"].variables
    assert a == {
        "email_to": ["a@example.com"],
        "email_from": "a@example.com",
        "email_host": "mail.example.com",
        "link": "https://updater.example.com",
        "slack_topics": ["started"],
    }
    assert "webhook_secret" not in b
    assert b["link"] == ""
    assert used(given, message("started", receiver="team-b")) == ["webhook"]
    assert used(given, message("image updated", receiver="team-b")) == []
    assert used(given, message("image updated", receiver="team-a")) == ["email"]


def test_the_word_of_a_receiver_about_topics_counts_more_than_that_of_all() -> None:
    given = {
        "notification_slack_topics": ["started"],
        "notification_topics": ["update failed"],
        "notification_receivers": {
            "a": {"slack_webhook_url": "x", "topics": ["image updated"]},
            "b": {"slack_webhook_url": "x"},
            "c": {"slack_webhook_url": "x", "topics": Broken("why")},
        },
    }
    everybody = receivers(given, [])
    assert [everybody[one].topics["slack"].wanted for one in "abc"] == [
        ["image updated"],
        ["started"],
        ["started"],
    ]


def test_a_receiver_that_is_not_there_is_an_error_that_names_those_that_are() -> None:
    given: dict[str, Any] = {"notification_receivers": {"team-a": {}}}
    with pytest.raises(
        NotAReceiver, match=r"^there is no receiver 'team-x' in notification_receivers, but default, team-a$"
    ):
        plan(given, (), message("started", receiver="team-x"), None)
    for unread in (Broken("x is not defined"), {"a": Broken("x is not defined")}):
        with pytest.raises(NotAMessage, match=r"receivers \(x is not defined\), but default$") as error:
            plan({"notification_receivers": unread}, (), message("started", receiver="a"), None)
        assert not isinstance(error.value, NotAReceiver), "it may be there when its vault is"


def test_a_variable_that_cannot_be_worked_out_breaks_its_channel_only() -> None:
    given: dict[str, Any] = {
        **BOTH,
        "notification_slack_webhook_url": Broken("vault_slack is not defined"),
        "notification_receivers": {"a": {"webhook_url": "x", "webhook_headers": {"X": Broken("why")}}},
    }
    planned = plan(given, (), message("image updated"), None)
    assert list(planned.items) == ["email"]
    assert planned.refused == {"slack": "notification_slack_webhook_url: vault_slack is not defined"}
    assert planned.nobody == ""
    theirs = plan(given, (), message("image updated", receiver="a"), None)
    assert theirs.refused == {"webhook": "webhook_headers of receiver a: why"}


def test_a_channel_of_a_shops_own_is_had_by_those_who_have_a_variable_of_it_or_name_it() -> None:
    handlers = ["pager", "pager_night", "log"]
    given: dict[str, Any] = {
        "notification_receivers": {
            "a": {"pager_night_url": "x"},
            "b": {"channels": ["log"]},
            "c": {},
        },
    }
    had = {name: one.channels for name, one in receivers(given, handlers).items()}
    assert had == {"default": ["pager", "log"], "a": ["pager_night"], "b": ["log"], "c": []}
    given["notification_pager_night_url"] = "y"
    assert receivers(given, handlers)["default"].channels == handlers
    assert "pager_night_url" not in receivers(given, handlers)["c"].variables, (
        "nobody else's number is called"
    )
    given |= {"notification_topics": ["update failed"], "notification_pager_topics": ["started"]}
    assert used(given, message("started"), handlers) == ["pager"]
    assert used(given, message("started"), handlers, asked=["log"]) == []


def test_lists_are_written_as_lists_or_with_commas() -> None:
    assert texts("a, b,,c ") == ["a", "b", "c"]
    assert texts(["a", 7, {}]) == ["a", "7"]
    assert texts(None) == texts(7) == texts({"a": 1}) == []


PLANNED: dict[str, Any] = {
    "tried": ["slack", "email", "pager", "teams", "webhook", "apprise"],
    "refused": {"other": "notification_other_url: x is not defined"},
    "nobody": "",
    "channels_set": ["slack", "email"],
    "secrets": ["https://hooks.example.com/s3cret", "s3cret-token"],
}


def test_a_report_says_of_each_channel_whether_it_was_told_and_when_to_come_again() -> None:
    finalization = "Task failed: Finalization of task args for 'x' failed: Error while resolving value for 'body': no 'a'"
    report = notification_report(
        PLANNED,
        {
            "slack": {"sent": False, "reason": "HTTP 429 (rate_limited)", "retry_after": 30},
            "email": {"accepted": ["team@example.com"], "changed": True},
            "pager": {"sent": True, "retry_after": None},
            "teams": {"failed": True, "msg": finalization},
            "webhook": {"failed": True, "msg": "missing required arguments: host"},
        },
    )
    assert report == {
        "notification_results": {
            "other": "failed: notification_other_url: x is not defined",
            "slack": "failed: HTTP 429 (rate_limited)",
            "email": "ok",
            "pager": "ok",
            "teams": "failed: the template fails: no 'a'",
            "webhook": "failed: missing required arguments: host",
            "apprise": "failed: it was not tried",
        },
        "notification_nobody": "",
        "notification_retry_after": {"slack": 30},
        "notification_channels_set": ["slack", "email"],
    }


def test_a_template_that_fails_is_told_by_its_cause_as_ansible_core_before_2_19_says_it_too() -> None:
    said = "The task includes an option with an undefined variable.. no 'b'\n\nThe error appears to be in 'x'"
    report = notification_report(PLANNED, {"teams": {"failed": True, "msg": said}})
    assert report["notification_results"]["teams"] == "failed: the template fails: no 'b'"


def test_what_is_shown_of_an_error_is_one_line_without_secrets_and_templates() -> None:
    text = "at https://hooks.example.com/s3cret\nwith\x1b[31m s3cret-token: {{ 1 }}{% x %}{# y #}"
    assert notification_shown(text, PLANNED["secrets"]) == (
        "at (hidden) with [31m (hidden): { { 1 }}{ % x %}{ # y #}"
    )
    assert len(notification_shown("x" * 1000, [])) == 300


def test_the_secrets_in_a_value_are_its_texts_and_the_parts_of_its_addresses() -> None:
    value = {
        "a": ["https://bob:passw0rd@hooks.example.com/services/T0/longtoken?sig=signature", "short"],
        "b": 7,
    }
    assert secrets_in(value) == [
        "https://bob:passw0rd@hooks.example.com/services/T0/longtoken?sig=signature",
        "longtoken",
        "passw0rd",
        "services",
        "signature",
    ]
    assert secrets_in("plain secret") == ["plain secret"]
    assert secrets_in("ntfys://tokentoken@h") == ["ntfys://tokentoken@h", "tokentoken"]
