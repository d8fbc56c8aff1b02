"""The fleet as scans saw it: hosts, the swarms found on them, and their targets, found by what they run."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self, TypeVar

from immutables import Map

from registry_docker_updater.core.fleet.hosts import Host
from registry_docker_updater.core.fleet.targets import ImageName, Target

T = TypeVar("T")
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
    def by_name(self) -> Map[ImageName, _Group]:
        """The targets that run each image name, by the digests they run it with and by key."""
        index: dict[ImageName, dict[frozenset[str], dict[str, Target]]] = {}
        for target in self.targets.values():
            if name := target.image_name:
                group = index.setdefault(name, {})
                group.setdefault(target.digests, {})[target.key] = target
        return Map(
            {
                name: Map({digests: Map(targets) for digests, targets in group.items()})
                for name, group in index.items()
            }
        )

    @cached_property
    def remembered(self) -> dict[Any, Any]:
        """What was found out about it, by whoever did; nothing of it is true of another state."""
        return {}

    @cached_property
    def by_repository(self) -> Mapping[tuple[str, str], tuple[ImageName, ...]]:
        """The image names that targets run, by host and repository; made anew when it is asked for, which is rare."""
        index: dict[tuple[str, str], list[ImageName]] = {}
        for name in self.by_name:
            index.setdefault((name.host, name.repository), []).append(name)
        return {repository: tuple(names) for repository, names in index.items()}

    @cached_property
    def by_digest(self) -> Mapping[str, tuple[Map[str, Target], ...]]:
        """The targets that run each digest, whatever their image is called; made anew when it is asked for, which is rare."""
        index: dict[str, list[Map[str, Target]]] = {}
        for group in self.by_name.values():
            for digests, targets in group.items():
                for digest in digests:
                    index.setdefault(digest, []).append(targets)
        return {digest: tuple(some) for digest, some in index.items()}

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
    def following(self) -> frozenset[str]:
        """The keys of the targets whose labels say that they follow tags."""
        return frozenset(key for key, target in self.targets.items() if target.follows)

    @cached_property
    def unfinished(self) -> frozenset[str]:
        """The hosts that told of updates which have not ended."""
        return frozenset(name for name, host in self.hosts.items() if host.unfinished)

    def running(self, names: Iterable[ImageName]) -> tuple[Target, ...]:
        """Return the targets that run one of ``names``, by key.

        A push, which has a name for each host of its registry, is matched in time independent of the fleet's size.
        """
        return self._matching(names, but=None)

    def behind(self, names: Iterable[ImageName], digest: str) -> tuple[Target, ...]:
        """Return those of :meth:`running` that do not run ``digest``, in time that depends on how many these are."""
        return self._matching(names, but=digest)

    def runs(self, names: Iterable[ImageName]) -> bool:
        """Tell whether any target runs one of ``names``."""
        return any(name in self.by_name for name in names)

    def names_in(self, repositories: Iterable[tuple[str, str]]) -> Iterator[ImageName]:
        """Yield the image names of some repositories, each by its host and name, that targets run."""
        for repository in repositories:
            yield from self.by_repository.get(repository, ())

    def with_digest(self, digest: str) -> Iterator[Target]:
        """Yield the targets that run ``digest``, whatever their image is called."""
        for targets in self.by_digest.get(digest, ()):
            yield from targets.values()

    def _matching(self, names: Iterable[ImageName], but: str | None) -> tuple[Target, ...]:
        # Asked for every image at every reconciliation: most have nothing that is behind.
        found: dict[str, Target] = {}
        for name in names:
            group = self.by_name.get(name)
            for digests, targets in group.items() if group else ():
                if but not in digests:
                    found.update(targets)
        return tuple(found[key] for key in sorted(found)) if found else ()

    def changed(self, change: "FleetChange") -> Self:
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
        followed = {key for key, target in change.targets.items() if target and target.follows}
        following = self.following
        if followed or following.intersection(change.targets):
            following = (following - change.targets.keys()) | followed
        for key, target in change.targets.items():
            known = targets.get(key)
            if known and (name_before := known.image_name):
                group = _without(by_name[name_before], known)
                if group:
                    by_name[name_before] = group
                else:
                    del by_name[name_before]
            if target and (name_now := target.image_name):
                by_name[name_now] = _with(by_name.get(name_now, Map()), target)
            if target:
                targets[key] = target
            else:
                targets.pop(key, None)
        for name, keys in change.named.items():
            named = named.set(name, keys) if keys else named.delete(name) if name in named else named
        # What did not change is the same object: who has sorted it needs not do so again.
        after = type(self)(hosts.finish(), targets.finish() if change.targets else self.targets)
        # The place where cached properties keep what they hold.
        after.__dict__.update(by_name=by_name.finish(), named=named, swarms=swarms)
        after.__dict__.update(engines=engines, unfinished=unfinished, following=following)
        return after


@dataclass(frozen=True)
class FleetChange:
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
