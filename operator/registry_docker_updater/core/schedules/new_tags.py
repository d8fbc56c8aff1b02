"""Tags that nobody runs yet, and that targets are to move to: those that a registry is to be asked for, too."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from registry_docker_updater.core.events.formats.fields import why_no_image
from registry_docker_updater.core.policy.following import Follower, newer, newest_first, unparsable
from registry_docker_updater.core.schedules.polls import Tag

# Of tags that cannot be read, so many are named, and so many rules of a repository are told of.
_NAMED, _MOST = 5, 5


@dataclass(frozen=True)
class NewTags:
    """What is known of the tags of one registry that are followed: of each repository the newest tag for each follower.

    ``followed`` has who follows tags of each repository. Every change makes new ones.
    """

    followed: Mapping[str, Collection[Follower]] = field(default_factory=dict)
    known: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def tags(self) -> frozenset[Tag]:
        """The new tags."""
        return frozenset(Tag(repository, tag) for repository, tags in self.known.items() for tag in tags)

    @cached_property
    def lists(self) -> frozenset[Tag]:
        """The lists of tags that are to be asked for."""
        return frozenset(Tag(repository) for repository in self.followed)

    def of(self, followed: Mapping[str, Collection[Follower]]) -> "NewTags":
        """Return what remains of them where that is followed."""
        after = NewTags(followed)
        known = {one: after.newest_few(one, tags) for one, tags in self.known.items() if one in followed}
        return replace(after, known=known)

    def followed_otherwise(self, before: "NewTags") -> frozenset[str]:
        """Return the repositories of which others than ``before`` follow tags, of which another may be the newest."""
        if self.followed is before.followed:
            return frozenset()
        return frozenset(
            repository
            for repository, followers in self.followed.items()
            if set(followers) != set(before.followed.get(repository, ()))
        )

    def listed(self, repository: str, tags: Iterable[str]) -> "NewTags":
        """Return them after the registry told all ``tags`` of a repository."""
        return replace(self, known={**self.known, repository: self.newest_few(repository, tags)})

    def mentioned(self, tags: Iterable[Tag]) -> "NewTags":
        """Return them after pushes of ``tags``, some of which may be newer."""
        known = dict(self.known)
        for tag in tags:
            if tag.repository in self.followed:
                both = known.get(tag.repository, frozenset()) | {tag.tag}
                known[tag.repository] = self.newest_few(tag.repository, both)
        return self if known == self.known else replace(self, known=known)

    def concerns(self, tag: Tag) -> bool:
        """Tell whether anybody could move to ``tag``, though another may be newer."""
        return bool(self.newest_few(tag.repository, (tag.tag,)))

    def unread(self, repository: str, tags: Iterable[str]) -> tuple[str, ...]:
        """Return which of all ``tags`` of a repository look as if they were to be followed and cannot be compared, in sentences."""
        images = [tag for tag in tags if not why_no_image(tag)]
        rules = dict.fromkeys(rule for one in self.followed.get(repository, ()) for rule in one.follows)
        found = ((rule.text, unparsable([rule], images)) for rule in rules)
        said = [_cannot_be_compared(repository, text, some) for text, some in found if some]
        return tuple(sorted(said)[:_MOST])

    def newest_few(self, repository: str, tags: Iterable[str]) -> frozenset[str]:
        """Return those of ``tags`` that are the newest for a follower of tags in ``repository``."""
        images = [tag for tag in tags if not why_no_image(tag)]
        followers = dict.fromkeys(self.followed.get(repository, ()))
        # Many follow the same: for them all, the tags are ordered once.
        alike = {(one.follows, one.running[:1]) for one in followers}
        first = {one: newest_first(*one, images, 1) for one in alike}
        return frozenset(
            tag
            for one in followers
            for tag in newer(one.follows, one.running, first[one.follows, one.running[:1]])
        )


def _cannot_be_compared(repository: str, rule: str, tags: Sequence[str]) -> str:
    named = ", ".join(tags[:_NAMED])
    more = f" and {len(tags) - _NAMED} more" if len(tags) > _NAMED else ""
    what = "tag" if len(tags) == 1 else "tags"
    return (
        f"{repository}: {what} {named}{more} cannot be compared by `{rule}`, and nothing moves to such a tag"
    )
