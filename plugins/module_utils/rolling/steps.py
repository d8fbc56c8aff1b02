# SPDX-License-Identifier: Apache-2.0
"""The steps of a rollout, each with the units that are updated side by side; and how a variable keeps them. Pure.

What is updated in one go is a unit: a host with its containers, or a swarm with its services and the containers of its
managers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from ansible_collections.registry.docker_updater.plugins.module_utils.rolling.strategy import (
    Share,
    read_max_failures,
)
from ansible_collections.registry.docker_updater.plugins.module_utils.targets import Target


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
    """Units that are updated side by side; ``blocked`` says why they are left alone whatever becomes of others."""

    units: Tuple[Unit, ...]
    blocked: str = ""

    @property
    def order(self) -> int:
        """The order that all its units have."""
        return self.units[0].order

    @property
    def hosts(self) -> Tuple[str, ...]:
        """The hosts of all its units."""
        return tuple(host for unit in self.units for host in unit.hosts)


def to_data(steps: Iterable[Step]) -> List[Dict[str, Any]]:
    """Return steps as lists and dictionaries, to be kept in a variable."""
    return [
        {
            "blocked": step.blocked,
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
            step["blocked"],
        )
        for step in data
    )


def first_few(names: Sequence[str], separator: str = ", ") -> str:
    """Return the first three of ``names``, and how many others there are."""
    others = len(names) - 3
    rest = [f"and {others} other{'s' if others > 1 else ''}"] if others > 0 else []
    return separator.join([*names[:3], *rest])
