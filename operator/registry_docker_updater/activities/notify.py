"""NotificationPolicy teams: news become messages to receivers, and each is sent by a run of ``notify.yml``, retried on its own."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from registry_docker_updater.activities.context import Context
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.notifications.message import message_of, send_result
from registry_docker_updater.core.notifications.news import Topic
from registry_docker_updater.core.notifications.receivers import Receivers
from registry_docker_updater.core.notifications.schedule import (
    Message,
    MessageState,
    Purpose,
    SendingPolicy,
    SendResult,
    after_sending,
    next_to_send,
    waits_for_others,
)
from registry_docker_updater.core.notifications.waiting import with_links
from registry_docker_updater.core.policy.links import LINKS_LAST, plain_path
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import Rollout
from registry_docker_updater.core.rollouts.stages import MESSAGE
from registry_docker_updater.core.schedules.registries import RegistryStanding
from registry_docker_updater.edges.runs.port import FinishedRun, Playbook
from registry_docker_updater.errors import UpdaterError
from registry_docker_updater.log_context import about
from registry_docker_updater.storage.actions import keep_run
from registry_docker_updater.storage.messages import (
    Audience,
    keep_registries,
    keep_sent,
    keep_start,
    route_news,
    take_over,
)
from registry_docker_updater.storage.waiting import drop_ended_waits

_log = logging.getLogger(__name__)
# Messages to several receivers go out side by side: one that hangs holds up only its own.
TOGETHER = 4
# How often it is looked whether a registry went silent.
_LOOK = timedelta(seconds=30)
# A run of the kept ones that is of no rollout is in this folder.
_OF_NO_ROLLOUT = "messages"
# The channel of a message of which no channel said whether it was sent.
_NOT_KNOWN = "not known"


@dataclass(frozen=True)
class NotificationPolicy:
    """Who is told, how, for how long a run may take, and the variables that each is given besides the message."""

    receivers: Receivers
    sending: SendingPolicy
    timeout: timedelta
    variables: Mapping[str, object]


@dataclass(frozen=True)
class _Sent:
    """What came of sending a message: the ``result``, what is ``left`` of the run, and when the ``newest`` of its news came."""

    result: SendResult
    left: Mapping[str, Any] = field(default_factory=dict)
    newest: datetime | None = None


class Notifier:
    """Has messages made of news, and sent: to each receiver one after the other."""

    def __init__(
        self,
        context: Context,
        policy: NotificationPolicy,
        fleet: Callable[[], Fleet],
        standings: Callable[[], Sequence[RegistryStanding]],
        approval_path: Callable[[int, datetime], str] = plain_path,
    ) -> None:
        """Tell as ``policy`` says of what lies in the ``fleet``, and of registries that went silent by their ``standings``.

        ``approval_path`` gives the page that shows a rollout which waits for approval, until a moment.
        """
        self._context, self._policy = context, policy
        self._fleet, self._standings, self._approval_path = fleet, standings, approval_path
        # The message that is being sent to a receiver; what came of it, where that could not be kept so far.
        self._sending: dict[str, int] = {}
        self._unkept: dict[str, Callable[[], None]] = {}
        self._looked_at: datetime | None = None
        self._took_over = False

    @property
    def receivers(self) -> Receivers:
        """Who is told."""
        return self._policy.receivers

    def change(self, policy: NotificationPolicy) -> None:
        """Tell as ``policy`` says from now on."""
        self._policy = policy

    def began(self, rollout: Rollout, start: Start, now: datetime) -> None:
        """Have those told that a run began who want to hear of that."""
        if any(Topic.STARTED in one.topics for one in self._policy.receivers.all):
            try:
                keep_start(self._context.storage, rollout, start.targets, now)
            except UpdaterError as error:  # the run goes on
                _log.warning("that it began is not told: %s", error)

    def reconcile(self, now: datetime, running: Collection[int]) -> timedelta:
        """Send what is due; return after which time something else will be.

        ``running`` are the rollouts that run: what they will have to tell is told together.
        """
        storage = self._context.storage
        if not self._took_over:
            take_over(storage, now)
            self._took_over = True
        looks_again = self._look_at_registries(now)
        for settle in tuple(self._unkept.values()):
            settle()
        # Before it is read what is due: what a thread ends meanwhile is still said to be due there.
        sending = dict(self._sending)
        audience = Audience(self._policy.receivers, self._fleet())
        while route_news(storage, audience, tuple(self._sending.values()), now):
            pass
        drop_ended_waits(storage, now, tuple(sending.values()))
        due = [one for one in storage.notifications.due() if one.id not in sending.values()]
        begun = [one for one in due if one.due_at and one.due_at <= now]
        rollouts = storage.notifications.rollouts_of([one.id for one in begun])
        bundle, waiting = self._policy.sending.bundle, {}
        for one in begun:
            until = waits_for_others(one, rollouts.get(one.id, ()), running, now, bundle)
            if until:
                waiting[one.id] = until
        ready = [one for one in begun if one.id not in waiting]
        for one in next_to_send(ready, sending, now)[: TOGETHER - len(sending)]:
            of = self._of(rollouts.get(one.id, ()))
            # From here on nothing can fail before it is sent.
            self._sending[one.receiver] = one.id
            with about(**of):
                self._context.submit(partial(self._send, one))
        later = [one.due_at - now for one in due if one.due_at and one.due_at > now]
        return min([looks_again, *later, *(until - now for until in waiting.values())])

    def _of(self, rollouts: Collection[int]) -> dict[str, int]:
        """Return what the log says a message is about: the last of its rollouts, and the push of that."""
        if not rollouts:
            return {}
        last = self._context.storage.rollouts.get(max(rollouts))
        return {"event": last.push, "rollout": last.id}

    def _look_at_registries(self, now: datetime) -> timedelta:
        """Look now and then whether a registry went silent; return after which time it is looked at next."""
        if self._looked_at is None or not timedelta() <= now - self._looked_at < _LOOK:
            self._looked_at = now
            keep_registries(self._context.storage, self._standings(), now)
        return self._looked_at + _LOOK - now

    def _send(self, message: Message) -> None:
        try:
            sent = self._run(message)
        except Exception as error:
            _log.exception("message %d to %s could not be sent", message.id, message.receiver)
            sent = _Sent(SendResult(error=str(error)))
        self._settle(message, sent)

    def _run(self, message: Message) -> _Sent | None:
        """Have a message sent, and return what came of it; None where the operator stopped meanwhile."""
        news = self._context.storage.notifications.news_of(message.id)
        if not news:
            return _Sent(SendResult(nobody="nothing is left to be told"))
        until = self._context.clock() + LINKS_LAST
        linked = with_links(news, lambda rollout: self._approval_path(rollout, until))
        variables = {"notification_message": message_of(message, linked), **self._policy.variables}
        if message.channels:
            variables["notification_channels"] = list(message.channels)
        first = next((one.rollout for one in news if one.rollout is not None), None)
        folder = self._context.runs / (_OF_NO_ROLLOUT if first is None else str(first))
        ended = self._context.playbooks.run(Playbook("notify", variables), folder, self._policy.timeout)
        self._count(ended)
        if ended.was_stopped:
            keep_run(self._context.storage, first, ended.left, self._context.clock())
            return None
        said = ended.refusal or f"notify.yml ended as {ended.status}"
        return _Sent(send_result(ended.statistics, said), ended.left, news[-1].at)

    def _settle(self, message: Message, sent: _Sent | None) -> None:
        """Keep what came of a message; until that is kept, nothing else is sent to its receiver, and it is not sent again."""
        is_known = True
        try:
            if sent:
                self._keep(message, sent)
        except UpdaterError as error:
            is_known = False
            _log.error(
                "what came of message %d to %s is not kept yet: %s", message.id, message.receiver, error
            )
            self._unkept[message.receiver] = partial(self._settle, message, sent)
        finally:
            if is_known:
                self._unkept.pop(message.receiver, None)
                del self._sending[message.receiver]

    def _count(self, ended: FinishedRun) -> None:
        results = ended.statistics.get("notification_results")
        for channel, result in results.items() if isinstance(results, dict) else ():
            self._context.metrics.notified(str(channel), is_sent=result == "ok")
        if not isinstance(results, dict) and not ended.was_stopped:
            self._context.metrics.notified(_NOT_KNOWN, is_sent=False)

    def _keep(self, before: Message, sent: _Sent) -> None:
        now, result = self._context.clock(), sent.result
        after = after_sending(before, result, now, self._policy.sending)
        busy = [one for receiver, one in tuple(self._sending.items()) if receiver != before.receiver]
        keep_sent(self._context.storage, after, sent.left, now, busy)
        if after.state is MessageState.GIVEN_UP:
            self._context.metrics.gave_up()
        if after.sent_at and sent.newest and before.purpose is Purpose.AT_ONCE:
            seconds = max(0.0, (after.sent_at - sent.newest).total_seconds())
            self._context.metrics.stage_passed(MESSAGE, seconds)
        if result.nobody:
            _log.info("nobody is told: %s", result.nobody)
        elif after.error:
            _log.warning("%s was not told on every channel: %s", after.receiver, after.error)
