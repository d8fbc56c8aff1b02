"""The fleet as scans saw it: hosts, the swarms found on them, and their targets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Self, TypeVar

from immutables import Map

from registry_docker_updater.core.references import Reference

T = TypeVar("T")
# The state of a target that is on its way from one container to the next, as the module targets_info says it.
UNFINISHED = "unfinished"
# A registry's host in lower case, a repository and a tag.
Name = tuple[str, str, str]


class Kind(StrEnum):
    """What a target is."""

    SERVICE = "service"
    CONTAINER = "container"


@dataclass(frozen=True)
class Target:
    """A service or container that opted in.

    ``key`` is its identity across scans and recreations; ``place`` says where it is, for people; ``hosts`` are
    the inventory names through which it can be updated: the managers of its swarm, or the names of its own engine.
    ``digests`` are those its image is known under, ``since`` when it began to run them, by the operator's clock.
    ``reference`` is None where no push can concern it.
    """

    key: str
    kind: Kind
    id: str
    name: str
    place: str
    hosts: tuple[str, ...]
    image: str
    reference: Reference | None
    digests: frozenset[str]
    since: datetime
    state: str | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether an update of it was begun and has not ended: what it will run is open."""
        return self.state == UNFINISHED

    def runs(self, digest: str) -> bool:
        """Tell whether the target's image is the one with ``digest``."""
        return digest in self.digests

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that runs of playbooks have for it: one for each name of its engine."""
        if self.kind is Kind.SERVICE:
            return (self.key,)
        return tuple(dict.fromkeys((self.key, *(container_key(host, self.name) for host in self.hosts))))

    @property
    def runs_name(self) -> Name | None:
        """The image name that a push must have to concern the target, or None where none can."""
        if not self.reference or not self.reference.tag:
            return None
        return self.reference.host.lower(), self.reference.repository, self.reference.tag


@dataclass(frozen=True)
class Unfinished:
    """An update of the container ``name`` to ``digest`` of ``image`` that was begun on a host and has not ended.

    ``age`` is how many seconds before the host's answer it began; ``is_worked_on`` is false where its process died and
    nobody goes on with it.
    """

    name: str
    image: str
    digest: str
    age: float
    is_worked_on: bool


@dataclass(frozen=True)
class Host:
    """One host of the inventory, as last asked. ``error`` is why it could not be, in a sentence.

    ``back_since`` is when it first answered, or answered again after it had not; None if it never did.

    ``is_manager`` means that it can tell of its swarm's services and change them. ``live`` says how the live view
    of it is, in a sentence, or is None where there is none.

    ``engine_id`` and ``engine_name`` are the engine's own, ``containers`` the ids of those that opted in: by them an
    engine is known under another name.
    """

    name: str
    asked_at: datetime
    error: str | None = None
    engine: str | None = None
    swarm: str | None = None
    is_manager: bool = False
    warnings: tuple[str, ...] = ()
    live: str | None = None
    back_since: datetime | None = None
    unfinished: tuple[Unfinished, ...] = ()
    engine_id: str | None = None
    engine_name: str | None = None
    containers: tuple[str, ...] = ()

    @property
    def is_reachable(self) -> bool:
        """Whether the last scan got an answer from the host's engine."""
        return self.error is None


# The targets of one image name, by digests and key.
_Group = Map[frozenset[str], Map[str, Target]]


