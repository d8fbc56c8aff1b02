# SPDX-License-Identifier: Apache-2.0
"""In which steps a pushed image rolls across the hosts, and when what is left is left alone.

Pure: hosts with what they run and wish in, steps out. What is updated in one go is a unit: a host with its containers,
or a swarm with its services and the containers of its managers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

# What can be wished, as it is called in labels (with a prefix) and in ``Host.wishes``.
SERIAL = "serial"
MAX_FAILURES = "max-failures"
ORDER = "order"
WISHES = (SERIAL, MAX_FAILURES, ORDER)

Target = Mapping[str, Any]


class BadValue(ValueError):
    """A wish that means nothing; the text says what would."""


@dataclass(frozen=True)
class Share:
    """A number of units, or so many in a hundred of them."""

    value: int
    is_percentage: bool = False

    def of(self, units: int, least: int = 0) -> int:
        """Return how many of ``units`` that is, rounded down, but at least ``least`` for a percentage."""
        return max(least, self.value * units // 100) if self.is_percentage else self.value

    def __str__(self) -> str:
        return f"{self.value}%" if self.is_percentage else str(self.value)


@dataclass(frozen=True)
class Host:
    """A host that was asked: what it runs of the image, and what the inventory wishes for it.

    ``swarm`` is the id of the swarm of which the host is a manager that knows the services. ``targets`` are as the
    module ``targets_info`` lists them; a service is on every manager's list.
    """

    name: str
    answered: bool = True
    targets: Tuple[Target, ...] = ()
    swarm: Optional[str] = None
    wishes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unit:
    """What is updated in one go. ``targets`` has each target once, under the host that speaks for it."""

    name: str
    hosts: Tuple[str, ...]
    targets: Mapping[str, Tuple[Target, ...]]
    order: int = 0
    serials: Tuple[Tuple[Share, ...], ...] = ()
    max_failures: Tuple[Share, ...] = ()


@dataclass(frozen=True)
class Step:
    """Units that are updated side by side; ``held`` says why they are left alone whatever becomes of others."""

    units: Tuple[Unit, ...]
    held: str = ""

    @property
    def order(self) -> int:
        """The order that all its units have."""
        return self.units[0].order

    @property
    def hosts(self) -> Tuple[str, ...]:
        """The hosts of all its units."""
        return tuple(host for unit in self.units for host in unit.hosts)


@dataclass(frozen=True)
class Plan:
    """The steps, first to last, and what was wished in vain."""

    steps: Tuple[Step, ...]
    complaints: Tuple[str, ...]


def complaint(wish: str, value: Any) -> str:
    """Say what is wrong with ``value`` as a wish, or nothing."""
    try:
        _READERS[wish](value)
    except BadValue as error:
        return str(error)
    return ""


def complaints(wishes: Mapping[str, Any]) -> List[str]:
    """Say what is wrong with what the inventory wishes for a host, a sentence each."""
    return [
        f"{variable(wish)}: {complaint(wish, wishes[wish])}"
        for wish in WISHES
        if wishes.get(wish) is not None and complaint(wish, wishes[wish])
    ]


def plan(hosts: Sequence[Host]) -> Plan:
    """Return the steps for all hosts that answered and run something of the image.

    Lower orders come first, and units of different order share no step. Within an order, the units come as their first
    hosts do in ``hosts``. Where what is wished differs, the most careful wins; who wishes nothing has no opinion.
    A wish that nobody can read counts as the most careful: one unit at a time, no failure. An order has no careful side,
    so one that cannot be read holds everything.
    """
    complaints: List[str] = []
    unordered: List[str] = []
    units = [_unit(members, complaints, unordered) for members in _units(hosts)]
    missing = _missing_order(hosts)
    steps: List[Step] = []
    for order in sorted({unit.order for unit in units}):
        held = unordered[0] if unordered else ""
        if not held and missing is not None and missing[0] < order:
            held = f"no host of order {missing[0]} answered ({missing[1]})"
        same = [unit for unit in units if unit.order == order]
        for size in _sizes({serial for unit in same for serial in unit.serials}, len(same)):
            steps.append(Step(tuple(same[:size]), held))
            same = same[size:]
    return Plan(tuple(steps), tuple(dict.fromkeys(unordered + complaints)))


def left_alone(
    steps: Sequence[Step], number: int, ended_well: Collection[str]
) -> Tuple[str, Tuple[Tuple[int, Unit], ...]]:
    """Say whether the step at index ``number`` may begin, now that all steps before it have ended.

    ``ended_well`` are the hosts on which everything ended well. A unit failed when one of its hosts is not among them.
    Returns why it may not, or nothing; and the units to blame with the indexes of their steps.
    """
    ended = frozenset(ended_well)
    begun: List[Unit] = []
    allows: Set[Share] = set()
    failed: List[Tuple[int, Unit]] = []
    for index, step in enumerate(steps[: number + 1]):
        # Steps after one that was left alone were left alone, too, for the same reason.
        if step.held:
            return step.held, ()
        if len(failed) > min((share.of(len(begun)) for share in allows), default=0):
            numbers = [str(one + 1) for one in sorted({one for one, _ in failed})]
            which = f"step {numbers[0]}" if len(numbers) == 1 else f"steps {first_few(numbers)}"
            return f"{which} of {len(steps)} failed", tuple(failed)
        if begun and begun[-1].order != step.order:
            begun, allows, failed = [], set(), []
        begun += step.units
        allows.update(share for unit in step.units for share in unit.max_failures)
        failed += [(index, unit) for unit in step.units if not ended.issuperset(unit.hosts)]
    return "", ()


def first_few(names: Sequence[str], separator: str = ", ") -> str:
    """Return the first three of ``names``, and how many others there are."""
    others = len(names) - 3
    rest = [f"and {others} other{'s' if others > 1 else ''}"] if others > 0 else []
    return separator.join([*names[:3], *rest])


def to_data(steps: Iterable[Step]) -> List[Dict[str, Any]]:
    """Return steps as lists and dictionaries, to be kept in a variable."""
    return [
        {
            "held": step.held,
            "hosts": list(step.hosts),
            "order": step.order,
            "units": [
                {
                    "name": unit.name,
                    "targets": {host: list(unit.targets[host]) for host in unit.hosts},
                    "max_failures": [str(share) for share in unit.max_failures],
                }
                for unit in step.units
            ],
        }
        for step in steps
    ]


def from_data(data: Iterable[Mapping[str, Any]]) -> Tuple[Step, ...]:
    """Return the steps that :func:`to_data` was given, as far as they are needed once they are made."""
    return tuple(
        Step(
            tuple(
                Unit(
                    name=unit["name"],
                    hosts=tuple(unit["targets"]),
                    targets=unit["targets"],
                    order=step["order"],
                    max_failures=tuple(map(read_max_failures, unit["max_failures"])),
                )
                for unit in step["units"]
            ),
            step["held"],
        )
        for step in data
    )


def _units(hosts: Iterable[Host]) -> List[List[Host]]:
    """Return the hosts that run something, those of a swarm that has services together."""
    answered = [host for host in hosts if host.answered and host.targets]
    swarms = {
        host.swarm for host in answered if any(target["kind"] == "service" for target in host.targets)
    } - {None}
    members: Dict[Tuple[bool, str], List[Host]] = {}
    for host in answered:
        key = (True, str(host.swarm)) if host.swarm in swarms else (False, host.name)
        members.setdefault(key, []).append(host)
    return list(members.values())


def _unit(members: Sequence[Host], complaints: List[str], unordered: List[str]) -> Unit:
    orders: List[int] = []
    serials: List[Tuple[Share, ...]] = []
    max_failures: List[Share] = []
    targets: Dict[str, List[Target]] = {host.name: [] for host in members}
    known = set()
    for host in members:
        for target in host.targets:
            where, value = _said(ORDER, host, target)
            try:
                orders.append(read_order(value) if where else 0)
            except BadValue as error:
                unordered.append(f"{where}: {error}")
                orders.append(0)
            where, value = _said(SERIAL, host, target)
            if where:
                serials.append(_read_or(read_serial, value, (Share(1),), where, complaints))
            where, value = _said(MAX_FAILURES, host, target)
            if where:
                max_failures.append(_read_or(read_max_failures, value, Share(0), where, complaints))
            key = target["id"] if target["kind"] == "service" else (host.name, target["name"])
            if key not in known:
                known.add(key)
                targets[host.name].append(target)
    first = members[0].name
    is_swarm = any(target["kind"] == "service" for host in members for target in host.targets)
    return Unit(
        name=f"swarm of {first}" if is_swarm else f"host {first}",
        hosts=tuple(host.name for host in members),
        targets={name: tuple(found) for name, found in targets.items()},
        order=max(orders),
        serials=tuple(dict.fromkeys(serials)),
        max_failures=tuple(dict.fromkeys(max_failures)),
    )


def _said(wish: str, host: Host, target: Target) -> Tuple[str, Any]:
    """Return who wishes what for a target: its label comes before the inventory. Nobody is an empty text."""
    options = target.get("options") or {}
    if wish in options:
        return f"{target['kind']} {target['name']}, label {wish}", options[wish]
    value = host.wishes.get(wish)
    return (f"host {host.name}, {variable(wish)}", value) if value is not None else ("", None)


def _read_or(read: Any, value: Any, careful: Any, where: str, complaints: List[str]) -> Any:
    try:
        return read(value)
    except BadValue as error:
        complaints.append(f"{where}: {error}")
        return careful


def _missing_order(hosts: Iterable[Host]) -> Optional[Tuple[int, str]]:
    """Return the lowest order that the inventory names and of which no host answered, with the hosts."""
    asked: Dict[int, List[Host]] = {}
    for host in hosts:
        if not complaint(ORDER, host.wishes.get(ORDER)):
            asked.setdefault(read_order(host.wishes[ORDER]), []).append(host)
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


def variable(wish: str) -> str:
    """Return the name of the inventory's variable for a wish."""
    return "docker_update_" + wish.replace("-", "_")


