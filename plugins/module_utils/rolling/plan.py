# SPDX-License-Identifier: Apache-2.0
"""In which steps a pushed image rolls across the hosts. Pure: hosts with what they run and what is said of them in, steps out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.steps import (
    Step,
    Unit,
    first_few,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.strategy import (
    MAX_FAILURES,
    ORDER,
    SERIAL,
    BadValue,
    Share,
    problem,
    read_max_failures,
    read_order,
    read_serial,
    variable,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import SERVICE, Target, key_of


@dataclass(frozen=True)
class Host:
    """A host that was asked: what it runs of the image, and what the inventory says for it.

    ``swarm`` is the id of the swarm of which the host is a manager that knows the services. ``targets`` are as the
    module ``targets_info`` lists them; a service is on every manager's list.
    """

    name: str
    answered: bool = True
    targets: Tuple[Target, ...] = ()
    swarm: Optional[str] = None
    strategy: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The steps, first to last, and what was said that nobody can read."""

    steps: Tuple[Step, ...]
    problems: Tuple[str, ...]


def plan(hosts: Sequence[Host]) -> Plan:
    """Return the steps for all hosts that answered and run something of the image.

    Lower orders come first, and units of different order share no step. Within an order, the units come as their first
    hosts do in ``hosts``. Where what is said differs, the most careful wins; who says nothing has no opinion.
    What nobody can read counts as the most careful: one unit at a time, no failure. An order has no careful side,
    so one that cannot be read holds everything.
    """
    problems: List[str] = []
    unordered: List[str] = []
    units = [_unit(members, problems, unordered) for members in _units(hosts)]
    missing = _missing_order(hosts)
    steps: List[Step] = []
    for order in sorted({unit.order for unit in units}):
        blocked = unordered[0] if unordered else ""
        if not blocked and missing is not None and missing[0] < order:
            blocked = f"no host of order {missing[0]} answered ({missing[1]})"
        same = [unit for unit in units if unit.order == order]
        for size in _sizes({serial for unit in same for serial in unit.serials}, len(same)):
            steps.append(Step(tuple(same[:size]), blocked))
            same = same[size:]
    return Plan(tuple(steps), tuple(dict.fromkeys(unordered + problems)))


def _units(hosts: Iterable[Host]) -> List[List[Host]]:
    """Return the hosts that run something, those of a swarm that has services together."""
    answered = [host for host in hosts if host.answered and host.targets]
    swarms = {
        host.swarm for host in answered if any(target["kind"] == SERVICE for target in host.targets)
    } - {None}
    members: Dict[Tuple[bool, str], List[Host]] = {}
    for host in answered:
        key = (True, str(host.swarm)) if host.swarm in swarms else (False, host.name)
        members.setdefault(key, []).append(host)
    return list(members.values())


def _unit(members: Sequence[Host], problems: List[str], unordered: List[str]) -> Unit:
    orders: List[int] = []
    serials: List[Tuple[Share, ...]] = []
    max_failures: List[Share] = []
    targets: Dict[str, List[Target]] = {host.name: [] for host in members}
    known = set()
    for host in members:
        for target in host.targets:
            where, value = _setting(ORDER, host, target)
            try:
                orders.append(read_order(value) if where else 0)
            except BadValue as error:
                unordered.append(f"{where}: {error}")
                orders.append(0)
            where, value = _setting(SERIAL, host, target)
            if where:
                serials.append(_read_or(read_serial, value, (Share(1),), where, problems))
            where, value = _setting(MAX_FAILURES, host, target)
            if where:
                max_failures.append(_read_or(read_max_failures, value, Share(0), where, problems))
            key = key_of(target, host.name)
            if key not in known:
                known.add(key)
                targets[host.name].append(target)
    first = members[0].name
    is_swarm = any(target["kind"] == SERVICE for host in members for target in host.targets)
    return Unit(
        name=f"swarm of {first}" if is_swarm else f"host {first}",
        hosts=tuple(host.name for host in members),
        targets={name: tuple(found) for name, found in targets.items()},
        order=max(orders),
        serials=tuple(dict.fromkeys(serials)),
        max_failures=tuple(dict.fromkeys(max_failures)),
    )


def _setting(option: str, host: Host, target: Target) -> Tuple[str, Any]:
    """Return who says what for a target: its label comes before the inventory. Nobody is an empty text."""
    options = target.get("options") or {}
    if option in options:
        return f"{target['kind']} {target['name']}, label {option}", options[option]
    value = host.strategy.get(option)
    return (f"host {host.name}, {variable(option)}", value) if value is not None else ("", None)


def _read_or(read: Any, value: Any, careful: Any, where: str, problems: List[str]) -> Any:
    try:
        return read(value)
    except BadValue as error:
        problems.append(f"{where}: {error}")
        return careful


def _missing_order(hosts: Iterable[Host]) -> Optional[Tuple[int, str]]:
    """Return the lowest order that the inventory names and of which no host answered, with the hosts."""
    asked: Dict[int, List[Host]] = {}
    for host in hosts:
        if not problem(ORDER, host.strategy.get(ORDER)):
            asked.setdefault(read_order(host.strategy[ORDER]), []).append(host)
    silent = [order for order, members in asked.items() if not any(host.answered for host in members)]
    if not silent:
        return None
    return min(silent), first_few([host.name for host in asked[min(silent)]])


def _sizes(serials: Collection[Tuple[Share, ...]], units: int) -> Tuple[int, ...]:
    """Return how many units each step has, by the most careful of ``serials``: the smallest first steps."""
    return min((_cut(serial, units) for serial in serials), default=(units,))


def _cut(serial: Sequence[Share], units: int) -> Tuple[int, ...]:
    """As Ansible does: percentages are of all, at least one; 0 is all that is left; the last size repeats."""
    sizes: List[int] = []
    left = units
    while left:
        share = serial[min(len(sizes), len(serial) - 1)]
        sizes.append(min(share.of(units, least=1) or left, left))
        left -= sizes[-1]
    return tuple(sizes)
