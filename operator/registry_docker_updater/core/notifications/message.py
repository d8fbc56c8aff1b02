"""What ``notify.yml`` is given, and what it answers: a message in the shape that the role ``notification`` documents."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from registry_docker_updater.core.notifications.news import News
from registry_docker_updater.core.notifications.schedule import Message, Purpose, SendResult

# Longer than a day, no channel is left alone for what it says itself.
_LONGEST_SECONDS = 86400


def message_of(message: Message, news: Sequence[News]) -> dict[str, Any]:
    """Return the variable ``notification_message``: a message that tells ``news``.

    The same message with the same news has the same id, by which a receiver knows a repetition.
    """
    several = "digest" if message.purpose is Purpose.DIGEST else "bundle" if len(news) > 1 else None
    return {
        "id": f"m{message.id}.{news[-1].id}",
        "receiver": message.receiver,
        "sent_for": several,
        "items": [one.item for one in news],
    }


def send_result(statistics: Mapping[str, Any], said: str) -> SendResult:
    """Return what came of a run of ``notify.yml``, by its ``statistics``; ``said`` is how it ended."""
    results = statistics.get("notification_results")
    if not isinstance(results, Mapping):
        return SendResult(error=f"{said} and said of nobody whether it was told")
    nobody = None if results else str(statistics.get("notification_nobody") or "no channel was used")
    asked = statistics.get("notification_retry_after")
    return SendResult(
        {str(name): str(result) for name, result in results.items()},
        nobody=nobody,
        retry_after={str(name): _wait(value) for name, value in asked.items()}
        if isinstance(asked, Mapping)
        else {},
    )


def _wait(seconds: Any) -> timedelta:
    is_number = isinstance(seconds, int | float) and 0 <= seconds < float("inf")
    return timedelta(seconds=min(float(seconds), _LONGEST_SECONDS) if is_number else 0)
