"""What is told of rollouts that wait: kept as news with what waits, and not told any more once it has ended."""

from collections.abc import Collection
from datetime import datetime

from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.audit.kinds import NEWS_CAME, TEAM_NOT_TOLD
from registry_docker_updater.core.notifications.schedule import overtaken
from registry_docker_updater.core.notifications.waiting import news_of_wait, still_waiting
from registry_docker_updater.core.rollouts.rollout import Rollout
from registry_docker_updater.core.rollouts.waits import Wait
from registry_docker_updater.storage.news import DueWait
from registry_docker_updater.storage.storage import Storage


def keep_wait(kept: Storage, wait: Wait, rollout: Rollout, now: datetime) -> None:
    """Keep the news of what is new about a push that waits, in the transaction that goes on.

    Each reason is told once of a rollout; approval, which is given for each target, once of each.
    """
    news = news_of_wait(
        wait, rollout, kept.events.push(rollout.push), now, kept.news.reasons_told(rollout.id)
    )
    if news:
        kept.news.add(news)
        facts = {"topic": news.topic, "run": news.run, "subject": news.subject}
        kept.trail.append(Step(NEWS_CAME, facts, rollout.push, rollout.id), now)


def drop_ended_waits(storage: Storage, now: datetime, busy: Collection[int]) -> None:
    """Have nobody told that a target waits who would be told ``now``, and it does not wait so any more.

    ``busy`` are the messages that are being sent: they tell what they told.
    """
    if not storage.news.waits_due(now, busy):
        return
    with storage.transaction() as kept:
        for due in kept.news.waits_due(now, busy):
            _drop_what_ended(kept, due, now)


def _drop_what_ended(kept: Storage, due: DueWait, now: datetime) -> None:
    rollout = kept.rollouts.get(due.news.rollout or 0)
    keys = [one["key"] for one in due.news.item["outcomes"]] if due.keys is None else due.keys
    waiting = frozenset(still_waiting(due.news, rollout))
    left = [key for key in keys if key in waiting]
    if len(left) == len(keys):
        return
    ended = sorted(set(keys) - waiting)
    why = "what waited when the news came does not wait so any more"
    message = kept.notifications.get(due.message)
    if not kept.news.narrow(due.message, due.news.id, left) and message:
        kept.notifications.keep(overtaken(message, why))
    facts = {
        "run": due.news.run,
        "message": due.message,
        "receiver": message.receiver if message else None,
        "targets": ended,
        "error": why,
    }
    kept.trail.append(Step(TEAM_NOT_TOLD, facts, rollout.push, rollout.id), now)
