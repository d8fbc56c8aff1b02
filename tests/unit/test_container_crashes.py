"""Whatever ends an update at whatever instant: the container is up again, old or new, and nothing is left over.

The real work, with a real journal, on a model of an engine that does what engines were seen to do: see the module
``container/decisions/swap`` for what comes up by itself after a loss of power.
"""

import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.inspects import (
    as_seen,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.sight import Seen
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import (
    PAUSED,
    RUNNING,
    STOPPED,
    Member,
    Swap,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.container.finish import begin, repair
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal
from ansible_collections.registry.docker_updater.plugins.module_utils.container.work import Options
from ansible_collections.registry.docker_updater.plugins.module_utils.engine.errors import (
    EngineError,
    EngineUnreachable,
    NotFound,
)
from hypothesis import given, settings
from hypothesis import strategies as st

T = TypeVar("T")
POLICIES = ("no", "on-failure", "unless-stopped", "always")
IMAGE, LATER = "registry.example.com/shop/app:1", "registry.example.com/shop/app:2"
AT_ONCE = Options(settle=0, outage=0)
NOBODY_STARTED_IT = "0001-01-01T00:00:00Z"
_ALIVE = ("running", "paused")


# At which change (counted from 1); by "kill", by loss of "power", or by a "restart" of the engine that the one who asks
# does not notice, as it has an answer; and whether "before" the change is made or "after".
End = tuple[int, str, str]


class Killed(BaseException):
    """The process was killed: nothing of it goes on."""


@dataclass
class PlayedContainers:
    """An engine's containers, by id."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: int = 0
    last_change: str = ""
    clock: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    stopped_by_hand: set[str] = field(default_factory=set)
    most_at_boot: int = 0
    up_at_boot: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.end_at(iter(()))

    def end_at(self, ends: Iterator[End]) -> None:
        self._ends, self._next = ends, next(ends, None)

    # What is looked at.

    def look(self, name: str) -> dict[str, Any] | None:
        container = self.found.get(name) or self._named(name)
        return deepcopy(container)

    def see(self, *names: str) -> Seen | None:
        found = (self.look(name) for name in names if name)
        return next((as_seen(one) for one in found if one), None)

    def image(self, _: str) -> None:
        return None

    def image_users(self, _: str) -> list[str]:
        return []

    def log(self, _: object) -> list[str]:
        return ["cannot work"]

    def start_of_engine(self) -> str:
        return f"start {len(self.up_at_boot)}"

    # What changes something.

    def create(self, name: str, wanted: Mapping[str, Any]) -> str:
        return self._change(
            "create",
            lambda: self.add(name, wanted["image"], wanted["body"]["HostConfig"], wanted["reference"]),
        )

    def start(self, identity: str) -> None:
        def do() -> None:
            started = self.found[identity]
            others = (
                one for one in self.found.values() if one is not started and owner(one) == owner(started)
            )
            if any(one["State"]["Status"] in _ALIVE for one in others):
                self.found[identity]["State"]["Error"] = taken = "port is already allocated"
                raise EngineError(500, taken, "start")
            self._start(self.found[identity])

        self._change("start", do)

    def stop(self, container: Mapping[str, Any]) -> None:
        def do() -> None:
            one = self.found[container["Id"]]
            one["State"]["Status"], one["State"]["Running"] = "exited", False
            self.stopped_by_hand.add(one["Id"])
            if one["HostConfig"]["AutoRemove"]:
                del self.found[one["Id"]]

        self._change("stop", do)

    def rename(self, identity: str, name: str) -> None:
        def do() -> None:
            assert not self._named(name), "an engine refuses a name that is taken"
            self.found[identity]["Name"] = f"/{name}"

        self._change("rename", do)

    def set_policy(self, identity: str, policy: Mapping[str, Any]) -> None:
        assert not self.found[identity]["HostConfig"]["AutoRemove"], "an engine refuses that"
        host = self.found[identity]["HostConfig"]
        what = "disarm" if policy["Name"] == "no" and identity.endswith("-app") else "arm"
        self._change(what, lambda: host.update(RestartPolicy=dict(policy)))

    def pause(self, identity: str) -> None:
        self._change("pause", lambda: self.found[identity]["State"].update(Status="paused", Paused=True))

    def remove(self, identity: str) -> None:
        assert self.found[identity]["State"]["Status"] not in _ALIVE, "an engine refuses that"
        self._change("remove", lambda: self.found.pop(identity))

    def tag(self, *_: object) -> None:
        self._change("tag", lambda: None)

    @property
    def files(self) -> "PlayedContainers":
        return self

    def copy(self, *_: object) -> None:
        pass

    # What happens to it.

    def add(self, name: str, image: str, host: Mapping[str, Any], reference: str = IMAGE) -> str:
        identity = f"id{len(self.found) + self.changes}-{name}"
        self.found[identity] = {
            "Id": identity,
            "Name": f"/{name}",
            "Image": image,
            "Created": "2026-11-22T11:00:00Z",
            "Config": {"Image": reference, "Labels": {}},
            "HostConfig": {"AutoRemove": False, **host},
            "State": {"Status": "created", "StartedAt": NOBODY_STARTED_IT, "Running": False},
        }
        return identity

    def lose_power(self) -> None:
        """Everything ends; the engine starts again, and what it starts by itself."""
        for one in list(self.found.values()):
            was_alive = one["State"]["Status"] in _ALIVE
            policy = (one["HostConfig"].get("RestartPolicy") or {}).get("Name", "no")
            if was_alive:
                one["State"] |= {"Status": "exited", "Running": False, "Paused": False, "ExitCode": 255}
            if was_alive and one["HostConfig"]["AutoRemove"]:
                del self.found[one["Id"]]
            is_by_hand = one["Id"] in self.stopped_by_hand
            if one["State"]["StartedAt"] != NOBODY_STARTED_IT and (
                policy == "always"
                or (policy in ("unless-stopped", "on-failure") and was_alive and not is_by_hand)
            ):
                self._start(one)
        alive = [one for one in self.found.values() if one["State"]["Status"] in _ALIVE]
        self.most_at_boot = max(self.most_at_boot, len(alive))
        self.up_at_boot.append(bool(alive))

    def _named(self, name: str) -> dict[str, Any] | None:
        return next((one for one in self.found.values() if one["Name"] == f"/{name}"), None)

    def _start(self, one: dict[str, Any]) -> None:
        self.stopped_by_hand.discard(one["Id"])
        if one["State"]["Status"] not in _ALIVE:
            started = f"2026-11-22T12:00:00.{next(self.clock):09d}Z"
            one["State"] |= {"Status": "running", "Running": True, "Paused": False, "StartedAt": started}

    def _change(self, what: str, do: Callable[[], T]) -> T:
        self.changes += 1
        number, end, moment = self._next or (0, "", "")
        is_now = number == self.changes
        if is_now:
            self._next = next(self._ends, None)
        if is_now and moment == "before":
            if what == "start" and end != "restart":
                self._cancel_start()
            self._end(end)
        made = do()
        self.last_change = what
        if is_now and moment == "after":
            self._end(end)
        return made

    def _cancel_start(self) -> None:
        """An engine gives up a start whose caller is gone, and keeps that as the container's error."""
        created = [one for one in self.found.values() if one["State"]["Status"] == "created"]
        for one in created:
            one["State"]["Error"] = "context canceled"

    def _end(self, end: str) -> None:
        if end in ("power", "restart"):
            self.lose_power()
        if end != "restart":
            raise Killed

    @property
    def engine(self) -> "PlayedContainers":
        return self

    def get(self, path: str, *_: object) -> Any:
        raise NotFound(404, "no such thing", path)


def owner(container: Mapping[str, Any]) -> str:
    """The name of the container whose port this one publishes, under whatever name."""
    return str(container["Name"]).lstrip("/").partition(".updater-")[0]


def played(policy: str, was: str, *, vanishes: bool = False) -> tuple[PlayedContainers, Swap]:
    """An engine that runs ``app``, and the swap that gives it another image."""
    containers = PlayedContainers()
    swap = swap_of(containers, "app", policy, was, vanishes=vanishes)
    containers.changes, containers.last_change = 0, ""
    return containers, swap


def swap_of(
    containers: PlayedContainers, name: str, policy: str, was: str, *, vanishes: bool = False
) -> Swap:
    """Have the engine run a container, and return the swap that gives it another image."""
    restart = {"Name": policy}
    host: dict[str, Any] = {"RestartPolicy": restart, "AutoRemove": vanishes}
    old = containers.add(name, "old", host)
    containers._start(containers.found[old])
    if was == PAUSED:
        containers.found[old]["State"] |= {"Status": "paused", "Paused": True}
    elif was == STOPPED:
        containers.stop(containers.found[old])
    create = {
        "reference": IMAGE,
        "body": {"HostConfig": host, "Labels": {}},
        "platform": "",
        "connect": {},
        "disconnect": [],
    }
    member = Member(
        name,
        old,
        was,
        host["RestartPolicy"],
        vanishes,
        {**create, "image": "new"},
        {**create, "image": "old"},
    )
    wanted = {
        "name": name,
        "image": IMAGE,
        "digest": "sha256:" + "2" * 64,
        "old_image": "old",
        "new_image": "new",
        "tag_before": None,
    }
    return Swap(f"0123abc{len(name)}", (member,), (), wanted)


def updated_through(containers: PlayedContainers, journal: Journal, swap: Swap) -> int:
    """Update, and repair as often as it takes; return how many times it was ended."""
    for ended in itertools.count():
        try:
            if ended == 0:
                begin(cast("Containers", containers), journal, swap, AT_ONCE)
            else:
                repair(cast("Containers", containers), journal, AT_ONCE)
        except Killed:
            assert ended < 10
        else:
            return ended
    raise AssertionError


def assert_is_as_it_was(containers: PlayedContainers, journal: Journal, swap: Swap) -> None:
    """One container has the name, the state and the restart policy that it had, and nothing is left over."""
    assert list(journal.swaps()) == []
    (app,) = containers.found.values()
    member = swap.members[0]
    status = {RUNNING: ("running",), PAUSED: ("paused",), STOPPED: ("exited", "created")}[member.was]
    assert (app["Name"], app["State"]["Status"] in status) == ("/app", True), app
    assert app["HostConfig"]["RestartPolicy"]["Name"] == member.policy["Name"]


_MOMENT = st.sampled_from(("before", "after"))
END = st.tuples(st.integers(1, 12), st.sampled_from(("kill", "power")), _MOMENT)
RESTART = st.tuples(st.integers(1, 12), st.just("restart"), _MOMENT)
ENDS = st.lists(END, max_size=4)


# A real journal is written to a real disk, which takes its time.
@settings(deadline=None)
@given(
    ends=ENDS,
    policy=st.sampled_from(POLICIES),
    was=st.sampled_from((RUNNING, RUNNING, PAUSED)),
)
def test_a_container_is_up_again_after_any_sequence_of_crashes(
    ends: list[End], policy: str, was: str
) -> None:
    containers, swap = played(policy, was)
    containers.end_at(counted(ends))
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, "engine")
        updated_through(containers, journal, swap)
        assert_is_as_it_was(containers, journal, swap)
    assert containers.most_at_boot <= 1, "old and new never come up together, on one volume"


@settings(deadline=None)
@given(ends=ENDS, was=st.sampled_from((RUNNING, STOPPED)), vanishes=st.booleans())
def test_so_is_one_that_vanishes_when_it_stops_and_one_that_was_stopped_stays_so(
    ends: list[End], was: str, vanishes: bool
) -> None:
    vanishes = vanishes and was == RUNNING
    containers, swap = played("no", was, vanishes=vanishes)
    containers.end_at(counted(ends))
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, "engine")
        updated_through(containers, journal, swap)
        assert_is_as_it_was(containers, journal, swap)