def read_serial(value: Any) -> Tuple[Share, ...]:
    """Read numbers and percentages: one, a list, or a text with commas between them."""
    parts = (
        value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    )
    shares = tuple(_share(part) for part in parts)
    if not shares or None in shares:
        raise BadValue(f"{value!r} is no number, no percentage and no list of these, such as 1,25%,100%")
    return tuple(share for share in shares if share is not None)


def read_max_failures(value: Any) -> Share:
    """Read a number or a percentage."""
    share = _share(value)
    if share is None:
        raise BadValue(f"{value!r} is neither a number nor a percentage, such as 2 or 20%")
    return share


def read_order(value: Any) -> int:
    """Read a whole number."""
    if not re.fullmatch(r"[+-]?\d{1,9}", _text(value)):
        raise BadValue(f"{value!r} is no whole number, so nobody can tell what comes before what")
    return int(_text(value))


def _share(value: Any) -> Optional[Share]:
    match = re.fullmatch(r"(\d{1,9})\s*(%?)", _text(value))
    return Share(int(match.group(1)), bool(match.group(2))) if match else None


def _text(value: Any) -> str:
    return "" if isinstance(value, bool) else str(value).strip()


_READERS = {SERIAL: read_serial, MAX_FAILURES: read_max_failures, ORDER: read_order}
