# SPDX-License-Identifier: Apache-2.0
"""The order of a swap, tried on a small model of an engine: from every state, and interrupted anywhere.

The model does what engines do: it is told one step at a time, and it may restart between any two, which ends
containers without a restart policy and starts others.
"""

import json
from dataclasses import dataclass, field, replace

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    BACK,
    FORWARD,
    PAUSED,
    RUNNING,
    STOPPED,
    Member,
    Pair,
    Seen,
    Step,
    Swap,
    View,
    is_aside,
    next_step,
    resumed,
)
from hypothesis import given
from hypothesis import strategies as st

ENDS = ("updated", "restored", "give_way")


def member(
    name: str = "web", was: str = RUNNING, policy: str = "always", *, vanishes: bool = False
) -> Member:
    return Member(name, f"{name}-old", was, {"Name": policy}, vanishes, {}, {})


def swap_of(*members: Member, restarts: tuple[str, ...] = ()) -> Swap:
    return Swap("0123abcd", members, restarts, {"name": members[0].name})


@dataclass
class World:
    """The engine, and the journal of one swap."""

    swap: Swap
    good: bool = True
    containers: dict[str, Seen] = field(default_factory=dict)
    clock: int = 10
    most_at_once: int = 0

    def __post_init__(self) -> None:
        for one in self.swap.members:
            status = {RUNNING: "running", PAUSED: "paused", STOPPED: "exited"}[one.was]
            self.containers[one.old_id] = Seen(
                one.old_id, one.name, status, started_at=5, policy=one.policy["Name"]
            )
        for identity in self.swap.restarts:
            self.containers[identity] = Seen(identity, identity, "running", started_at=6)

    def find(self, identity: str, name: str) -> Seen | None:
        named = next((one for one in self.containers.values() if one.name == name), None)
        return self.containers.get(identity) or named

    def view(self) -> View:
        pairs = []
        for one in self.swap.members:
            old = self.find(one.old_id, self.swap.aside(one, "old"))
            new = self.find(one.new_id, self.swap.aside(one, "new"))
            holder = next((seen.id for seen in self.containers.values() if seen.name == one.name), "")
            pairs.append(Pair(old, new, holder))
        return View(pairs, [self.containers.get(identity) for identity in self.swap.restarts])

    def change(self, seen: Seen | None, **changes: object) -> None:
        assert seen is not None
        self.containers[seen.id] = replace(seen, **changes)  # type: ignore[arg-type]

    def stop(self, seen: Seen | None, member: Member) -> None:
        assert seen is not None
        if member.vanishes:
            del self.containers[seen.id]
        else:
            self.change(seen, status="exited")

    def start(self, seen: Seen | None) -> None:
        assert seen is not None
        if not seen.alive:
            self.clock += 1
            self.change(seen, status="running", started=True, started_at=self.clock)

    def restart_engine(self) -> None:
        for seen in list(self.containers.values()):
            if seen.alive or (seen.policy == "always" and seen.started):
                self.change(seen, status="exited")
                if seen.policy == "always":
                    self.start(self.containers[seen.id])

    def do(self, step: Step) -> None:  # noqa: C901, PLR0912, PLR0915 - one branch per verb
        swap, index = self.swap, step.index
        if step.verb in ("stop_restart", "start_restart"):
            seen = self.containers[swap.restarts[index]]
            self.swap = replace(swap, touched=True)
            self.change(seen, status="exited")
            if step.verb == "start_restart":
                self.start(self.containers[seen.id])
            return
        one = swap.members[index]
        pair = self.view().pairs[index]
        if step.verb == "create":
            identity = f"{one.name}-new"
            policy = "no" if one.guarded else one.policy["Name"]
            self.containers[identity] = Seen(
                identity, swap.aside(one, "new"), "created", started=False, policy=policy
            )
            self.swap = swap.with_member(index, new_id=identity)
        elif step.verb == "stop_old":
            self.swap = replace(swap, touched=True)
            self.stop(pair.old, one)
        elif step.verb == "stop_new":
            self.stop(pair.new, one)
        elif step.verb in ("set_aside_old", "set_aside_new"):
            self.change(
                pair.old if step.verb.endswith("old") else pair.new, name=swap.aside(one, step.verb[-3:])
            )
        elif step.verb in ("name_old", "name_new"):
            assert not pair.holder, "a name is free before it is given"
            self.change(pair.old if step.verb.endswith("old") else pair.new, name=one.name)
        elif step.verb in ("arm_old", "disarm_old", "rearm_old", "arm_new"):
            policy = {"arm_old": "always", "disarm_old": "no"}.get(step.verb, one.policy["Name"])
            self.change(pair.new if step.verb.endswith("new") else pair.old, policy=policy)
        elif step.verb in ("start_new", "start_old"):
            self.start(pair.new if step.verb.endswith("new") else pair.old)
        elif step.verb in ("pause_new", "pause_old"):
            self.change(pair.new if step.verb.endswith("new") else pair.old, status="paused")
        elif step.verb == "gate":
            if pair.new and not pair.new.alive:
                self.start(pair.new)  # an outage ended it: once more
            elif self.good:
                self.swap = replace(swap, passed=(*swap.passed, one.name))
            else:
                self.swap = swap.turned_back("bad", blamed=True)
        elif step.verb == "prove":
            self.swap = replace(swap, proven=True)
        elif step.verb == "turn_back":
            self.swap = swap.turned_back(step.reason)
        elif step.verb == "restore_old":
            identity = f"{one.name}-old-again"
            self.containers[identity] = Seen(
                identity, swap.aside(one, "old"), "created", started=False, policy=one.policy["Name"]
            )
            self.swap = swap.with_member(index, old_id=identity)
        elif step.verb == "remove_old":
            assert swap.proven, "the old one stays until the new one is proven"
            assert pair.old is not None
            del self.containers[pair.old.id]
        elif step.verb == "remove_new":
            assert pair.new is not None
            del self.containers[pair.new.id]
        else:
            raise AssertionError(step)

    def run(self, disturb: "set[int] | frozenset[int]" = frozenset()) -> str:
        for number in range(200):
            step = next_step(self.swap, self.view())
            if step.verb in ENDS:
                return step.verb
            self.do(step)
            if number in disturb:
                self.restart_engine()
        raise AssertionError("it does not come to an end")