@settings(deadline=None)
@given(ends=ENDS, policy=st.sampled_from(POLICIES), vanishes=st.booleans())
def test_one_that_moves_to_another_tag_runs_the_old_image_by_its_old_name_or_the_new_one_by_the_new(
    ends: list[End], policy: str, vanishes: bool
) -> None:
    containers, swap = played("no" if vanishes else policy, RUNNING, vanishes=vanishes)
    member = swap.members[0]
    swap = replace(
        swap.with_member(0, create={**member.create, "reference": LATER}),
        wanted={**swap.wanted, "image": LATER, "image_before": IMAGE},
    )
    containers.end_at(counted(ends))
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, "engine")
        updated_through(containers, journal, swap)
        assert_is_as_it_was(containers, journal, swap)
    (app,) = containers.found.values()
    assert (app["Image"], app["Config"]["Image"]) in (("old", IMAGE), ("new", LATER))
    assert ends or app["Image"] == "new"


def test_what_became_of_a_move_names_both_tags_and_what_brings_the_old_one_back() -> None:
    containers, swap = played("always", RUNNING)
    wanted = {**swap.wanted, "image": LATER, "image_before": IMAGE}
    with tempfile.TemporaryDirectory() as folder:
        result = begin(
            cast("Containers", containers), Journal(folder, "engine"), replace(swap, wanted=wanted), AT_ONCE
        )
    assert (result["before"]["image"], result["after"]["image"]) == (IMAGE, LATER)
    assert result["message"].endswith(
        ", moved from 1 to 2; a compose or stack file that still says 1 brings that back when it is deployed"
    )


