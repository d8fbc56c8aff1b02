"""Targets that follow tags: to which push each is to move, and that none moves backwards or against what is known of it."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from registry_docker_updater.core.fleet.index import Fleet, FleetChange
from registry_docker_updater.core.fleet.merging import change_after_updates
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.decisions import Decision
from registry_docker_updater.core.policy.following import Follower, newest, read_follow
from registry_docker_updater.core.policy.pattern_tags import GlobTags
from registry_docker_updater.core.policy.policies import NO_POLICIES, Policies, Policy
from registry_docker_updater.core.policy.reading import read_rules
from registry_docker_updater.core.policy.rules import Rules
from registry_docker_updater.core.policy.tag_order import Place
from registry_docker_updater.core.references import Reference
from registry_docker_updater.core.rollouts.desired import DesiredImage, DesiredImages
from registry_docker_updater.core.rollouts.followers import (
    MOST_MOVES,
    KnownFollowers,
    KnownMoves,
    followers,
    moves_of,
)
from registry_docker_updater.core.rollouts.history import History, LastAttempt, Refusal
from registry_docker_updater.core.rollouts.moves import NO_MOVES, Aims, aims
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.outlook import overview
from registry_docker_updater.core.rollouts.planner import concerning, open_pushes, open_targets, plan
from registry_docker_updater.core.rollouts.plans import Plan
from registry_docker_updater.core.rollouts.rollout import RolloutState
from unit.builders import HOST, NEW, NEWER, NOON, OLD, at, container, fleet, host, rollout, service

HOSTS = {"production": (HOST,)}
DAY = timedelta(days=1)


def tagged(tag: str, name: str = "web", **labels: str) -> Target:
    """A container that runs a tag since the day before, with labels."""
    said = ((label.replace("_", "-"), value) for label, value in labels.items())
    one = container(name, image=f"{HOST}/test/app:{tag}", since=NOON - DAY)
    return replace(one, labels=tuple(sorted(said)))


def push(number: int, tag: str, digest: str = NEW, seconds: float = 60) -> DesiredImage:
    return DesiredImage(
        number, "production", (HOST,), "test/app", tag, digest, at(seconds + number), change=number
    )


def known(*pushes: DesiredImage) -> DesiredImages:
    images = DesiredImages(HOSTS)
    images.add(pushes)
    return images


WEB = tagged("1.4.2", follow="semver ^1.4")
ONLY_OLD = Policy(read_rules((("follow", "glob 1.4.2*"),), ""))


def planned(targets: tuple[Target, ...], *pushes: DesiredImage, history: History | None = None) -> Plan:
    images, seen = known(*pushes), fleet(*targets)
    moves = moves_of(seen, images, NO_POLICIES)
    run = images.run_by(seen.by_name)
    past = history or History()
    return plan(concerning(images, run, past, moves), seen, past, at(120), moves)


def test_a_push_of_a_newer_tag_moves_a_target_that_follows_it() -> None:
    (start,) = planned((WEB, tagged("1.4.2", "stays")), push(1, "1.4.3")).start
    assert (start.desired.tag, [one.name for one in start.targets]) == ("1.4.3", ["web"])
    assert start.moves == {"container/solo/web": f"{HOST}/test/app:1.4.2"}


def test_the_newest_that_fits_is_taken_whatever_came_last() -> None:
    (start,) = planned((WEB,), push(1, "1.5.0"), push(2, "1.4.9"), push(3, "2.0.0")).start
    assert start.desired.tag == "1.5.0"


def test_nothing_moves_backwards_and_its_own_tag_still_counts() -> None:
    assert planned((WEB,), push(1, "1.4.1")).start == ()
    (start,) = planned((WEB,), push(1, "1.4.2"), push(2, "1.4.1")).start
    assert (start.desired.tag, start.moves) == ("1.4.2", {})


def test_what_runs_the_digest_under_another_tag_gets_the_name_too() -> None:
    (start,) = planned((WEB,), push(1, "1.4.3", OLD)).start
    assert start.desired.tag == "1.4.3"
    assert planned((replace(tagged("1.4.3"), labels=WEB.labels),), push(1, "1.4.3", OLD)).start == ()


def test_where_the_newest_was_rolled_back_the_next_lower_is_taken() -> None:
    refused = History(refusals=frozenset((Refusal(WEB.key, NEWER),)))
    pushes = (push(1, "1.5.0", NEWER), push(2, "1.4.9"))
    (start,) = planned((WEB,), *pushes, history=refused).start
    assert start.desired.tag == "1.4.9"


def test_where_all_newer_ones_are_closed_its_own_tag_counts() -> None:
    refused = History(refusals=frozenset((Refusal(WEB.key, NEWER),)))
    (start,) = planned((WEB,), push(1, "1.5.0", NEWER), push(2, "1.4.2"), history=refused).start
    assert start.desired.tag == "1.4.2"


def test_where_everything_is_closed_it_is_seen_behind_the_newest() -> None:
    refused = History(refusals=frozenset((Refusal(WEB.key, NEWER),)))
    images, seen = known(push(1, "1.5.0", NEWER)), fleet(WEB)
    moves = moves_of(seen, images, NO_POLICIES)
    shown = overview(seen, images.run_by(seen.by_name), [HOST], refused, at(120), moves)
    one = shown.outlook(WEB.key)
    assert (one.verdict.name, one.is_behind, one.image) == ("refused", True, f"{HOST}/test/app:1.5.0")


def test_what_a_person_refused_leaves_the_next_lower() -> None:
    target = tagged("1.4.2", follow="semver ^1.4", approval="required")
    word = Decision(1, 1, frozenset((target.key,)), "bob", at(100), is_approval=False)
    images, seen = known(push(1, "1.5.0", NEWER), push(2, "1.4.9")), fleet(target)
    moves = moves_of(seen, images, NO_POLICIES)
    aimed = aims(moves, seen, History(decisions={1: (word,)}), at(120))
    assert [name.tag for name in aimed.moving] == ["1.4.9"]


def test_what_a_person_deployed_after_a_push_waits_for_the_next() -> None:
    by_hand = replace(WEB, since=at(100))
    assert planned((by_hand,), push(1, "1.5.0")).start == ()
    (start,) = planned((by_hand,), push(1, "1.5.0", NEWER), push(2, "1.4.9", seconds=100)).start
    assert start.desired.tag == "1.4.9"


def test_what_is_only_watched_is_told_of_the_newest() -> None:
    target = tagged("1.4.2", follow="semver ^1.4", monitor_only="true")
    (wait,) = planned((target,), push(1, "1.5.0"), push(2, "1.4.9")).waits
    assert (wait.desired.tag, wait.names) == ("1.5.0", ("watched",))


def test_while_it_moves_to_one_tag_it_does_not_move_to_another() -> None:
    begun = LastAttempt(1, Outcome.FAILED, frozenset((NEW,)), at(100))
    running = rollout(RolloutState.RUNNING)
    moving = replace(running, name=push(1, "1.4.3").name)
    history = History({1: moving}, {WEB.key: begun})
    assert planned((WEB,), push(1, "1.4.3"), push(2, "1.5.0", NEWER), history=history).start == ()


def test_a_push_that_somebody_can_move_to_is_not_one_that_nobody_runs() -> None:
    assert planned((WEB,), push(1, "1.4.3")).rescan_since is None
    assert planned((tagged("1.4.2"),), push(1, "1.4.3")).rescan_since == at(61)


def test_of_many_newer_tags_the_newest_few_are_looked_at() -> None:
    moves = moves_of(fleet(WEB), known(*(push(n, f"1.5.{n}") for n in range(1, 40))), NO_POLICIES)
    (some,) = moves.by_key.values()
    assert [one.tag for one in some] == [f"1.5.{n}" for n in range(39, 39 - MOST_MOVES, -1)]
    assert moves.pushes == frozenset(range(30, 40))


def test_the_inventory_and_the_settings_can_have_targets_follow() -> None:
    plain, far = tagged("1.4.2"), service(image=f"{HOST}/test/app:1.4.0")
    seen = fleet(plain, far, hosts=(host("solo", policy=(("follow", "semver ^1.4"),)),))
    assert [one.key for one in followers(seen, NO_POLICIES)] == [plain.key]
    policies = Policies((Policy(read_rules((("follow", "semver ^1.4"),), ""), (), ("test/*",)),))
    moves = moves_of(fleet(plain, far), known(push(1, "1.4.3")), policies)
    assert set(moves.by_key) == {plain.key, far.key}


def test_what_no_registry_of_the_settings_has_and_what_nobody_can_read_moves_nowhere() -> None:
    stranger = replace(container(image="elsewhere.example.com/test/app:1.4.2"), labels=WEB.labels)
    nameless = replace(container("x"), reference=None, labels=WEB.labels)
    unread = tagged("1.4.2", "unread", follow="whatever is new")
    assert moves_of(fleet(stranger, nameless, unread), known(push(1, "1.4.3")), NO_POLICIES) is NO_MOVES


def test_a_target_that_left_the_fleet_moves_nowhere() -> None:
    moves = moves_of(fleet(WEB), known(push(1, "1.4.3")), NO_POLICIES)
    assert aims(moves, Fleet(), History(), at(120)).keys == frozenset()


def test_moves_are_found_again_only_when_something_is_different() -> None:
    found, images, seen = KnownMoves(), known(push(1, "1.4.3")), fleet(WEB)
    first = found(seen, images, NO_POLICIES)
    assert found(seen, images, NO_POLICIES) is first
    images.add([push(2, "1.4.4")])
    second = found(seen, images, NO_POLICIES)
    assert [one.tag for one in second.by_key[WEB.key]] == ["1.4.4", "1.4.3"]
    assert found(fleet(), images, NO_POLICIES) is NO_MOVES
    assert found(seen, images, NO_POLICIES) == second
    # Times are read otherwise after a step of the clock.
    later = found(seen, known(push(1, "1.4.3", seconds=90)), NO_POLICIES)
    assert [one.received_at for one in later.by_key[WEB.key]] == [at(91)]


def test_what_changes_nobody_who_follows_and_no_tag_that_is_followed_has_no_moves_found_again() -> None:
    ruled = host("far", policy=(("minimum-age", "1h"),))
    found, images, seen = KnownMoves(), known(push(1, "1.4.3")), fleet(WEB, hosts=(host("solo"), ruled))
    first = found(seen, images, NO_POLICIES)
    images.add([replace(push(2, "1.4.4"), repository="test/other")])
    assert found(seen, images, NO_POLICIES) is first
    for change in (
        FleetChange(targets={"container/solo/other": container("other")}),
        FleetChange(hosts={"solo": host("solo", error="it does not answer")}),
    ):
        seen = seen.changed(change)
        assert found(seen, images, NO_POLICIES) is first
    approved = replace(ruled, name="solo", policy=(("follow", "glob 1.4.2*"),))
    assert found(seen.changed(FleetChange(hosts={"solo": approved})), images, NO_POLICIES) is NO_MOVES
    assert found(seen, images, Policies((ONLY_OLD,))) is NO_MOVES


class Counted(GlobTags):
    """What is followed, and how many places of tags were asked for since this was set to none."""

    places = 0

    def place(self, tag: str) -> Place | None:
        Counted.places += 1
        return super().place(tag)


def test_however_many_follow_a_repository_each_of_its_tags_is_looked_at_once() -> None:
    policies = Policies((Policy(Rules(follows=(Counted("glob 1.*", "1.*"),))),))
    found, images = KnownMoves(), known(*(push(n, f"1.{n}") for n in range(1, 1001)))
    seen = fleet(*(tagged(f"1.{n}", f"web{n}") for n in range(991, 1001)))
    Counted.places = 0
    assert len(found(seen, images, policies).by_key) == 9
    assert 1000 <= Counted.places < 1000 + 10 * 3 * MOST_MOVES
    images.add([push(2000, "1.2000")])
    Counted.places = 0
    assert len(found(seen, images, policies).by_key) == 10
    assert Counted.places < 10 * 3 * MOST_MOVES
    # What nobody follows any more is forgotten.
    assert found(fleet(), images, policies) is NO_MOVES
    assert len(found(seen, images, policies).by_key) == 10
    assert Counted.places >= 1000


def simply_newer(follower: Follower, pushed: list[DesiredImage]) -> list[DesiredImage]:
    """Find what a target can move to in the simple way: the newest, and then that of what is left."""
    by_tag = {one.tag: one for one in pushed}
    found: list[DesiredImage] = []
    while len(found) < MOST_MOVES and (tag := newest(follower.follows, follower.running, by_tag)):
        found.append(by_tag.pop(tag))
    return found


SOME_TAGS = st.one_of(
    st.from_regex(r"v?1\.[3-9]\.[0-2]", fullmatch=True), st.sampled_from(("latest", "1.4", "22.04-9"))
)
SOME_FOLLOWS = ("semver ^1.4", "semver *", "glob *", "glob v*", r"regex v?(\d+)\..*", "regex .*[0-4]")


@given(
    st.lists(st.tuples(SOME_TAGS, st.sampled_from(SOME_FOLLOWS)), min_size=1, max_size=5),
    st.lists(st.lists(SOME_TAGS, max_size=25), min_size=1, max_size=4),
)
def test_what_is_remembered_is_what_is_found_in_the_simple_way(
    followed: list[tuple[str, str]], batches: list[list[str]]
) -> None:
    targets = [tagged(tag, f"web{n}", follow=text) for n, (tag, text) in enumerate(followed)]
    found, images, number = KnownMoves(), known(), 0
    for n, batch in enumerate(batches):
        for tag in batch:
            number += 1
            images.add([push(number, tag, f"sha256:{number:064}")])
        # Some come after pushes, or leave.
        some = targets[n % 2 :]
        moves = found(fleet(*some), images, NO_POLICIES)
        pushed = images.of_repository("production", "test/app")
        for one, (tag, text) in zip(some, followed[n % 2 :], strict=True):
            newer = simply_newer(Follower(tag, (read_follow(text),)), pushed)
            assert list(moves.by_key.get(one.key, ()))[: len(newer)] == newer
            assert bool(newer) == (one.key in moves.by_key)


def test_of_one_repository_only_those_who_follow_that_are_looked_at() -> None:
    other = tagged("1.4.2", "other", follow="semver ^1.4")
    reference = Reference.parse(f"{HOST}/test/other:1.4.2")
    seen = fleet(WEB, replace(other, image=str(reference), reference=reference))
    images = known(push(1, "1.4.3"), replace(push(2, "1.4.3"), repository="test/other"))
    asked: list[str] = []

    class Asked(Policies):
        def of(self, registry: str | None, repository: str | None) -> Rules:
            asked.append(str(repository))
            return super().of(registry, repository)

    only = ("production", "test/app")
    assert set(moves_of(seen, images, NO_POLICIES).by_key) == {WEB.key, other.key}
    assert set(moves_of(seen, images, Asked(), only=only).by_key) == {WEB.key}
    assert asked == ["test/app"]


def test_who_follows_what_is_the_same_object_until_anybody_does_otherwise() -> None:
    of = KnownFollowers(known().registry_of)
    seen = fleet(WEB, tagged("1.4.2", "other", follow="semver ^1.4"))
    first = of(seen, NO_POLICIES, "production")
    assert [one.running for some in first.values() for one in some] == ["1.4.2"]
    assert of(seen, NO_POLICIES, "production") is first
    assert of(fleet(WEB, container("more")), NO_POLICIES, "production") is first
    assert of(fleet(tagged("1.4.3", follow="semver ^1.4")), NO_POLICIES, "production") != first
    assert of(seen, NO_POLICIES, "another") == {}


def test_the_history_is_asked_for_what_can_move() -> None:
    images, seen = known(push(1, "1.4.3")), fleet(WEB)
    moves = moves_of(seen, images, NO_POLICIES)
    assert open_targets([], seen, moves) == [WEB.key]
    assert open_pushes([], seen, moves) == [1]


def test_what_follows_is_known_after_every_change_of_the_fleet() -> None:
    plain = tagged("1.4.2")
    seen = fleet(plain)
    assert seen.following == frozenset()
    follows = seen.changed(FleetChange(targets={WEB.key: WEB}))
    assert follows.following == {WEB.key}
    other = follows.changed(FleetChange(targets={"container/solo/other": container("other")}))
    assert other.following == {WEB.key}
    assert other.changed(FleetChange(targets={WEB.key: plain})).following == frozenset()


def test_after_a_move_the_fleet_is_known_to_run_the_other_tag() -> None:
    seen = fleet(WEB)
    after = seen.changed(change_after_updates(seen, {WEB.key: NEW}, at(9), {WEB.key: "1.4.3"}))
    moved = after.targets[WEB.key]
    assert (moved.image, moved.since) == (f"{HOST}/test/app:1.4.3", at(9))
    assert after.running(push(1, "1.4.3").image_names) == (moved,)
    nameless = fleet(replace(WEB, reference=None))
    change = change_after_updates(nameless, {WEB.key: NEW}, at(9), {WEB.key: "1.4.3"})
    assert nameless.changed(change).targets[WEB.key].reference is None


def test_without_moves_what_is_behind_is_what_runs_another_digest() -> None:
    assert Aims(fleet(WEB)).behind(push(1, "1.4.2")) == (WEB,)