SWAPS = [
    swap_of(member()),
    swap_of(member(policy="no")),
    swap_of(member(was=PAUSED)),
    swap_of(member(was=STOPPED, policy="no")),
    swap_of(member(policy="no", vanishes=True)),
    swap_of(member(), member("client"), member("sleeper", was=STOPPED, policy="no"), restarts=("worker",)),
]


@pytest.mark.parametrize("swap", SWAPS)
@given(good=st.booleans(), disturb=st.sets(st.integers(0, 25), max_size=4))
def test_one_container_has_the_name_and_the_state_it_had_whenever_the_engine_restarts(
    swap: Swap, good: bool, disturb: set[int]
) -> None:
    world = World(swap, good=good)
    end = world.run(disturb)

    wanted = "new" if end == "updated" else "old"
    assert {one.name for one in world.containers.values()} == {one.name for one in swap.members} | set(
        swap.restarts
    )
    for one in swap.members:
        seen = next(each for each in world.containers.values() if each.name == one.name)
        assert f"-{wanted}" in seen.id
        if one.was == STOPPED:
            assert not seen.alive
        else:
            assert seen.alive or seen.policy == "no", "up, unless the last restart of the engine ended it"
        assert seen.policy == one.policy["Name"]
    if not disturb:
        assert end == ("updated" if good or swap.members[0].was == STOPPED else "restored")


def test_every_new_container_is_made_before_an_old_one_stops_and_dependents_stop_first() -> None:
    world = World(swap_of(member(), member("client"), restarts=("worker",)))
    verbs = []
    while (step := next_step(world.swap, world.view())).verb not in ENDS:
        verbs.append((step.verb, step.index))
        world.do(step)
    assert verbs == [
        ("create", 0), ("create", 1), ("stop_restart", 0), ("stop_old", 1), ("stop_old", 0),
        ("set_aside_old", 0), ("name_new", 0), ("start_new", 0), ("gate", 0), ("disarm_old", 0), ("arm_new", 0),
        ("set_aside_old", 1), ("name_new", 1), ("start_new", 1), ("gate", 1), ("disarm_old", 1), ("arm_new", 1),
        ("start_restart", 0), ("prove", 0), ("remove_old", 1), ("remove_old", 0),
    ]  # fmt: skip


def test_a_name_that_somebody_else_took_is_left_to_them() -> None:
    world = World(swap_of(member()))
    while next_step(world.swap, world.view()).verb != "name_new":
        world.do(next_step(world.swap, world.view()))
    world.containers["foreign"] = Seen("foreign", "web", "running")
    assert next_step(world.swap, world.view()).verb == "give_way"


def test_a_failed_start_is_never_tried_again() -> None:
    world = World(swap_of(member()))
    while next_step(world.swap, world.view()).verb != "start_new":
        world.do(next_step(world.swap, world.view()))
    world.change(world.containers["web-new"], error="port is taken")
    step = next_step(world.swap, world.view())
    assert (step.verb, "port is taken" in step.reason) == ("turn_back", True)


def test_a_swap_that_was_interrupted_before_anything_stopped_is_dropped_and_another_goes_on() -> None:
    def direction(world: World) -> str:
        return resumed(world.swap, world.view()).direction

    world = World(swap_of(member()))
    assert direction(world) == BACK
    world.do(Step("create"))
    assert direction(world) == BACK
    world.do(Step("stop_old"))
    assert direction(world) == FORWARD
    world = World(swap_of(member(), restarts=("worker",)))
    world.change(world.containers["worker"], status="exited")
    assert direction(world) == FORWARD, "a container that leans on it was stopped"


def test_one_that_has_nothing_to_prove_has_its_restart_policy_from_its_start() -> None:
    world = World(swap_of(replace(member(), gated=False)))
    verbs = []
    while (step := next_step(world.swap, world.view())).verb not in ENDS:
        verbs.append(step.verb)
        world.do(step)
    assert verbs.index("disarm_old") < verbs.index("start_new")
    assert world.containers["web-new"].policy == "always"
    assert not {"arm_old", "arm_new"}.intersection(verbs)


def test_the_first_reason_to_turn_back_is_the_one_that_is_kept() -> None:
    swap = swap_of(member()).turned_back("first", blamed=True).turned_back("second")
    assert (swap.direction, swap.reason, swap.blamed) == (BACK, "first", True)


def test_a_journal_gives_back_what_was_put_into_it() -> None:
    swap = swap_of(replace(member(), files=("/a",)), restarts=("x",))
    assert Swap.from_json(json.loads(json.dumps(swap.as_json()))) == swap


def test_names_aside_are_known_again() -> None:
    swap = swap_of(member("my.web-1"))
    assert is_aside(swap.aside(swap.members[0], "old"))
    assert not is_aside("my.web-1")
    assert not is_aside("web-old")


def test_a_rollback_that_was_interrupted_at_its_very_end_is_still_one() -> None:
    world = World(swap_of(member()), good=False)
    while next_step(world.swap, world.view()).verb != "restored":
        world.do(next_step(world.swap, world.view()))
    assert world.swap.touched
    again = resumed(world.swap, world.view())
    assert (again.touched, again.direction, again.blamed) == (True, BACK, True)
