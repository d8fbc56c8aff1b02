"""The planner in a small world in which pushes, scans, people, crashes and outcomes come in whatever order.

The world is pure: the fleet as it really is, the fleet as last seen, and the history as the store would keep it.
Hypothesis chooses what happens; at any moment no rule may be broken, and once all is calm, nothing is left to do.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils.manual_changes import changed_after
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from registry_docker_updater.core.fleet import Fleet, Target
from registry_docker_updater.core.history import (
    History,
    Retry,
    Rollout,
    State,
    Tried,
    Wanted,
    after_run,
    became,
    begun,
)
from registry_docker_updater.core.outcomes import Outcome, TargetOutcome
from registry_docker_updater.core.planning import Start, Verdict, judge, open_targets, plan
from unit.builders import HOST, NOON, container, host, service

WORKERS = 2
RETRY = Retry(timedelta(seconds=10), timedelta(seconds=80), 4)
HOSTS = ("solo", "far", "m1", "m2")
FATES = ("updated", "updated", "failed", "rolled_back", "lost", "lost but done", "left alone")


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
    """A run that goes on: the targets that it has yet to come to, and what became of the others."""

    start: Start
    rollout: Rollout
    left: list[str]
    told: dict[str, TargetOutcome] = field(default_factory=dict)


class Planning(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.number = 0
        self.down: set[str] = set()
        self.wanted: dict[str, Wanted] = {}
        self.real = {
            one.key: Real(one, tag)
            for one, tag in (
                (container("web", on="solo"), "1"),
                (container("db", on="solo"), "2"),
                (container("web", on="far"), "1"),
                (service("api", ("m1", "m2")), "1"),
            )
        }
        self.hosts = {name: host(name) for name in HOSTS}
        self.seen: dict[str, Target] = {}
        self.rollouts: dict[int, Rollout] = {}
        self.attempts: dict[int, int] = {}
        self.outcomes: dict[int, dict[str, TargetOutcome]] = {}
        self.last: dict[str, Tried] = {}
        self.refused: set[tuple[str, str]] = set()
        self.told: set[tuple[str, int]] = set()
        self.runs: list[Run] = []
        self.broken: list[str] = []
        for name in HOSTS:
            self.scan(name)

    # What happens.

    @rule(seconds=st.sampled_from((1, 7, 60)))
    def time_goes_by(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(tag=st.sampled_from(("1", "1", "2")))
    def push(self, tag: str) -> None:
        self.time_goes_by(1)
        self.number += 1
        self.wanted[tag] = Wanted(self.number, (HOST,), "test/app", tag, digest(self.number), self.now)
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

    @rule(which=st.integers(0, 3))
    def person_changes(self, which: int) -> None:
        one = list(self.real.values())[which]
        if not self.in_work(one.target.key):
            self.time_goes_by(1)
            self.number += 1
            one.digest, one.changed_at, one.by_person_at = digest(self.number), self.now, self.now
            self.time_goes_by(1)

    @rule(which=st.integers(0, 3))
    @precondition(lambda self: self.wanted)
    def person_asks_again(self, which: int) -> None:
        wanted = list(self.wanted.values())[which % len(self.wanted)]
        rollout = self.rollouts.get(wanted.push)
        if rollout and rollout.state is not State.RUNNING:
            for key, target in self.seen.items():
                if (
                    self.matches(target, wanted)
                    and judge(target, wanted, self.history(), self.fleet(), self.now).can_be_told
                ):
                    self.told.add((key, wanted.push))
            self.rollouts[wanted.push] = replace(
                rollout, state=State.WAITING, due_at=self.now, is_stopped=False
            )
            self.attempts[rollout.id] = 0

    @rule()
    def look(self) -> None:
        wanted, fleet = list(self.wanted.values()), self.fleet()
        planned = plan(wanted, fleet, self.history(open_targets(wanted, fleet)), self.now)
        self.told -= planned.fulfilled
        for number in planned.supersede:
            self.end(number, State.SUPERSEDED)
        for rollout in planned.settle:
            self.end(rollout.id, State.FINISHED)
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

    @rule()
    def operator_is_killed(self) -> None:
        self.runs.clear()
        for push, rollout in self.rollouts.items():
            if rollout.state is State.RUNNING:
                self.rollouts[push] = replace(rollout, state=State.WAITING, due_at=self.now)

    # What must never be.

    @invariant()
    def no_rule_is_broken(self) -> None:
        assert not self.broken
        touched = [target.key for run in self.runs for target in run.start.targets]
        assert len(touched) == len(set(touched)), "two runs are for one target"
        assert len({run.rollout.reference for run in self.runs}) == len(self.runs)

    def teardown(self) -> None:
        """Nothing happens any more but that the operator works and targets do as they are told."""
        self.operator_is_killed()
        self.down.clear()
        for _ in range(2 * RETRY.attempts):
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
            self.time_goes_by(60)
        self.no_rule_is_broken()
        left = {one.state for one in self.rollouts.values()} - {State.FINISHED, State.SUPERSEDED}
        assert not left, "a rollout never ends"
        for key, one in self.real.items():
            wanted = self.wanted.get(one.tag)
            if wanted and one.digest != wanted.digest:
                target = self.seen[key]
                verdict = judge(target, wanted, self.history(), self.fleet(), self.now)
                assert self.may_stay(key, one, wanted, verdict), f"{key} stays behind: {verdict}"

    def may_stay(self, key: str, one: Real, wanted: Wanted, verdict: Verdict) -> bool:
        by_person = one.by_person_at is not None and one.by_person_at > wanted.received_at
        rollout = self.rollouts.get(wanted.push)
        given_up = rollout is not None and self.attempts[rollout.id] >= RETRY.attempts
        canary = any(one.outcome in _VERDICTS for one in self.became(wanted).values())
        return (
            by_person
            or (key, wanted.digest) in self.refused
            or (verdict is Verdict.LEFT_ALONE and (canary or given_up))
            or (verdict in (Verdict.DONE, Verdict.LATER) and (given_up or canary))
        )

    # How the operator and the playbooks do it.

    def begin(self, start: Start) -> None:
        push = start.wanted.push
        before = self.rollouts.get(push)
        number = before.id if before else push
        rollout = Rollout(
            number, push, start.wanted.name, State.RUNNING, is_stopped=bool(before and before.is_stopped)
        )
        self.rollouts[push] = rollout
        if before is None or before.state is State.FINISHED:
            self.attempts[number] = 1
        elif before.due_at is None or before.due_at <= self.now:
            self.attempts[number] += 1
        for target in start.targets:
            self.last[target.key] = begun(self.last.get(target.key), start.wanted, self.now)
        self.runs.append(Run(start, rollout, [target.key for target in start.targets]))

    def work_on(self, run: Run, key: str, fate: str) -> None:
        one, wanted = self.real[key], run.start.wanted
        is_told = key in run.start.told
        if all(name in self.down for name in one.target.hosts):
            fate = "lost"
        elif self.changed_meanwhile(run, one):
            fate = "superseded"
        elif one.digest == wanted.digest:
            fate = "unchanged"
        elif fate == "left alone" and not any(told.outcome in _BAD for told in run.told.values()):
            fate = "updated"
        elif run.rollout.is_stopped and self.was_left_alone(run, key) and not is_told:
            self.broken.append(f"{key}: is touched though what came before it spoke against the image")
        elif (key, wanted.digest) in self.refused and not is_told:
            self.broken.append(f"{key}: a digest that was rolled back is tried again")
        elif one.by_person_at and one.by_person_at > wanted.received_at and not is_told:
            self.broken.append(f"{key}: what a person changed after the push is touched")
        before = one.digest
        if fate in ("updated", "lost but done"):
            self.time_goes_by(1)
            one.digest, one.changed_at, one.by_person_at = wanted.digest, self.now, None
        outcome = _OUTCOMES[fate]
        after = None if outcome is Outcome.UNREACHABLE else one.digest
        target = one.target
        told = TargetOutcome(
            key,
            target.kind,
            target.name,
            target.place,
            outcome,
            before,
            after,
            left_alone=fate == "left alone",
        )
        run.told[key] = told
        self.keep(run, told)

    def changed_meanwhile(self, run: Run, one: Real) -> bool:
        looked_at = {"digests": [one.digest], "age": (self.now - one.changed_at).total_seconds()}
        known = run.start.known.get(one.target.key)
        return changed_after(looked_at, known, run.start.wanted.received_at.timestamp(), self.now.timestamp())

    def was_left_alone(self, run: Run, key: str) -> bool:
        before = self.outcomes.get(run.rollout.id, {}).get(key)
        return before is not None and before.left_alone

    def keep(self, run: Run, told: TargetOutcome) -> None:
        wanted = run.start.wanted
        self.outcomes.setdefault(run.rollout.id, {})[told.key] = told
        self.last[told.key] = became(self.last.get(told.key), wanted, told, self.now)
        if told.outcome in _VERDICTS:
            self.refused.add((told.key, wanted.digest))
        elif told.outcome is Outcome.UPDATED:
            self.refused.discard((told.key, wanted.digest))
        if told.outcome.is_final and not told.left_alone:
            self.told.discard((told.key, wanted.push))

    def conclude(self, run: Run) -> None:
        self.runs.remove(run)
        for key, told in run.told.items():
            if told.after and key in self.seen:
                self.seen[key] = replace(
                    self.seen[key],
                    digests=frozenset((told.after,)),
                    since=self.seen[key].since if self.seen[key].runs(told.after) else self.now,
                )
        became = self.became(run.start.wanted)
        standing = after_run(
            became.values(), run.start.wanted, self.attempts[run.rollout.id], self.now, RETRY
        )
        self.rollouts[run.rollout.push] = replace(run.rollout, **standing._asdict())
        if standing.is_stopped:
            self.told = {(key, push) for key, push in self.told if push != run.rollout.push}

    def end(self, number: int, state: State) -> None:
        push = next(push for push, rollout in self.rollouts.items() if rollout.id == number)
        self.rollouts[push] = replace(self.rollouts[push], state=state, due_at=None)

    # What is known.

    def in_work(self, key: str) -> bool:
        return any(target.key == key for run in self.runs for target in run.start.targets)

    def became(self, wanted: Wanted) -> dict[str, TargetOutcome]:
        rollout = self.rollouts.get(wanted.push)
        return self.outcomes.get(rollout.id, {}) if rollout else {}

    def fleet(self) -> Fleet:
        return Fleet(dict(self.hosts), dict(self.seen))

    def history(self, keys: Any = None) -> History:
        last = {key: tried for key, tried in self.last.items() if keys is None or key in keys}
        return History(dict(self.rollouts), last, frozenset(self.refused), frozenset(self.told))

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

    def matches(self, target: Target, wanted: Wanted) -> bool:
        return target.reference is not None and target.reference.tag == wanted.tag


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
    "superseded": Outcome.SUPERSEDED,
}

TestPlanning = Planning.TestCase
TestPlanning.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
