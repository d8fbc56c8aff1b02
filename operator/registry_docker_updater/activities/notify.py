"""Telling the team: one run of ``notify.yml`` for a notification, retried on its own."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from registry_docker_updater.activities.context import Context
from registry_docker_updater.core.notifications.schedule import (
    Notification,
    NotificationState,
    SendResult,
    after_sending,
)
from registry_docker_updater.core.notifications.withholding import withheld
from registry_docker_updater.core.rollouts.rollout import RetryPolicy
from registry_docker_updater.core.rollouts.stages import MESSAGE
from registry_docker_updater.core.silences import Silences
from registry_docker_updater.edges.runs.port import FinishedRun, Playbook
from registry_docker_updater.log_context import about
from registry_docker_updater.storage.actions import keep_message, keep_run

_log = logging.getLogger(__name__)
# The channel of a message of which no channel said whether it was sent.
_NOT_KNOWN = "not known"


class Notifier:
    """Has notifications sent, one after the other."""

    def __init__(self, context: Context, timeout: timedelta, retry: RetryPolicy) -> None:
        """Have runs take ``timeout`` at the most; ``retry`` when not everybody was told."""
        self._context, self._timeout, self._retry = context, timeout, retry
        self._is_sending = False

    def reconcile(self, now: datetime) -> timedelta | None:
        """Send what is due first; return after which time something else will be, None if nothing waits."""
        due = self._context.storage.notifications.due()
        if due and due[0].due_at and due[0].due_at <= now and not self._is_sending:
            push = self._context.storage.rollouts.get(due[0].rollout).push
            # From here on nothing can fail before it is sent.
            self._is_sending = True
            with about(event=push, rollout=due[0].rollout, run=due[0].run):
                self._context.submit(partial(self._send, due[0]))
        later = (one.due_at - now for one in due if one.due_at and one.due_at > now)
        return min(later, default=None)

    def _send(self, notification: Notification) -> None:
        try:
            content = self._context.storage.notifications.content(notification)
            if content is None:
                return
            why = self._withheld(notification)
            if why:
                self._keep(notification, SendResult(nobody=why), {})
                return
            variables: dict[str, object] = {"notification_rollout": content}
            if notification.channels:
                variables["notification_channels"] = list(notification.channels)
            folder = self._context.runs / str(notification.rollout)
            ended = self._context.playbooks.run(Playbook("notify", variables), folder, self._timeout)
            self._count(ended)
            if ended.was_stopped:
                keep_run(self._context.storage, notification.rollout, ended.left, self._context.clock())
            else:
                self._keep(notification, send_result(ended), ended.left)
        except Exception as error:
            self._keep(notification, SendResult(error=str(error)), {})
            raise
        finally:
            self._is_sending = False

    def _withheld(self, notification: Notification) -> str | None:
        """Return why nobody is told, where all that failed is silenced."""
        now = self._context.clock()
        with self._context.storage.snapshot() as kept:
            silences = Silences.that_count(kept.silences.counting(now), now)
            outcomes = [one.result for one in kept.rollouts.outcomes(notification.rollout)]
            return withheld(kept.rollouts.get(notification.rollout), outcomes, silences)

    def _count(self, ended: FinishedRun) -> None:
        results = ended.statistics.get("notification_results")
        for channel, result in results.items() if isinstance(results, dict) else ():
            self._context.metrics.notified(str(channel), is_sent=result == "ok")
        if not isinstance(results, dict) and not ended.was_stopped:
            self._context.metrics.notified(_NOT_KNOWN, is_sent=False)

    def _keep(self, before: Notification, result: SendResult, left: Mapping[str, object]) -> None:
        now = self._context.clock()
        after = after_sending(before, result, now, self._retry)
        keep_message(self._context.storage, before, after, left, now)
        if after.state is NotificationState.GIVEN_UP:
            self._context.metrics.gave_up()
        ended_at = self._context.storage.rollouts.get(before.rollout).ended_at
        if after.sent_at and ended_at:
            seconds = max(0.0, (after.sent_at - ended_at).total_seconds())
            self._context.metrics.stage_passed(MESSAGE, seconds)
        if result.nobody:
            _log.info("nobody is told: %s", result.nobody)
        elif after.error:
            _log.warning("not everybody was told: %s", after.error)


def send_result(ended: FinishedRun) -> SendResult:
    """Return what came of a run of ``notify.yml``."""
    results = ended.statistics.get("notification_results")
    if not isinstance(results, dict):
        return SendResult(
            error=ended.refusal
            or f"notify.yml ended as {ended.status} and said of nobody whether it was told"
        )
    nobody = None if results else str(ended.statistics.get("notification_nobody") or "no channel was used")
    return SendResult(
        {name: str(result) for name, result in results.items() if result != "ok"}, nobody=nobody
    )
