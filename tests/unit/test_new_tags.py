"""Which tags that nobody runs a registry is asked for: the newest for each who follows, and none else."""

from registry_docker_updater.core.policy.following import Follower, read_follow
from registry_docker_updater.core.policy.pattern_tags import GlobTags
from registry_docker_updater.core.policy.tag_order import Place
from registry_docker_updater.core.schedules.new_tags import NewTags
from registry_docker_updater.core.schedules.polls import Tag

ONE = Follower("1.4.2", (read_follow("semver ^1.4"),))
TWO = Follower("2.0.0", (read_follow("semver ^2"),))
ANY = Follower("a", (read_follow("glob *"),))
LISTED = ("1.4.2", "1.5.0", "1.6.0", "2.0.0", "2.1.0", "latest")


def tags_of(new: NewTags) -> set[str]:
    return {str(tag) for tag in new.tags}


def test_of_many_new_tags_only_the_newest_of_each_follower_counts() -> None:
    new = NewTags({"test/app": (ONE, TWO, ONE), "test/web": (ONE,)})
    assert new.lists == {Tag("test/app"), Tag("test/web")}
    assert tags_of(new) == set()
    new = new.listed("test/app", LISTED)
    assert tags_of(new) == {"test/app:1.6.0", "test/app:2.1.0"}
    assert tags_of(new.listed("test/app", ("1.5.0",))) == {"test/app:1.5.0"}, "others are gone"


def test_however_many_follow_the_same_each_listed_tag_is_looked_at_once() -> None:
    class Counted(GlobTags):
        def place(self, tag: str) -> Place | None:
            looked_at.append(tag)
            return super().place(tag)

    looked_at: list[str] = []
    follows = (Counted("glob 1.*", "1.*"),)
    new = NewTags({"test/app": [Follower(f"1.{n}", follows) for n in range(100)]})
    assert tags_of(new.listed("test/app", [f"1.{n}" for n in range(1000)])) == {"test/app:1.999"}
    assert len(looked_at) < 1000 + 100 * 5


def test_a_push_of_a_newer_tag_takes_the_place_of_the_one_known_and_others_change_nothing() -> None:
    new = NewTags({"test/app": (ONE,)}).listed("test/app", LISTED)
    assert tags_of(new.mentioned([Tag("test/app", "1.7.0")])) == {"test/app:1.7.0"}
    others = [Tag("test/app", "1.5.0"), Tag("test/app", "3.0.0"), Tag("test/web", "1.7.0")]
    assert new.mentioned(others) is new


def test_what_somebody_could_move_to_concerns_though_another_is_newer() -> None:
    new = NewTags({"test/app": (ONE, TWO)}).listed("test/app", LISTED)
    assert new.concerns(Tag("test/app", "1.5.0"))
    assert new.concerns(Tag("test/app", "2.0.1"))
    assert not any(new.concerns(Tag("test/app", tag)) for tag in ("1.4.2", "1.4.1", "3.0.0", "latest"))
    assert not new.concerns(Tag("test/web", "1.5.0"))


def test_who_follows_something_else_has_the_list_asked_for_and_what_nobody_follows_is_forgotten() -> None:
    new = (
        NewTags({"test/app": (ONE, TWO), "test/web": (ONE,)})
        .listed("test/app", LISTED)
        .listed("test/web", LISTED)
    )
    after = new.of({"test/app": (TWO,), "test/api": (ONE,)})
    assert tags_of(after) == {"test/app:2.1.0"}
    assert after.followed_otherwise(new) == {"test/app", "test/api"}
    assert after.followed_otherwise(after) == frozenset()
    assert new.of({"test/app": [TWO, ONE]}).followed_otherwise(new) == frozenset()


def test_what_is_attached_to_an_image_is_no_newer_image() -> None:
    new = NewTags({"test/app": (ANY,)})
    signature = f"sha256-{'0' * 64}.sig"
    assert tags_of(new.listed("test/app", ("a", "b", signature))) == {"test/app:b"}
    assert not new.concerns(Tag("test/app", signature))


def test_tags_that_look_as_if_they_were_followed_and_cannot_be_compared_are_named_by_rule() -> None:
    new = NewTags({"test/app": (ONE, TWO, ONE), "test/web": (ANY,)})
    assert new.unread("test/app", ("1.4.2", "1.4", "latest")) == ()
    one, two = new.unread("test/app", ("1.4.2", "01.5.0", "1.7"))
    assert one == (
        "test/app: tags 01.5.0, 1.7 cannot be compared by `semver ^1.4`, and nothing moves to such a tag"
    )
    assert "`semver ^2`" in two
    assert new.unread("test/web", ("01.5.0", "1.7")) == ()
    assert new.unread("test/other", ("01.5.0",)) == ()


def test_of_many_tags_that_cannot_be_compared_the_first_are_named_and_of_many_rules_the_first_told_of() -> (
    None
):
    new = NewTags({"test/app": [Follower("1.0.0", (read_follow(f"semver ^{n}"),)) for n in range(1, 10)]})
    found = new.unread("test/app", [f"1.0{n}.0" for n in range(7)])
    assert len(found) == 5
    assert "1.00.0, 1.01.0, 1.02.0, 1.03.0, 1.04.0 and 2 more cannot" in found[0]
    (alone,) = NewTags({"test/app": (ONE,)}).unread("test/app", ["1.05.0"])
    assert "test/app: tag 1.05.0 cannot" in alone
