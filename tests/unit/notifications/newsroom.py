"""News, messages and receivers for tests."""

from datetime import timedelta
from typing import Any

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.notifications.news import News, Topic
from registry_docker_updater.core.notifications.receivers import Receiver, Receivers
from registry_docker_updater.core.notifications.schedule import Message, MessageState, SendingPolicy
from unit.builders import HOST, NEW, at

POLICY = SendingPolicy(
    timedelta(seconds=30), Backoff(timedelta(seconds=10), timedelta(minutes=15)), timedelta(hours=24)
)


def said(
    key: str, outcome: str = "updated", was: str | None = None, *, is_new: bool = True
) -> dict[str, Any]:
    return {"key": key, "name": key, "outcome": outcome, "was": was, "is_new": is_new}


def news(*outcomes: dict[str, Any], number: int = 1, topic: Topic = Topic.IMAGE_UPDATED, **more: Any) -> News:
    item = {
        "id": 7,
        "image": f"{HOST}/prod/app:1",
        "digest": NEW,
        "registry": "production",
        "repository": "prod/app",
        "outcomes": list(outcomes),
    }
    return News(number, topic, at(0), at(0), {**item, **more}, 7, 2)


def of_registry(*, recovered: bool = False) -> News:
    item = {"registry": "production", "recovered": recovered, "title": "production"}
    return News(3, Topic.REGISTRY_SILENT, at(0), at(0), item, subject="production")


def receivers(*known: Receiver) -> Receivers:
    return Receivers({one.name: one for one in known})


def message(number: int = 7, **more: Any) -> Message:
    values = {
        "receiver": "default",
        "topic": Topic.UPDATE_FAILED,
        "state": MessageState.DUE,
        "created_at": at(0),
        "due_at": at(0),
    }
    return Message(number, **{**values, **more})
