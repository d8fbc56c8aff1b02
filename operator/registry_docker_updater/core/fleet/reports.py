"""What a host reports of itself: read strictly, because a host is not trusted to say what its module would.

The shape is that of the module ``targets_info``, under ``scan``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.registry.docker_updater.plugins.module_utils.labels import (
    LONGEST_LABEL,
    MOST_LABELS,
    MOST_RECEIVERS,
    is_receiver,
)

from registry_docker_updater.core.fleet.hosts import UnfinishedUpdate
from registry_docker_updater.core.fleet.targets import Kind
from registry_docker_updater.core.references import Reference

# A longer time lies before the first engine; much longer ones lie outside of the calendar.
_LONGEST_SECONDS = 100 * 365 * 86400.0


class UnreadableReport(ValueError):
    """What a host said is nothing that its module says; the message tells in what way."""


@dataclass(frozen=True)
class SeenTarget:
    """A target as its host sees it; ``age`` is for how many seconds it has run what it runs.

    ``at_once`` means that its labels say nothing of steps; ``notify`` are the receivers that they name, ``labels`` all of ours but the
    opt-in, without the prefix, by their names.
    """

    kind: Kind
    id: str
    name: str
    image: str
    reference: Reference | None
    digests: frozenset[str]
    age: float = 0.0
    state: str | None = None
    at_once: bool = False
    notify: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SeenHost:
    """What one host sees: its engine, its swarm, and the targets on them.

    ``is_manager`` tells that it can tell of its swarm's services. ``is_mute`` tells that it belongs to a swarm's managers
    and cannot: the swarm has lost its quorum. ``at_once`` means that the inventory says nothing of steps for it, and has no
    tasks of the shop's run around updates.
    """

    engine: str | None = None
    engine_id: str | None = None
    engine_name: str | None = None
    swarm: str | None = None
    is_manager: bool = False
    is_mute: bool = False
    targets: tuple[SeenTarget, ...] = ()
    unfinished: tuple[UnfinishedUpdate, ...] = ()
    warnings: tuple[str, ...] = ()
    at_once: bool = False

    @property
    def containers(self) -> tuple[str, ...]:
        """The ids of the containers that opted in, in their order."""
        return tuple(sorted(one.id for one in self.targets if one.kind is Kind.CONTAINER))


@dataclass(frozen=True)
class HostReport:
    """The answer of one host to one scan: what it sees, or why it did not say.

    ``asked_at`` is when it was asked and ``at`` when it answered, by the operator's clock: what it says was so at
    some moment between them. ``groups`` are those of the inventory that it is in, and ``policy`` what the inventory
    says of when and whether its targets are updated, of one that answered: no words of its own.
    """

    host: str
    seen: SeenHost | None
    error: str | None = None
    at: datetime | None = None
    asked_at: datetime | None = None
    groups: tuple[str, ...] = ()
    policy: tuple[tuple[str, str], ...] = ()


def read_report(said: Any) -> SeenHost:
    """Return what a host said under ``scan``; raises :class:`UnreadableReport`."""
    try:
        return _host(said)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableReport(f"its answer cannot be read: {error!r:.200}") from None


def _host(said: Mapping[str, Any]) -> SeenHost:
    engine, swarm = said["engine"], said.get("swarm") or {}
    is_manager = bool(swarm.get("manager"))
    return SeenHost(
        engine=_text(engine.get("version")),
        engine_id=_text(engine.get("id")),
        engine_name=_text(engine.get("name")),
        swarm=_text(swarm.get("id")),
        is_manager=is_manager,
        is_mute=bool(swarm.get("may_be_manager")) and not is_manager,
        targets=tuple(_target(one) for one in _list(said.get("targets"))),
        unfinished=tuple(_unfinished(one) for one in _list(said.get("unfinished"))),
        warnings=tuple(map(str, _list(said.get("warnings")))),
        at_once=said.get("at_once") is True,
    )


def _target(said: Mapping[str, Any]) -> SeenTarget:
    digests = _list(said["digests"])
    if not all(isinstance(one, str) for one in digests):
        raise ValueError(f"digests {digests!r:.100}")
    return SeenTarget(
        kind=Kind(said["kind"]),
        id=str(said["id"]),
        name=str(said["name"]),
        image=str(said["image"]),
        reference=Reference.parse(str(said["reference"])) if said["reference"] else None,
        digests=frozenset(digests),
        age=_seconds(said["age"] or 0),
        state=_text(said["state"]),
        at_once=not said.get("options"),
        notify=_receivers(said.get("notify")),
        labels=_labels(said.get("labels")),
    )


def _receivers(said: Any) -> tuple[str, ...]:
    names = tuple(_list(said))
    if len(names) > MOST_RECEIVERS or not all(isinstance(one, str) and is_receiver(one) for one in names):
        raise ValueError(f"receivers {said!r:.100}")
    return names


def _labels(said: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(said or {}, dict) or len(said or ()) > MOST_LABELS:
        raise TypeError(f"labels {said!r:.100}")
    found = {str(name): str(value) for name, value in (said or {}).items()}
    if any(len(text) > LONGEST_LABEL for pair in found.items() for text in pair):
        raise ValueError("a label is too long")
    return tuple(sorted(found.items()))


def _unfinished(said: Mapping[str, Any]) -> UnfinishedUpdate:
    return UnfinishedUpdate(
        name=str(said["name"]),
        image=str(said["image"]),
        digest=str(said["digest"]),
        age=_seconds(said["age"]),
        is_worked_on=said["is_worked_on"] is True,
    )


def _seconds(said: Any) -> float:
    number = float(said)
    if not math.isfinite(number) or abs(number) > _LONGEST_SECONDS:
        raise ValueError(f"{said!r:.100} is no time in seconds")
    return number


def _list(said: Any) -> Sequence[Any]:
    if said is None:
        return ()
    if not isinstance(said, list | tuple):
        raise TypeError(f"{said!r:.100} is no list")
    return said


def _text(said: Any) -> str | None:
    return None if said is None else str(said)