@dataclass(frozen=True)
class Fleet:
    """All hosts and targets, keyed by their names and keys.

    A changed copy of it shares what stayed the same, with its indexes, so that one host's answer costs the same
    in a fleet of any size.
    """

    hosts: Mapping[str, Host] = field(default_factory=Map)
    targets: Mapping[str, Target] = field(default_factory=Map)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hosts", _map(self.hosts))
        object.__setattr__(self, "targets", _map(self.targets))

    @cached_property
    def by_name(self) -> Map[Name, _Group]:
        """The targets that run each image name, by the digests they run it with and by key."""
        index: dict[Name, dict[frozenset[str], dict[str, Target]]] = {}
        for target in self.targets.values():
            if target.runs_name:
                group = index.setdefault(target.runs_name, {})
                group.setdefault(target.digests, {})[target.key] = target
        return Map(
            {
                name: Map({digests: Map(targets) for digests, targets in group.items()})
                for name, group in index.items()
            }
        )

    @cached_property
    def named(self) -> Map[str, frozenset[str]]:
        """The keys of the targets that each host told of."""
        index: dict[str, set[str]] = {}
        for target in self.targets.values():
            for host in target.hosts:
                index.setdefault(host, set()).add(target.key)
        return Map({host: frozenset(keys) for host, keys in index.items()})

    @cached_property
    def swarms(self) -> Map[str, frozenset[str]]:
        """The hosts that are known to be managers of each swarm, whether or not they can tell of it now."""
        index: dict[str, set[str]] = {}
        for host in self.hosts.values():
            if host.swarm:
                index.setdefault(host.swarm, set()).add(host.name)
        return Map({swarm: frozenset(hosts) for swarm, hosts in index.items()})

    @cached_property
    def engines(self) -> Map[str, frozenset[str]]:
        """The hosts whose engines have each id: of more than one, the engine has several names or was cloned."""
        index: dict[str, set[str]] = {}
        for host in self.hosts.values():
            if host.engine_id:
                index.setdefault(host.engine_id, set()).add(host.name)
        return Map({engine: frozenset(hosts) for engine, hosts in index.items()})

    @cached_property
    def unfinished(self) -> frozenset[str]:
        """The hosts that told of updates which have not ended."""
        return frozenset(name for name, host in self.hosts.items() if host.unfinished)

    def running(self, hosts: Iterable[str], repository: str, tag: str) -> tuple[Target, ...]:
        """Return the targets that run ``repository:tag`` of a registry known under ``hosts``, by key.

        Host, repository and tag are compared whole; a push is matched in time independent of the fleet's size.
        """
        return self._matching(hosts, repository, tag, but=None)

    def behind(self, hosts: Iterable[str], repository: str, tag: str, digest: str) -> tuple[Target, ...]:
        """Return those of :meth:`running` that do not run ``digest``, in time that depends on how many these are."""
        return self._matching(hosts, repository, tag, but=digest)

    def runs(self, hosts: Iterable[str], repository: str, tag: str) -> bool:
        """Tell whether any target runs the name."""
        return any((host.lower(), repository, tag) in self.by_name for host in hosts)

    def _matching(
        self, hosts: Iterable[str], repository: str, tag: str, but: str | None
    ) -> tuple[Target, ...]:
        # Asked for every image name at every look: most have nothing that is behind.
        found: dict[str, Target] = {}
        for host in hosts:
            group = self.by_name.get((host.lower(), repository, tag))
            for digests, targets in group.items() if group else ():
                if but not in digests:
                    found.update(targets)
        return tuple(found[key] for key in sorted(found)) if found else ()

    def changed(self, change: "Change") -> Self:
        """Return the fleet after ``change``."""
        by_name, named, swarms, engines = self.by_name.mutate(), self.named, self.swarms, self.engines
        hosts, targets = _map(self.hosts).mutate(), _map(self.targets).mutate()
        left = frozenset(name for name, host in change.hosts.items() if host and host.unfinished)
        unfinished = (self.unfinished - change.hosts.keys()) | left if self.unfinished or left else left
        for name, host in change.hosts.items():
            before = hosts.get(name)
            swarms = _moved(swarms, name, before.swarm if before else None, host.swarm if host else None)
            engines = _moved(
                engines, name, before.engine_id if before else None, host.engine_id if host else None
            )
            if host:
                hosts[name] = host
            else:
                hosts.pop(name, None)
        for key, target in change.targets.items():
            known = targets.get(key)
            if known and known.runs_name:
                group = _without(by_name[known.runs_name], known)
                if group:
                    by_name[known.runs_name] = group
                else:
                    del by_name[known.runs_name]
            if target and target.runs_name:
                by_name[target.runs_name] = _with(by_name.get(target.runs_name, Map()), target)
            if target:
                targets[key] = target
            else:
                targets.pop(key, None)
        for name, keys in change.named.items():
            named = named.set(name, keys) if keys else named.delete(name) if name in named else named
        after = type(self)(hosts.finish(), targets.finish())
        # The place where cached properties keep what they hold.
        after.__dict__.update(by_name=by_name.finish(), named=named, swarms=swarms)
        after.__dict__.update(engines=engines, unfinished=unfinished)
        return after


@dataclass(frozen=True)
class Change:
    """What differs between two states of a fleet, by name or key; None for what is gone."""

    hosts: Mapping[str, Host | None] = field(default_factory=dict)
    targets: Mapping[str, Target | None] = field(default_factory=dict)
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)


def _with(group: _Group, target: Target) -> _Group:
    return group.set(target.digests, group.get(target.digests, Map()).set(target.key, target))


def _without(group: _Group, target: Target) -> _Group:
    left = group[target.digests].delete(target.key)
    return group.set(target.digests, left) if left else group.delete(target.digests)


def _map(given: Mapping[str, T]) -> "Map[str, T]":
    return given if isinstance(given, Map) else Map(given)


def _moved(
    index: Map[str, frozenset[str]], host: str, before: str | None, after: str | None
) -> Map[str, frozenset[str]]:
    if before == after:
        return index
    if before:
        left = index[before] - {host}
        index = index.set(before, left) if left else index.delete(before)
    return index.set(after, index.get(after, frozenset()) | {host}) if after else index


def service_key(service_id: str) -> str:
    """Return the key of a swarm service; service ids are unique among all swarms."""
    return f"{Kind.SERVICE}/{service_id}"


def container_key(host: str, name: str) -> str:
    """Return the key of a container: its host and name, for its id changes with every update."""
    return f"{Kind.CONTAINER}/{host}/{name}"
