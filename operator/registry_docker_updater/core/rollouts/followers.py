"""Who follows tags, and to which pushes each can move."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import FOLLOW, ImageName, Target
from registry_docker_updater.core.policy.following import Follower, newer, newest_first
from registry_docker_updater.core.policy.policies import Policies, rules_of
from registry_docker_updater.core.policy.reading import Said
from registry_docker_updater.core.policy.rules import Following
from registry_docker_updater.core.rollouts.desired import DesiredImage, DesiredImages, PushedName
from registry_docker_updater.core.rollouts.moves import NO_MOVES, Moves

# So many newer tags are looked at: where the newest is closed to a target, another may not be.
MOST_MOVES = 10
# The targets that follow the same tags of a repository of a registry, and run the same.
_Alike = Mapping[tuple[str, str, Follower], Sequence[Target]]
_NOBODY: Mapping[str, Collection[Follower]] = {}


def followers(fleet: Fleet, policies: Policies) -> Iterator[Target]:
    """Yield the targets of which anybody says that they follow tags, each once; of some, it may be said in vain."""
    if policies.follow:
        yield from fleet.targets.values()
        return
    keys = set(fleet.following)
    for name, host in fleet.hosts.items():
        if any(rule == FOLLOW for rule, _ in host.policy):
            keys |= fleet.named.get(name, frozenset())
    yield from (fleet.targets[key] for key in sorted(keys))


class KnownMoves:
    """Finds to which pushes targets can move, and remembers it until it is otherwise; for one thread.

    A push of what nobody follows, and a change of the fleet that changes nobody who follows, cost next to nothing. Of a repository
    with many tags, each push is looked at once.
    """

    def __init__(self) -> None:
        """Begin with nothing found."""
        self._newest = _NewestPushes(DesiredImages({}))
        self._alike = _KnownAlike()
        self._found: tuple[_Alike, int] = ({}, 0)
        self._moves = NO_MOVES

    def __call__(self, fleet: Fleet, desired: DesiredImages, policies: Policies) -> Moves:
        """Return the moves of the targets of ``fleet`` among what is ``desired``, to which more may be added, and nothing else done."""
        is_other = self._newest.desired is not desired
        if is_other:
            self._newest, self._alike = _NewestPushes(desired), _KnownAlike()
        alike = self._alike(fleet, policies, desired.registry_of)
        before, last = self._found
        if is_other or alike is not before or _is_pushed(alike, desired, last):
            self._moves = _moves(alike, self._newest)
        self._found = (alike, desired.last)
        return self._moves


class _KnownAlike:
    """Finds which targets follow what, and remembers it: it is the same object until any does otherwise."""

    def __init__(self) -> None:
        self._of: tuple[Fleet, Policies, Mapping[str, Said]] | None = None
        self._alike: _Alike = {}

    def __call__(self, fleet: Fleet, policies: Policies, registry_of: Callable[[str], str | None]) -> _Alike:
        of = self._of
        if of and of[0] is fleet and of[1] == policies:
            return self._alike
        # Hosts tell of themselves all the time: only what the inventory says of them matters here.
        said = {name: host.policy for name, host in fleet.hosts.items() if host.policy}
        if not (of and of[0].targets is fleet.targets and of[1:] == (policies, said)):
            alike = _alike(fleet, policies, registry_of)
            self._alike = self._alike if alike == self._alike else alike
        self._of = (fleet, policies, said)
        return self._alike


class _NewestPushes:
    """The newest tags that were pushed to each repository, for those who follow tags; of what is ``desired`` later, only that is read."""

    def __init__(self, desired: DesiredImages) -> None:
        self.desired = desired
        self._known: dict[tuple[str, str, tuple[Following, ...], str], tuple[int, tuple[str, ...]]] = {}

    def newer(self, registry: str, repository: str, follower: Follower) -> list[DesiredImage]:
        """Return the pushes of newer tags than what runs, the newest tag first."""
        follows, running = follower.follows, follower.running
        key = (registry, repository, follows, running[:1])
        read, ordered = self._known.get(key, (-1, ()))
        if new := self.desired.of_repository(registry, repository, since=read):
            # What is behind so many cannot come before any of them.
            tags = {*ordered, *(one.tag for one in new)}
            read, ordered = new[-1].change, newest_first(follows, running[:1], tags, MOST_MOVES)
            self._known[key] = (read, ordered)
        names = (PushedName(registry, repository, tag) for tag in newer(follows, running, ordered))
        return self.desired.of(names, ())

    def keep(self, alike: _Alike) -> None:
        """Forget what nobody follows any more."""
        keys = {(of, repository, one.follows, one.running[:1]) for of, repository, one in alike}
        self._known = {key: known for key, known in self._known.items() if key in keys}


class KnownFollowers:
    """Finds who follows tags of which repositories, and remembers it until the fleet or the policies are others; for any thread."""

    def __init__(self, registry_of: Callable[[str], str | None]) -> None:
        """Begin with nothing found; ``registry_of`` tells which registry is known under a host, in lower case."""
        self._registry_of = registry_of
        self._known: tuple[Fleet, Policies, Mapping[str, Mapping[str, Collection[Follower]]]] | None = None

    def __call__(self, fleet: Fleet, policies: Policies, registry: str) -> Mapping[str, Collection[Follower]]:
        """Return who follows tags of each repository of ``registry``: the same object until anybody else does."""
        known = self._known
        if known is None or known[0] is not fleet or known[1] != policies:
            found: dict[str, dict[str, list[Follower]]] = {}
            for of, repository, follower in _alike(fleet, policies, self._registry_of):
                found.setdefault(of, {}).setdefault(repository, []).append(follower)
            same = {of: known[2][of] for of in found if known and known[2].get(of) == found[of]}
            known = self._known = (fleet, policies, {**found, **same})
        return known[2].get(registry, _NOBODY)


def moves_of(
    fleet: Fleet, desired: DesiredImages, policies: Policies, only: tuple[str, str] | None = None
) -> Moves:
    """Return to which of the pushes that are ``desired`` the targets of ``fleet`` can move that follow tags.

    Of one repository ``only``, by the name of its registry and its own, where that is given: the others are not looked at.
    """
    return _moves(_alike(fleet, policies, desired.registry_of, only), _NewestPushes(desired))


def _moves(alike: _Alike, newest: _NewestPushes) -> Moves:
    newest.keep(alike)
    found: dict[str, tuple[DesiredImage, ...]] = {}
    for (registry, repository, follower), targets in alike.items():
        if some := newest.newer(registry, repository, follower):
            found |= {one.key: (*some, *_own(one, newest.desired)) for one in targets}
    return Moves(found) if found else NO_MOVES


def _is_pushed(alike: _Alike, desired: DesiredImages, since: int) -> bool:
    """Tell whether anything was pushed to a repository whose tags are followed after the change ``since``."""
    repositories = {(registry, repository) for registry, repository, _ in alike}
    return any(desired.of_repository(*one, since=since) for one in repositories)


def _alike(
    fleet: Fleet,
    policies: Policies,
    registry_of: Callable[[str], str | None],
    only: tuple[str, str] | None = None,
) -> _Alike:
    """Return the targets that follow tags, by the registry, the repository, and what they have in common."""
    found: dict[tuple[str, str, Follower], list[Target]] = {}
    for target in followers(fleet, policies):
        name = target.image_name
        registry = registry_of(name.host) if name else None
        if name and registry and only in (None, (registry, name.repository)):
            follows = rules_of(target, fleet, policies, registry).follows
            if follows:
                found.setdefault((registry, name.repository, Follower(name.tag, follows)), []).append(target)
    return found


def _own(target: Target, desired: DesiredImages) -> Iterator[DesiredImage]:
    """Yield the push of a target's own name, where it does not run that."""
    names: tuple[ImageName, ...] = (target.image_name,) if target.image_name else ()
    return (one for one in desired.run_by(names) if not target.runs(one.digest))
