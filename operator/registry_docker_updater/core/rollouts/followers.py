"""Who follows tags, and to which pushes each can move."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import FOLLOW, ImageName, Target
from registry_docker_updater.core.policy.following import Follower, newest
from registry_docker_updater.core.policy.policies import Policies, rules_of
from registry_docker_updater.core.rollouts.desired import DesiredImage, DesiredImages
from registry_docker_updater.core.rollouts.moves import NO_MOVES, Moves

# So many newer tags are looked at: where the newest is closed to a target, another may not be.
MOST_MOVES = 10
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
    """Finds to which pushes targets can move, and remembers it until the fleet, the pushes or the policies are others; for one thread."""

    def __init__(self) -> None:
        """Begin with nothing found."""
        self._of: tuple[Fleet, int, Policies] | None = None
        self._moves = NO_MOVES

    def __call__(self, fleet: Fleet, desired: DesiredImages, policies: Policies) -> Moves:
        """Return the moves of the targets of ``fleet`` among what is ``desired``."""
        known = self._of
        if known is None or known[0] is not fleet or known[1:] != (desired.last, policies):
            self._moves = moves_of(fleet, desired, policies)
            self._of = (fleet, desired.last, policies)
        return self._moves


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


def moves_of(fleet: Fleet, desired: DesiredImages, policies: Policies) -> Moves:
    """Return to which of the pushes that are ``desired`` the targets of ``fleet`` can move that follow tags."""
    found: dict[str, tuple[DesiredImage, ...]] = {}
    for (registry, repository, follower), targets in _alike(fleet, policies, desired.registry_of).items():
        newer = _newer(follower, desired.of_repository(registry, repository))
        if newer:
            found |= {one.key: (*newer, *_own(one, desired)) for one in targets}
    return Moves(found) if found else NO_MOVES


def _alike(
    fleet: Fleet, policies: Policies, registry_of: Callable[[str], str | None]
) -> Mapping[tuple[str, str, Follower], Sequence[Target]]:
    """Return the targets that follow tags, by the registry, the repository, and what they have in common."""
    found: dict[tuple[str, str, Follower], list[Target]] = {}
    for target in followers(fleet, policies):
        name = target.image_name
        registry = registry_of(name.host) if name else None
        if name and registry:
            follows = rules_of(target, fleet, policies, registry).follows
            if follows:
                found.setdefault((registry, name.repository, Follower(name.tag, follows)), []).append(target)
    return found


def _newer(follower: Follower, pushed: Iterable[DesiredImage]) -> Sequence[DesiredImage]:
    """Return the pushes of newer tags, the newest tag first."""
    by_tag = {one.tag: one for one in pushed}
    found: list[DesiredImage] = []
    while len(found) < MOST_MOVES and (tag := newest(follower.follows, follower.running, by_tag)):
        found.append(by_tag.pop(tag))
    return found


def _own(target: Target, desired: DesiredImages) -> Iterator[DesiredImage]:
    """Yield the push of a target's own name, where it does not run that."""
    names: tuple[ImageName, ...] = (target.image_name,) if target.image_name else ()
    return (one for one in desired.run_by(names) if not target.runs(one.digest))
