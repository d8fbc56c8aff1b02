"""The world in which owners and people say when, and whether, targets are updated, and somebody sets the clock."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from integration.world import POLICY, World
from registry_docker_updater.activities import freezing
from registry_docker_updater.core.audit.entries import Person
from registry_docker_updater.core.policy.freezes import Scope
from registry_docker_updater.core.rollouts.planner import open_pushes, open_targets
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts import Case, rule_on
from registry_docker_updater.storage.actions import decide

BOB, EVE = Person("bob", "here"), Person("eve", "here")
HOUR = timedelta(hours=1)


class Ruled(World):
    """Each thing has a rule of its own; at no moment a run begins for one whose rule speaks against it."""

    def __init__(self, choose: Callable[[int], int], runs: Path) -> None:
        super().__init__(choose, runs)
        rules: tuple[dict[str, str], ...] = (
            {"minimum-age": "30s", "longest-wait": "1d"},
            {"window": "cron * * * * * for 30s"},
            {"approval": "required", "four-eyes": "true"},
            {},
        )
        for thing, labels in zip(self.things, rules, strict=True):
            thing.labels = labels

    def step(self) -> None:
        """One thing happens, and now and then people decide something, or somebody sets the clock."""
        super().step()
        acts: list[Callable[[], object]] = [
            self.approve,
            lambda: self.freeze(Scope.EVERYTHING, ""),
            lambda: self.freeze(Scope.HOST, "far"),
            self.set_clock,
            *[lambda: None] * 12,
        ]
        acts[self.choose(len(acts))]()

    def approve(self) -> None:
        for one in self.store.rollouts.in_state(RolloutState.WAITING):
            keys = [thing.key for thing in self.things]
            # Nobody knows who pushed what was found, so that one more is to approve.
            for who in (BOB, EVE):
                decide(self.store, one.id, keys, who, self.clock(), is_approval=True)

    def freeze(self, scope: Scope, of: str) -> None:
        until = self.clock() + timedelta(seconds=90)
        freezing.freeze(self.store, freezing.FreezeWish(scope, of, until, "a reason"), BOB, self.clock())

    def set_clock(self) -> None:
        self.set_by += (HOUR, -HOUR)[self.choose(2)]

    def look(self) -> None:
        before = self.running()
        super().look()
        for push in self.running() - before:
            self.check(push)

    def running(self) -> frozenset[int]:
        return frozenset(one.push for one in self.store.rollouts.in_state(RolloutState.RUNNING))

    def check(self, push: int) -> None:
        """See that no rule speaks against the targets of a run that just began."""
        fleet, hosts, now = self.scanner.fleet, POLICY.registry_hosts, self.clock()
        desired = self.store.events.desired(hosts, of=push)
        history = self.store.history(hosts, open_targets(desired, fleet), open_pushes(desired, fleet))
        for one in desired:
            for target in fleet.behind(one.image_names, one.digest):
                last = history.last.get(target.key)
                rollout = history.rollouts[push]
                if last and last.push == push and last.at == rollout.started_at:
                    against = rule_on(Case(target, one, history, fleet, now))
                    self.wrongs += [f"{target.key} is updated, though it {against}"] if against else []

    def settle(self) -> None:
        """Time goes by, at all seconds of a minute, until what waits does so for people; and then they approve."""
        self.is_calm = True
        self.down.clear()
        # By every clock that was set, no freeze lasts longer.
        self.tick(12 * 3600)
        self.go_on()
        self.approve()
        self.go_on()
        self.calm_down()

    def go_on(self) -> None:
        for _ in range(16):
            self.look_and_work()
            self.look_and_work()
            self.tick(17)
