"""The planner in a small world in which pushes, scans, people, crashes and outcomes come in whatever order.

The world is pure: the fleet as it really is, the fleet as last seen, and the history as the store would keep it.
Hypothesis chooses what happens; at any moment no rule may be broken, and once all is calm, nothing is left to do.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils.manual_changes import changed_after
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from registry_docker_updater.core.backoff import Backoff
from registry_docker_updater.core.events.pushes import KeptPush
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.decisions import Decision
from registry_docker_updater.core.policy.freezes import Freeze, Freezes, Scope
from registry_docker_updater.core.rollouts.desired import DesiredImage, DesiredImages, PushedName
from registry_docker_updater.core.rollouts.history import Delay, History, LastAttempt, Override, Refusal
from registry_docker_updater.core.rollouts.lifecycle import (
    Effects,
    RunEnd,
    RunOutcome,
    interrupted,
    outcomes_known,
    retried,
    run_begun,
    run_ended,
    settled,
    superseded,
)
from registry_docker_updater.core.rollouts.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.rollouts.planner import concerning, judge, open_targets, plan
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.core.rollouts.rollout import RetryPolicy, Rollout, RolloutState
from registry_docker_updater.core.rollouts.verdicts import DONE, LATER, LEFT_ALONE, Case, Verdict, rule_on
from registry_docker_updater.core.rollouts.waits import after_wait
from unit.builders import HOST, NOON, container, host, service

WORKERS = 2
RETRY = RetryPolicy(Backoff(timedelta(seconds=10), timedelta(seconds=80)), 4)
HOSTS = ("solo", "far", "m1", "m2")
FATES = ("updated", "updated", "failed", "rolled_back", "lost", "lost but done", "left alone")


# What the owners of the first targets may say next; and because of what one may stay behind for ever.
LABELS: tuple[dict[str, str], ...] = (
    {},
    {"enable": "false"},
    {"windw": "mon"},
    {"minimum_age": "30s"},
    {"monitor_only": "yes"},
)
BEFORE_PROD = "container/solo/test"
STAYS = frozenset(("opted_out", "unreadable", "watched", "declined", "lapsed", "frozen"))
WAITS_FOR_A_PERSON = frozenset(("frozen", "unreadable", "soaking"))


def owned(target: Target, **labels: str) -> Target:
    """A target with labels, of whose names `_` stands for `-`."""
    said = ((name.replace("_", "-"), value) for name, value in labels.items())
    return replace(target, labels=tuple(sorted(said)))


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


@dataclass
class Real:
    """A target as it really is; ``target`` says all of it that never changes."""

    target: Target
    tag: str
    digest: str = digest(0)
    changed_at: datetime = NOON - timedelta(days=1)
    by_person_at: datetime | None = None
    is_down: bool = False


@dataclass
class Run:
    """A run that goes on: the targets that it has yet to come to, and what became of the others; each is a step, and ``is_held`` tells that no other begins."""

    start: Start
    rollout: Rollout
    left: list[str]
    known: dict[str, TargetOutcome] = field(default_factory=dict)
    is_held: bool = False


class Planning(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.number = 0
        self.pushed_at: dict[int, datetime] = {}
        self.down: set[str] = set()
        self.desired: dict[str, DesiredImage] = {}
        self.real = {
            one.key: Real(one, tag)
            for one, tag in (
                (container("web", on="solo"), "1"),
                (owned(container("db", on="solo"), minimum_age="20s", longest_wait="60s"), "2"),
                (owned(container("web", on="far"), window="cron * * * * * for 30s"), "1"),
                (owned(service("api", ("m1", "m2")), approval="required", approval_deadline="5m"), "1"),
                (owned(container("prod", on="far"), soak="15s", order="5"), "3"),
                (container("test", on="solo"), "3"),
            )
        }
        self.hosts = {name: host(name) for name in HOSTS}
        self.seen: dict[str, Target] = {}
        self.rollouts: dict[int, Rollout] = {}
        self.outcomes: dict[int, dict[str, RunOutcome]] = {}
        self.last: dict[str, LastAttempt] = {}
        self.refusals: set[Refusal] = set()
        self.overrides: set[Override] = set()
        self.decisions: dict[int, tuple[Decision, ...]] = {}
        self.freezes: list[Freeze] = []
        self.delays: dict[PushedName, tuple[Delay, ...]] = {}
        self.runs: list[Run] = []
        self.broken: list[str] = []
        for name in HOSTS:
            self.scan(name)

    # What happens.

    @rule(seconds=st.sampled_from((1, 7, 60)))
    def time_goes_by(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(tag=st.sampled_from(("1", "1", "2", "3", "4")))
    def push(self, tag: str) -> None:
        self.time_goes_by(1)
        self.number += 1
        self.pushed_at[self.number] = self.now
        self.desired[tag] = DesiredImage(
            self.number, "production", (HOST,), "test/app", tag, digest(self.number), self.now
        )
        self.time_goes_by(1)

    @rule(name=st.sampled_from(HOSTS))
    def scan(self, name: str) -> None:
        if name in self.down:
            self.hosts[name] = replace(self.hosts[name], asked_at=self.now, error="no route")
            return
        before = self.hosts[name]
        back_since = self.now if before.error else before.back_since
        self.hosts[name] = replace(before, asked_at=self.now, error=None, back_since=back_since)
        for key, one in self.real.items():
            if name in one.target.hosts and not self.in_work(key):
                self.seen[key] = self.as_seen(one)

    @rule(name=st.sampled_from(HOSTS))
    def host_goes_down(self, name: str) -> None:
        self.down.add(name)

    @rule()
    def hosts_come_back(self) -> None:
        self.down.clear()

    @rule(which=st.integers(0, 5), labels=st.sampled_from(LABELS))
    def owner_says_something_else(self, which: int, labels: dict[str, str]) -> None:
        one = list(self.real.values())[which]
        one.target = owned(one.target, **labels)

    @rule(yes=st.booleans(), person=st.sampled_from(("ann", "bob")))
    @precondition(lambda self: self.desired)
    def person_decides(self, yes: bool, person: str) -> None:
        for one in self.desired.values():
            keys = frozenset(key for key, target in self.seen.items() if self.matches(target, one))
            word = Decision(1, one.push, keys, person, self.now, yes)
            self.decisions[one.push] = (*self.decisions.get(one.push, ()), word)

    @rule(scope=st.sampled_from((Scope.EVERYTHING, Scope.HOST)), seconds=st.sampled_from((20, 300, None)))
    def person_freezes(self, scope: Scope, seconds: int | None) -> None:
        until = self.now + timedelta(seconds=seconds) if seconds else None
        of = "far" if scope is Scope.HOST else ""
        self.freezes.append(Freeze(len(self.freezes), scope, of, self.now, until, "a reason", "ann"))

    @rule()
    def person_thaws(self) -> None:
        self.freezes.clear()

    @rule(which=st.integers(0, 5))
    def person_changes(self, which: int) -> None:
        one = list(self.real.values())[which]
        if not self.in_work(one.target.key):
            self.time_goes_by(1)
            self.number += 1
            one.digest, one.changed_at, one.by_person_at = digest(self.number), self.now, self.now
            self.time_goes_by(1)

    @rule(which=st.integers(0, 5))
    @precondition(lambda self: self.desired)
    def person_asks_again(self, which: int) -> None:
        desired = list(self.desired.values())[which % len(self.desired)]
        rollout = self.rollouts.get(desired.push)
        if rollout and rollout.state is not RolloutState.RUNNING:
            for key, target in self.seen.items():
                if (
                    self.matches(target, desired)
                    and judge(target, desired, self.history(), self.fleet(), self.now).is_overridable
                ):
                    self.overrides.add(Override(key, desired.push))
            self.apply(retried(rollout, "somebody", self.now))

    @rule()
    def look(self) -> None:
        desired, fleet = list(self.desired.values()), self.fleet()
        planned = plan(desired, fleet, self.history(open_targets(desired, fleet)), self.now)
        self.overrides -= planned.closed_overrides
        for number in planned.supersede:
            (rollout,) = (one for one in self.rollouts.values() if one.id == number)
            self.apply(superseded(rollout, tuple(self.outcomes.get(number, {}).values()), self.now))
        for one in planned.delayed:
            self.delays[one.name] = (*self.delays.get(one.name, ()), Delay(one.push, one.received_at))
        for name in planned.caught_up:
            del self.delays[name]
        for wait in planned.waits:
            before = self.rollouts.get(wait.desired.push) or self.new_rollout(wait.desired)
            self.apply(Effects(after_wait(before, wait, self.now)))
        for run in self.runs:
            run.is_held |= run.rollout.id in planned.hold
        for rollout in planned.settle:
            self.apply(settled(rollout, rollout, self.now))
        for start in planned.start[: WORKERS - len(self.runs)]:
            self.begin(start)

    @rule(which=st.integers(0, 5), fate=st.sampled_from(FATES))
    @precondition(lambda self: self.runs)
    def work(self, which: int, fate: str) -> None:
        run = self.runs[which % len(self.runs)]
        if run.left:
            self.work_on(run, run.left.pop(), fate)
        else:
            self.conclude(run)

    @rule(go_on=st.sets(st.integers(0, 2)))
    def operator_is_killed(self, go_on: AbstractSet[int] = frozenset()) -> None:
        """Some of the updates in work go on without it, and nobody hears of their end."""
        for run in self.runs:
            for number, key in enumerate(run.left):
                if number in go_on:
                    self.work_on(run, key, "updated", is_heard=False)
        self.runs.clear()
        for rollout in list(self.rollouts.values()):
            if rollout.state is RolloutState.RUNNING:
                self.apply(interrupted(rollout, self.outcomes.get(rollout.id, {}).values(), self.now))

    # What must never be.

    @invariant()
    def no_rule_is_broken(self) -> None:
        assert not self.broken
        touched = [target.key for run in self.runs for target in run.start.targets]
        assert len(touched) == len(set(touched)), "two runs are for one target"
        assert len({run.rollout.name for run in self.runs}) == len(self.runs)

    @invariant()
    def what_does_not_concern_the_fleet_changes_no_plan(self) -> None:
        fleet, everything = self.fleet(), list(self.desired.values())
        indexed = DesiredImages({"production": (HOST.upper(),)})
        everything.sort(key=lambda one: one.push)
        indexed.add(everything)
        run = indexed.run_by(fleet.by_name)
        history = self.history(open_targets(everything, fleet))
        assert sorted(open_targets(run, fleet)) == sorted(open_targets(everything, fleet))
        narrowed = plan(concerning(indexed, run, history), fleet, history, self.now)
        assert narrowed == plan(everything, fleet, history, self.now)

    def teardown(self) -> None:
        """Nothing happens any more but that the operator works and targets do as they are told."""
        self.operator_is_killed()
        self.down.clear()
        for _ in range(30):
            for name in HOSTS:
                self.scan(name)
            for _ in range(20):
                self.look()
                if not self.runs:
                    break
                while self.runs:
                    self.work(0, "updated")
            else:
                self.broken.append("the planner goes round and round")
            # So that no moment of a minute is left out.
            self.time_goes_by(37)
        self.no_rule_is_broken()
        over = (RolloutState.FINISHED, RolloutState.SUPERSEDED)
        left = [one for one in self.rollouts.values() if one.state not in over]
        assert all(set(one.waits) & WAITS_FOR_A_PERSON for one in left), "a rollout never ends"
        for key, one in self.real.items():
            desired = self.desired.get(one.tag)
            unheard = self.history().unheard.get(desired.push, ()) if desired else ()
            if desired and (one.digest != desired.digest or key in unheard):
                target = self.seen[key]
                verdict = judge(target, desired, self.history(), self.fleet(), self.now)
                assert self.may_stay(key, one, desired, verdict), f"{key} stays behind: {verdict}"

    def may_stay(self, key: str, one: Real, desired: DesiredImage, verdict: Verdict) -> bool:
        by_person = one.by_person_at is not None and one.by_person_at > desired.received_at
        rollout = self.rollouts.get(desired.push)
        given_up = rollout is not None and rollout.attempts >= RETRY.attempts
        ended = self.outcomes.get(rollout.id, {}).values() if rollout else ()
        canary = any(one.result.outcome in _VERDICTS for one in ended)
        return (
            by_person
            or Refusal(key, desired.digest) in self.refusals
            or verdict.name in STAYS
            or (verdict.name == "soaking" and self.real[BEFORE_PROD].digest != desired.digest)
            or (verdict is LEFT_ALONE and (canary or given_up))
            or (verdict in (DONE, LATER) and (given_up or canary))
        )

    # How the operator and the playbooks do it.

    def begin(self, start: Start) -> None:
        push, desired = start.desired.push, start.desired
        before = self.rollouts.get(push) or self.new_rollout(desired)
        for target in start.targets:
            against = rule_on(Case(target, desired, self.history(), self.fleet(), self.now))
            if against:
                self.broken.append(f"{target.key} is updated, though it {against}")
            self.broken += [f"{target.key} is updated, though {why}" for why in self.why_not(target, desired)]
        keys = [target.key for target in start.targets]
        effects = run_begun(before, desired.digest, keys, self.last, self.now)
        self.apply(effects)
        self.runs.append(Run(start, effects.rollout, keys))

    def why_not(self, target: Target, desired: DesiredImage) -> list[str]:
        """What of this world's rules speaks against an update, told without the code that is tested."""
        labels, age = dict(target.labels), (self.now - desired.received_at).total_seconds()
        words = {
            one.person: one.is_approval
            for one in self.decisions.get(desired.push, ())
            if target.key in one.keys
        }
        insists = Override(target.key, desired.push) in self.overrides
        frozen = any(
            (one.until is None or self.now < one.until) and (not one.of or one.of in target.hosts)
            for one in self.freezes
        )
        found = {
            "it opted out": labels.get("enable") == "false" or "monitor-only" in labels,
            "nobody can read its label": "windw" in labels,
            "nobody approved it": "approval" in labels and (False in words.values() or not words),
            "it is frozen": frozen and not insists,
            "its window is closed": "window" in labels and self.now.second >= 30 and not insists,
            "it was just pushed": "minimum-age" in labels and age < 20 and not self.delays and not insists,
        }
        return [why for why, speaks in found.items() if speaks]

    def new_rollout(self, desired: DesiredImage) -> Rollout:
        return Rollout(
            desired.push, desired.push, desired.name, desired.image, RolloutState.WAITING, self.now
        )

    def apply(self, effects: Effects | None) -> None:
        """Keep what the store would keep."""
        if effects is None:
            return
        rollout = effects.rollout
        self.rollouts[rollout.push] = rollout
        kept = self.outcomes.setdefault(rollout.id, {})
        kept.update({one.result.key: one for one in effects.outcomes})
        self.last.update(effects.last_attempts)
        self.refusals = (self.refusals | effects.refusals) - effects.forgiven
        self.overrides -= effects.closed_overrides
        if effects.closes_push:
            self.overrides = {one for one in self.overrides if one.push != rollout.push}

    def work_on(self, run: Run, key: str, fate: str, *, is_heard: bool = True) -> None:
        one, desired = self.real[key], run.start.desired
        fate, before = self.what_becomes(run, key, fate), one.digest
        if fate in ("updated", "lost but done"):
            self.time_goes_by(1)
            one.digest, one.changed_at, one.by_person_at = desired.digest, self.now, None
        if not is_heard:
            return
        outcome = _OUTCOMES[fate]
        after = None if outcome is Outcome.UNREACHABLE else one.digest
        target = one.target
        ended = TargetOutcome(
            key,
            target.kind,
            target.name,
            target.place,
            outcome,
            before,
            after,
            left_alone=fate == "left alone",
            held=fate == "held",
        )
        run.known[key] = ended
        self.apply(self.known_now(run, [ended]))

    def what_becomes(self, run: Run, key: str, fate: str) -> str:
        """What a run comes to that looks at a target as it is now; ``fate`` is what becomes of an update."""
        one, desired = self.real[key], run.start.desired
        is_overridden = key in run.start.overridden
        if all(name in self.down for name in one.target.hosts):
            return "lost"
        if self.changed_meanwhile(run, one):
            return "superseded"
        if run.is_held or one.target.labels != self.planned_labels(run, key):
            return "held"
        if one.digest == desired.digest:
            return "unchanged"
        if fate == "left alone" and not any(one.outcome in _BAD for one in run.known.values()):
            return "updated"
        if run.rollout.is_stopped and self.was_left_alone(run, key) and not is_overridden:
            self.broken.append(f"{key}: is touched though what came before it spoke against the image")
        elif Refusal(key, desired.digest) in self.refusals and not is_overridden:
            self.broken.append(f"{key}: a digest that was rolled back is tried again")
        elif one.by_person_at and one.by_person_at > desired.received_at and not is_overridden:
            self.broken.append(f"{key}: what a person changed after the push is touched")
        return fate

    def planned_labels(self, run: Run, key: str) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(run.start.planned[key]["labels"].items()))

    def changed_meanwhile(self, run: Run, one: Real) -> bool:
        looked_at = {"digests": [one.digest], "age": (self.now - one.changed_at).total_seconds()}
        known = run.start.possible_digests.get(one.target.key)
        return changed_after(
            looked_at, known, run.start.desired.received_at.timestamp(), self.now.timestamp()
        )

    def was_left_alone(self, run: Run, key: str) -> bool:
        before = self.outcomes.get(run.rollout.id, {}).get(key)
        return before is not None and before.result.left_alone

    def known_now(self, run: Run, outcomes: list[TargetOutcome]) -> Effects:
        rollout = self.rollouts[run.rollout.push]
        return outcomes_known(rollout, run.start.desired.digest, outcomes, self.last, self.now)

    def conclude(self, run: Run) -> None:
        self.runs.remove(run)
        for key, one in run.known.items():
            if one.after and key in self.seen:
                self.seen[key] = replace(
                    self.seen[key],
                    digests=frozenset((one.after,)),
                    since=self.seen[key].since if self.seen[key].runs(one.after) else self.now,
                )
        before = {key: one.result for key, one in self.outcomes.get(run.rollout.id, {}).items()}
        end = RunEnd(run.start.desired.digest, tuple(run.known.values()), before)
        self.apply(run_ended(self.rollouts[run.rollout.push], end, self.last, RETRY, self.now))

    # What is known.

    def in_work(self, key: str) -> bool:
        return any(target.key == key for run in self.runs for target in run.start.targets)

    def fleet(self) -> Fleet:
        return Fleet(dict(self.hosts), dict(self.seen))

    def history(self, keys: Any = None) -> History:
        running = self.running_pushes()
        waiting = {one.push for one in self.rollouts.values() if one.state is RolloutState.WAITING}
        last = {
            key: one
            for key, one in self.last.items()
            if keys is None or key in keys or one.push in running or (one.is_unheard and one.push in waiting)
        }
        return History(
            dict(self.rollouts),
            last,
            frozenset(self.refusals),
            frozenset(self.overrides),
            self.decisions,
            Freezes(tuple(self.freezes)),
            running,
            dict(self.delays),
        )

    def running_pushes(self) -> dict[int, KeptPush]:
        """What the store tells of the pushes of rollouts that run."""
        running = (one for one in self.rollouts.values() if one.state is RolloutState.RUNNING)
        return {
            one.push: KeptPush(one.push, *one.name, digest(one.push), None, self.pushed_at[one.push])
            for one in running
        }

    def as_seen(self, one: Real) -> Target:
        name = f"{HOST}/test/app:{one.tag}"
        now = replace(
            one.target,
            image=name,
            reference=replace(one.target.reference, tag=one.tag) if one.target.reference else None,
            digests=frozenset((one.digest,)),
            since=one.changed_at,
        )
        before = self.seen.get(one.target.key)
        return replace(now, since=before.since) if before and before.digests == now.digests else now

    def matches(self, target: Target, desired: DesiredImage) -> bool:
        return target.reference is not None and target.reference.tag == desired.tag


_VERDICTS = (Outcome.ROLLED_BACK, Outcome.ROLLBACK_FAILED)
_BAD = (*_VERDICTS, Outcome.FAILED, Outcome.UNREACHABLE)
_OUTCOMES = {
    "updated": Outcome.UPDATED,
    "unchanged": Outcome.UNCHANGED,
    "failed": Outcome.FAILED,
    "rolled_back": Outcome.ROLLED_BACK,
    "lost": Outcome.UNREACHABLE,
    "lost but done": Outcome.UNREACHABLE,
    "left alone": Outcome.SKIPPED,
    "held": Outcome.SKIPPED,
    "superseded": Outcome.SUPERSEDED,
}

TestPlanning = Planning.TestCase
TestPlanning.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
