"""The gate: who may enter, and which connection gives way to another."""

from dataclasses import dataclass

import pytest

from registry_docker_updater.http.gate import Entry, Gate, Patience


@dataclass(eq=False)
class Guest:
    name: str
    patience: Patience = Patience.STRANGER


def test_below_the_limits_everybody_enters_and_nobody_leaves() -> None:
    gate = Gate[Guest](3, 2)
    for number in range(3):
        assert gate.enter(Guest("one"), f"10.0.0.{number}") == Entry(may_enter=True)
    assert len(gate) == 3


def test_of_an_address_with_too_many_the_one_that_came_first_gives_way() -> None:
    gate = Gate[Guest](10, 2)
    first, second, other, third = (Guest(name) for name in ("first", "second", "other", "third"))
    gate.enter(first, "10.0.0.1")
    gate.enter(other, "10.0.0.2")
    gate.enter(second, "10.0.0.1")
    assert gate.enter(third, "10.0.0.1") == Entry(may_enter=True, gives_way=first)
    assert len(gate) == 3


def test_a_stranger_gives_way_before_one_that_was_of_use_and_a_busy_one_never() -> None:
    gate = Gate[Guest](10, 3)
    busy, idle, stranger = Guest("b", Patience.BUSY), Guest("i", Patience.IDLE), Guest("s")
    for guest in (busy, idle, stranger):
        gate.enter(guest, "10.0.0.1")
    assert gate.enter(Guest("1", Patience.BUSY), "10.0.0.1").gives_way is stranger
    assert gate.enter(Guest("2", Patience.BUSY), "10.0.0.1").gives_way is idle
    assert gate.enter(Guest("3"), "10.0.0.1") == Entry(may_enter=False)
    assert len(gate) == 3


def test_when_there_are_too_many_in_all_those_give_way_who_hold_most() -> None:
    gate = Gate[Guest](5, 5)
    alone = Guest("alone")
    gate.enter(alone, "10.0.0.1")
    greedy = [Guest(f"{number}") for number in range(4)]
    for guest in greedy:
        gate.enter(guest, "10.0.0.2")
    assert gate.enter(Guest("new"), "10.0.0.3").gives_way is greedy[0]
    greedy[1].patience = greedy[2].patience = greedy[3].patience = Patience.BUSY
    assert gate.enter(Guest("new"), "10.0.0.4").gives_way is not None
    assert len(gate) == 5


def test_where_all_are_busy_nobody_enters() -> None:
    gate = Gate[Guest](2, 2)
    for number in range(2):
        gate.enter(Guest("busy", Patience.BUSY), f"10.0.0.{number}")
    assert gate.enter(Guest("new"), "10.0.0.9") == Entry(may_enter=False)


def test_who_leaves_makes_room_and_may_leave_twice() -> None:
    gate = Gate[Guest](1, 1)
    guest = Guest("one", Patience.BUSY)
    gate.enter(guest, "10.0.0.1")
    gate.leave(guest, "10.0.0.1")
    gate.leave(guest, "10.0.0.1")
    assert gate.enter(Guest("new"), "10.0.0.1") == Entry(may_enter=True)
    assert len(gate) == 1


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8:0:0:ffff::1", "2001:db8::", True),
        ("2001:db8:0:1::1", "2001:db8::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("strange:", "strange:", True),
    ],
)
def test_the_addresses_that_one_peer_has_count_as_one(one: str, other: str, *, is_same: bool) -> None:
    gate = Gate[Guest](10, 1)
    gate.enter(Guest("busy", Patience.BUSY), one)
    assert gate.enter(Guest("new"), other).may_enter is not is_same
