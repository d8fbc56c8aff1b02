"""Who follows tags, and to which pushes each can move."""

from collections.abc import Iterable, Iterator, Sequence

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.fleet.targets import FOLLOW, ImageName, Target
from registry_docker_updater.core.policy.following import Follower, newest
from registry_docker_updater.core.policy.policies import Policies, rules_of
from registry_docker_updater.core.rollouts.desired import DesiredImage, DesiredImages
from registry_docker_updater.core.rollouts.moves import NO_MOVES, Moves

# So many newer tags are looked at: where the newest is closed to a target, another may not be.
MOST_MOVES = 10


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


def moves_of(fleet: Fleet, desired: DesiredImages, policies: Policies) -> Moves:
    """Return to which of the pushes that are ``desired`` the targets of ``fleet`` can move that follow tags."""
    alike: dict[tuple[str, str, Follower], list[Target]] = {}
    for target in followers(fleet, policies):
        name = target.image_name
        registry = desired.registry_of(name.host) if name else None
        if name and registry:
            follows = rules_of(target, fleet, policies, registry).follows
            if follows:
                alike.setdefault((registry, name.repository, Follower(name.tag, follows)), []).append(target)
    found: dict[str, tuple[DesiredImage, ...]] = {}
    for (registry, repository, follower), targets in alike.items():
        newer = _newer(follower, desired.of_repository(registry, repository))
        if newer:
            found |= {one.key: (*newer, *_own(one, desired)) for one in targets}
    return Moves(found) if found else NO_MOVES


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
