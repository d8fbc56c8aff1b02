"""All that one operator keeps, by subject; and transactions across subjects."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from registry_docker_updater.core.audit.entries import Step
from registry_docker_updater.core.notifications.news import news_of_rollout
from registry_docker_updater.core.policy.freezes import Freezes
from registry_docker_updater.core.policy.policies import NO_POLICIES, Policies
from registry_docker_updater.core.rollouts.history import History
from registry_docker_updater.core.rollouts.lifecycle import Effects
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.storage.answers import AnswerStore
from registry_docker_updater.storage.attempts import AttemptStore
from registry_docker_updater.storage.claims import ClaimStore
from registry_docker_updater.storage.database import Connections, OpenTransaction
from registry_docker_updater.storage.decisions import DecisionStore
from registry_docker_updater.storage.delays import DelayStore
from registry_docker_updater.storage.events import EventStore
from registry_docker_updater.storage.fleet import FleetStore
from registry_docker_updater.storage.freezes import FreezeStore
from registry_docker_updater.storage.news import NewsStore
from registry_docker_updater.storage.notifications import NotificationStore
from registry_docker_updater.storage.overrides import OverrideStore
from registry_docker_updater.storage.registries import RegistryStore
from registry_docker_updater.storage.retention import RetentionStore
from registry_docker_updater.storage.rollouts import RolloutStore
from registry_docker_updater.storage.silences import SilenceStore
from registry_docker_updater.storage.times import TimeStore
from registry_docker_updater.storage.trail import TrailStore


class CurrentPolicies:
    """What the settings say of when and whether targets are updated, as they were read last."""

    def __init__(self, policies: Policies) -> None:
        """Begin with ``policies``."""
        self._policies = policies

    def __call__(self) -> Policies:
        """Return them."""
        return self._policies

    def change(self, policies: Policies) -> None:
        """Take others in their place."""
        self._policies = policies


class Storage:
    """What one operator keeps. Safe for use by several threads and processes.

    Every method of a store is one transaction, committed with fsync before it returns, or raises
    :class:`~registry_docker_updater.errors.StoreUnavailable` with nothing committed. What belongs together is done in one
    :meth:`transaction`.
    """

    def __init__(
        self, connections: Connections, policies: Callable[[], Policies] = lambda: NO_POLICIES
    ) -> None:
        """Keep everything through ``connections``: a database, or an open transaction on one.

        ``policies`` gives what the settings say of when and whether targets are updated: each history has it.
        """
        self._connections, self._policies = connections, policies
        self.events = EventStore(connections)
        self.claims = ClaimStore(connections)
        self.registries = RegistryStore(connections)
        self.fleet = FleetStore(connections)
        self.attempts = AttemptStore(connections)
        self.overrides = OverrideStore(connections)
        self.rollouts = RolloutStore(connections)
        self.news = NewsStore(connections)
        self.notifications = NotificationStore(connections)
        self.silences = SilenceStore(connections)
        self.decisions = DecisionStore(connections)
        self.delays = DelayStore(connections)
        self.freezes = FreezeStore(connections)
        self.times = TimeStore(connections)
        self.trail = TrailStore(connections)
        self.answers = AnswerStore(connections)
        self.retention = RetentionStore(connections)

    @property
    def policies(self) -> Policies:
        """What the settings say of when and whether targets are updated."""
        return self._policies()

    @contextmanager
    def transaction(self) -> Iterator["Storage"]:
        """Give the same stores for one transaction, which is committed as a whole at the end, or not at all."""
        with self._connections.writing() as connection:
            yield Storage(OpenTransaction(connection), self._policies)

    @contextmanager
    def snapshot(self) -> Iterator["Storage"]:
        """Give the same stores to read from, all from one state."""
        with self._connections.reading() as connection:
            yield Storage(OpenTransaction(connection), self._policies)

    def apply(self, effects: Effects, step: Step, now: datetime) -> None:
        """Keep what ``step`` changed about a rollout, with the news of it and its entry, in one transaction."""
        rollout = effects.rollout
        with self.transaction() as kept:
            kept.rollouts.keep(rollout, effects.outcomes)
            kept.attempts.keep(effects.last_attempts)
            kept.attempts.refuse(effects.refusals)
            kept.attempts.forgive(effects.forgiven)
            kept.overrides.close(effects.closed_overrides, now)
            if effects.closes_push:
                kept.overrides.close_push(rollout.push, now)
            if effects.announcement:
                outcomes = (one.result for one in kept.rollouts.outcomes(rollout.id))
                push = kept.events.push(rollout.push)
                breaches = kept.overrides.breaches(rollout.push)
                news = news_of_rollout(rollout, push, outcomes, effects.announcement, now, breaches)
                kept.news.add(news)
            kept.trail.append(replace(step, event=rollout.push, rollout=rollout.id), now)

    def history(
        self, registries: Collection[str], keys: Collection[str], of: Collection[int] = ()
    ) -> History:
        """Return what was attempted on the targets with ``keys``, every rollout that runs or waits, and those ``of`` some pushes.

        What concerns other ``registries`` is left out.
        """
        with self.snapshot() as kept:
            running = [one.push for one in kept.rollouts.in_state(RolloutState.RUNNING)]
            waiting = [one.push for one in kept.rollouts.in_state(RolloutState.WAITING)]
            unheard = kept.attempts.unheard(waiting)
            last = {**kept.attempts.of_pushes(running), **unheard, **kept.attempts.last(keys)}
            pushes = {one.push for one in last.values()}
            rollouts = kept.rollouts.open_or_of(registries, {*pushes, *of})
            decided = {one.push for one in rollouts if one.waits} | {*of, *running}
            return History(
                rollouts={one.push: one for one in rollouts},
                last=last,
                refusals=kept.attempts.refusals(keys),
                overrides=kept.overrides.open(),
                decisions=kept.decisions.of_pushes(decided),
                freezes=Freezes(kept.freezes.open()),
                running_pushes={push: kept.events.push(push) for push in running},
                delays=kept.delays.all(),
                policies=self.policies,
            )

    def change_counter(self) -> int:
        """Return a number that grows when a push or what a person asks for is recorded, by whichever process."""
        with self.snapshot() as kept:
            return kept.events.last_event() + kept.people_counter()

    def people_counter(self) -> int:
        """Return a number that grows when a person asks for, decides, freezes or thaws something, in whichever process."""
        with self.snapshot() as kept:
            return sum(one.change_counter() for one in (kept.overrides, kept.decisions, kept.freezes))