@settings(deadline=None)
@given(
    ends=st.lists(END | RESTART, max_size=4),
    policy=st.sampled_from([policy for policy in POLICIES if policy != "no"]),
)
def test_a_restart_of_the_engine_that_no_request_noticed_says_nothing_against_the_image(
    ends: list[End], policy: str
) -> None:
    containers, swap = played(policy, RUNNING)
    containers.end_at(counted(ends))
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, "engine")
        updated_through(containers, journal, swap)
        assert_is_as_it_was(containers, journal, swap)
        assert journal.refusal("app", swap.wanted["digest"]) is None
    (app,) = containers.found.values()
    assert app["Image"] == "new" or any(end != "restart" for _, end, _ in ends)


def test_an_engine_that_refuses_a_start_because_it_ends_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Asked whether it is still the one that it was, it is gone."""
    containers, swap = played("always", RUNNING)
    start, ask = containers.start, containers.start_of_engine

    def refuse(identity: str) -> None:
        containers.found[identity]["State"]["Error"] = "the engine is shutting down"
        monkeypatch.setattr(containers, "start", start)
        monkeypatch.setattr(containers, "start_of_engine", gone)
        raise EngineError(500, "the engine is shutting down", "start")

    def gone() -> str:
        monkeypatch.setattr(containers, "start_of_engine", ask)
        containers.lose_power()
        raise EngineUnreachable("no such socket")

    monkeypatch.setattr(containers, "start", refuse)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, "engine")
        assert begin(cast("Containers", containers), journal, swap, AT_ONCE)["outcome"] == "updated"
        assert_is_as_it_was(containers, journal, swap)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 9))
def test_nor_does_it_leave_a_container_down_that_has_no_restart_policy(number: int, moment: str) -> None:
    containers, swap = played("no", RUNNING)
    containers.end_at(iter([(number, "restart", moment)]))
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, "engine")
        assert begin(cast("Containers", containers), journal, swap, AT_ONCE)["outcome"] == "updated"
        assert_is_as_it_was(containers, journal, swap)


@settings(deadline=None)
@given(first=END, second=END, policy=st.sampled_from(POLICIES))
def test_several_that_were_interrupted_at_the_same_time_are_all_finished(
    first: End, second: End, policy: str
) -> None:
    containers, swap = played(policy, RUNNING)
    other = swap_of(containers, "other", policy, RUNNING)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, "engine")
        for one, end in ((swap, first), (other, second)):
            containers.changes = 0
            containers.end_at(iter([end]))
            with suppress(Killed):
                begin(cast("Containers", containers), journal, one, AT_ONCE)
        containers.end_at(iter(()))
        repair(cast("Containers", containers), journal, AT_ONCE)
        assert list(journal.swaps()) == []
    ends = {name: one["HostConfig"]["RestartPolicy"]["Name"] for name, one in by_name(containers).items()}
    assert ends == {"app": policy, "other": policy}
    lost_power = "power" in (first[1], second[1])
    assert (policy == "no" and lost_power) or all(
        one["State"]["Status"] == "running" for one in by_name(containers).values()
    )


def by_name(containers: PlayedContainers) -> dict[str, dict[str, Any]]:
    return {one["Name"].lstrip("/"): one for one in containers.found.values()}


def counted(ends: list[End]) -> Iterator[End]:
    """Each end so many changes after the one before."""
    at = 0
    for number, end, moment in ends:
        at += number
        yield at, end, moment


def test_a_start_that_was_given_up_because_its_caller_was_killed_says_nothing_against_the_image() -> None:
    containers, swap = played("always", RUNNING)
    containers.end_at(iter([(6, "kill", "before")]))
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, "engine")
        assert updated_through(containers, journal, swap) == 1
        assert_is_as_it_was(containers, journal, swap)
    (app,) = containers.found.values()
    assert app["Image"] == "new"


@pytest.mark.parametrize(
    ("policy", "moments"),
    [
        # As it was told to: the engine starts no such container by itself, but those that the swap has it start.
        ("no", {"", "tag", "create", "stop", "disarm", "remove"}),
        ("on-failure", {"stop", "disarm"}),
        ("unless-stopped", {"stop", "disarm"}),
        ("always", {"disarm"}),
    ],
)
def test_after_a_loss_of_power_the_container_is_up_without_help_but_for_moments_between_two_changes(
    policy: str, moments: set[str]
) -> None:
    down = set()
    for number, moment in itertools.product(range(1, 11), ("before", "after")):
        containers, swap = played(policy, RUNNING)
        containers.end_at(iter([(number, "power", moment)]))
        with tempfile.TemporaryDirectory() as folder, suppress(Killed):
            begin(cast("Containers", containers), Journal(folder, "engine"), swap, AT_ONCE)
        if containers.up_at_boot == [False]:
            down.add(containers.last_change)
    assert down == moments
