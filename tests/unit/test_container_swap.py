# SPDX-License-Identifier: Apache-2.0
"""The order of a swap, tried on a small model of an engine: from every state, and interrupted anywhere.

The model does what engines do: it is told one step at a time, and it may restart between any two, which ends
containers without a restart policy and starts others.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.actions import ACTIONS
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions import steps
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.sight import (
    Pair,
    Seen,
    View,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.steps import (
    ENDS,
    Step,
    Verb,
    next_step,
    resumed,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    BACK,
    FORWARD,
    PAUSED,
    RUNNING,
    STOPPED,
    Member,
    Swap,
    is_aside,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap_json import (
    UnreadableSwap,
    from_json,
    to_json,
)
from hypothesis import given
from hypothesis import strategies as st

REQUEST: dict[str, Any] = {
    "body": {"HostConfig": {}},
    "platform": "",
    "connect": {},
    "disconnect": [],
    "image": "sha256:new",
    "reference": "registry.example.com/test/app:1",
}
WANTED = {"image": "registry.example.com/test/app:1", "digest": "sha256:new", "new_image": "sha256:x"}


def member(
    name: str = "web", was: str = RUNNING, policy: str = "always", *, vanishes: bool = False
) -> Member:
    return Member(name, f"{name}-old", was, {"Name": policy}, vanishes, REQUEST, REQUEST)


def swap_of(*members: Member, restarts: tuple[str, ...] = ()) -> Swap:
    return Swap("0123abcd", members, restarts, WANTED | {"name": members[0].name})


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
        if step.verb in (Verb.STOP_RESTART, Verb.START_RESTART):
            seen = self.containers[swap.restarts[index]]
            self.swap = replace(swap, touched=True)
            self.change(seen, status="exited")
            if step.verb == Verb.START_RESTART:
                self.start(self.containers[seen.id])
            return
        one = swap.members[index]
        pair = self.view().pairs[index]
        if step.verb == Verb.CREATE:
            identity = f"{one.name}-new"
            policy = "no" if one.guarded else one.policy["Name"]
            self.containers[identity] = Seen(
                identity, swap.aside(one, "new"), "created", started=False, policy=policy
            )
            self.swap = swap.with_member(index, new_id=identity)
        elif step.verb == Verb.STOP_OLD:
            self.swap = replace(swap, touched=True)
            self.stop(pair.old, one)
        elif step.verb == Verb.STOP_NEW:
            self.stop(pair.new, one)
        elif step.verb in (Verb.SET_ASIDE_OLD, Verb.SET_ASIDE_NEW):
            self.change(
                pair.old if step.verb.value.endswith("old") else pair.new,
                name=swap.aside(one, step.verb.value[-3:]),
            )
        elif step.verb in (Verb.NAME_OLD, Verb.NAME_NEW):
            assert not pair.holder, "a name is free before it is given"
            self.change(pair.old if step.verb.value.endswith("old") else pair.new, name=one.name)
        elif step.verb in (Verb.ARM_OLD, Verb.DISARM_OLD, Verb.REARM_OLD, Verb.ARM_NEW):
            policy = {Verb.ARM_OLD: "always", Verb.DISARM_OLD: "no"}.get(step.verb, one.policy["Name"])
            self.change(pair.new if step.verb.value.endswith("new") else pair.old, policy=policy)
        elif step.verb in (Verb.START_NEW, Verb.START_OLD):
            self.start(pair.new if step.verb.value.endswith("new") else pair.old)
        elif step.verb in (Verb.PAUSE_NEW, Verb.PAUSE_OLD):
            self.change(pair.new if step.verb.value.endswith("new") else pair.old, status="paused")
        elif step.verb == Verb.GATE:
            if pair.new and not pair.new.alive:
                self.start(pair.new)  # an outage ended it: once more
            elif self.good:
                self.swap = replace(swap, passed=(*swap.passed, one.name))
            else:
                self.swap = swap.turned_back("bad", blamed=True)
        elif step.verb == Verb.PROVE:
            self.swap = replace(swap, proven=True)
        elif step.verb == Verb.TURN_BACK:
            self.swap = swap.turned_back(step.reason)
        elif step.verb == Verb.RESTORE_OLD:
            identity = f"{one.name}-old-again"
            self.containers[identity] = Seen(
                identity, swap.aside(one, "old"), "created", started=False, policy=one.policy["Name"]
            )
            self.swap = swap.with_member(index, old_id=identity)
        elif step.verb == Verb.REMOVE_OLD:
            assert swap.proven, "the old one stays until the new one is proven"
            assert pair.old is not None
            del self.containers[pair.old.id]
        elif step.verb == Verb.REMOVE_NEW:
            assert pair.new is not None
            del self.containers[pair.new.id]
        else:
            raise AssertionError(step)

    def run(self, disturb: "set[int] | frozenset[int]" = frozenset()) -> Verb:
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

    wanted = "new" if end == Verb.UPDATED else "old"
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
        assert end == (Verb.UPDATED if good or swap.members[0].was == STOPPED else Verb.RESTORED)


def test_every_new_container_is_made_before_an_old_one_stops_and_dependents_stop_first() -> None:
    world = World(swap_of(member(), member("client"), restarts=("worker",)))
    verbs = []
    while (step := next_step(world.swap, world.view())).verb not in ENDS:
        verbs.append((step.verb, step.index))
        world.do(step)
    assert verbs == [
        (Verb.CREATE, 0), (Verb.CREATE, 1), (Verb.STOP_RESTART, 0), (Verb.STOP_OLD, 1), (Verb.STOP_OLD, 0),
        (Verb.SET_ASIDE_OLD, 0), (Verb.NAME_NEW, 0), (Verb.START_NEW, 0), (Verb.GATE, 0), (Verb.DISARM_OLD, 0), (Verb.ARM_NEW, 0),
        (Verb.SET_ASIDE_OLD, 1), (Verb.NAME_NEW, 1), (Verb.START_NEW, 1), (Verb.GATE, 1), (Verb.DISARM_OLD, 1), (Verb.ARM_NEW, 1),
        (Verb.START_RESTART, 0), (Verb.PROVE, 0), (Verb.REMOVE_OLD, 1), (Verb.REMOVE_OLD, 0),
    ]  # fmt: skip


def test_a_name_that_somebody_else_took_is_left_to_them() -> None:
    world = World(swap_of(member()))
    while next_step(world.swap, world.view()).verb != Verb.NAME_NEW:
        world.do(next_step(world.swap, world.view()))
    world.containers["foreign"] = Seen("foreign", "web", "running")
    assert next_step(world.swap, world.view()).verb == Verb.GIVE_WAY


def test_a_failed_start_is_never_tried_again() -> None:
    world = World(swap_of(member()))
    while next_step(world.swap, world.view()).verb != Verb.START_NEW:
        world.do(next_step(world.swap, world.view()))
    world.change(world.containers["web-new"], error="port is taken")
    step = next_step(world.swap, world.view())
    assert (step.verb, "port is taken" in step.reason) == (Verb.TURN_BACK, True)


def test_a_swap_that_was_interrupted_before_anything_stopped_is_dropped_and_another_goes_on() -> None:
    def direction(world: World) -> str:
        return resumed(world.swap, world.view()).direction

    world = World(swap_of(member()))
    assert direction(world) == BACK
    world.do(Step(Verb.CREATE))
    assert direction(world) == BACK
    world.do(Step(Verb.STOP_OLD))
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
    assert verbs.index(Verb.DISARM_OLD) < verbs.index(Verb.START_NEW)
    assert world.containers["web-new"].policy == "always"
    assert not {Verb.ARM_OLD, Verb.ARM_NEW}.intersection(verbs)


def test_the_first_reason_to_turn_back_is_the_one_that_is_kept() -> None:
    swap = swap_of(member()).turned_back("first", blamed=True, log=["cannot work"]).turned_back("second")
    assert (swap.direction, swap.reason, swap.blamed) == (BACK, "first", True)
    assert swap.log == ("cannot work",)


def test_a_journal_gives_back_what_was_put_into_it() -> None:
    swap = swap_of(replace(member(), files=("/a",)), restarts=("x",)).turned_back("bad", log=["cannot work"])
    assert from_json(json.loads(json.dumps(to_json(swap)))) == swap


MEMBER = to_json(swap_of(member()))["members"][0]


def test_a_field_that_nobody_knows_is_left_out_and_one_that_is_missing_has_its_default() -> None:
    """What another version wrote, with the same version of the journal."""
    swap = swap_of(member())
    kept: dict[str, Any] = {**to_json(swap), "colour": "blue"}
    kept["members"] = [{**one, "shape": "round"} for one in kept["members"]]
    del kept["version"], kept["warnings"], kept["members"][0]["gated"]
    assert from_json(json.loads(json.dumps(kept))) == swap


@pytest.mark.parametrize(
    ("kept", "remedy"),
    [
        ({"version": 2}, "was begun by a later version"),
        ({"version": "new"}, "upgrade what updates this host"),
        ({"members": []}, "then remove /of/web.swap.json"),
        ({"members": [{}]}, "see that its container runs"),
        ({"members": [{**MEMBER, "create": {}}]}, "see that its container runs"),
        (
            {"members": [{**MEMBER, "restore": {**REQUEST, "body": {"HostConfig": None}}}]},
            "see that its container",
        ),
        ({"members": "web"}, "see that its container runs"),
        ({"wanted": {"name": "web", "image": 1, "digest": ""}}, "the update of web has not what it needs"),
        ({"wanted": None}, "the update of a container has not what it needs"),
        ({"passed": 3}, "see that its container runs"),
        (None, "see that its container runs"),
    ],
)
def test_a_journal_that_cannot_be_read_is_told_with_what_to_do(
    kept: dict[str, Any] | None, remedy: str
) -> None:
    with pytest.raises(UnreadableSwap, match=remedy):
        from_json(None if kept is None else {**to_json(swap_of(member())), **kept}, "/of/web.swap.json")


def test_every_verb_has_one_action_and_every_action_its_verb() -> None:
    assert list(ACTIONS) == list(Verb)
    assert len(set(ACTIONS.values())) == len(Verb), "no two do the same"


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_is_the_next_step_somewhere(verb: Verb) -> None:
    """The decision names each, so none is dead."""
    assert f"Verb.{verb.name}" in Path(str(steps.__file__)).read_text().partition("def next_step")[2]


def test_names_aside_are_known_again() -> None:
    swap = swap_of(member("my.web-1"))
    assert is_aside(swap.aside(swap.members[0], "old"))
    assert not is_aside("my.web-1")
    assert not is_aside("web-old")


def test_a_rollback_that_was_interrupted_at_its_very_end_is_still_one() -> None:
    world = World(swap_of(member()), good=False)
    while next_step(world.swap, world.view()).verb != Verb.RESTORED:
        world.do(next_step(world.swap, world.view()))
    assert world.swap.touched
    again = resumed(world.swap, world.view())
    assert (again.touched, again.direction, again.blamed) == (True, BACK, True)


def test_an_engine_that_is_removing_a_container_is_waited_for() -> None:
    world = World(swap_of(member()))
    world.change(world.containers["web-old"], status="removing")
    assert next_step(world.swap, world.view()) == Step(Verb.WAIT)


def test_a_swap_whose_new_container_is_not_as_it_should_be_is_proven_no_more() -> None:
    for was, status, proven in (
        (PAUSED, "paused", True),
        (PAUSED, "running", False),
        (RUNNING, "exited", False),
    ):
        world = World(replace(swap_of(replace(member(was=was), new_id="n")), proven=True))
        view = View([Pair(None, Seen("n", "web", status))])
        assert steps.doubted(world.swap, view).proven is proven


def test_one_that_is_to_stay_stopped_and_was_started_by_somebody_is_left_to_them() -> None:
    swap = swap_of(replace(member(was=STOPPED), new_id="web-new"))
    old, new = Seen("web-old", "web", "running"), Seen("web-new", "aside", "created", started=False)
    step = next_step(swap, View([Pair(old, new, "web-old")]))
    assert (step.verb, step.reason) == (Verb.TURN_BACK, "web was started in the meantime")


def test_a_new_container_that_somebody_removed_turns_the_swap_back() -> None:
    swap = swap_of(replace(member(), new_id="web-new"))
    step = next_step(swap, View([Pair(Seen("web-old", "web", "running"), None, "web-old")]))
    assert (step.verb, step.reason) == (Verb.TURN_BACK, "the new container of web is gone")


def test_one_whose_old_container_was_renamed_or_whose_new_one_was_started_is_gone_on_with() -> None:
    swap = swap_of(replace(member(), new_id="web-new"))
    old, new = Seen("web-old", "web", "running"), Seen("web-new", "aside", "running")
    assert resumed(swap, View([Pair(replace(old, name="aside"), None)])).direction == FORWARD
    assert resumed(swap, View([Pair(old, new)])).direction == FORWARD
