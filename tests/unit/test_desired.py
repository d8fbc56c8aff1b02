"""What of all pushed names a plan depends on; that nothing else does is in the planner's properties."""

from dataclasses import replace

from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.rollouts.desired import DesiredImages, PushedName
from registry_docker_updater.core.rollouts.history import History, Override
from registry_docker_updater.core.rollouts.planner import concerning, plan
from registry_docker_updater.core.rollouts.rollout import RolloutState
from unit.builders import HOST, NEWER, at, container, desired, fleet, rollout

HOSTS = {"production": (HOST, "Mirror.example.com"), "other": ("other.example.com",)}
PUSH = desired()


def images(*of: object) -> DesiredImages:
    made = DesiredImages(HOSTS)
    made.add(of)  # type: ignore[arg-type]
    return made


def test_a_push_is_found_by_every_name_that_a_target_can_have_for_it() -> None:
    known = images(PUSH)
    for image in (f"{HOST}/test/app:1", f"{HOST.upper()}/test/app:1", "mirror.example.com/test/app:1"):
        assert known.run_by(fleet(container(image=image)).by_name) == [PUSH]
    for image in ("other.example.com/test/app:1", f"{HOST}/test/app:2", "strange.example.com/test/app:1"):
        assert known.run_by(fleet(container(image=image)).by_name) == []


def test_a_newer_push_takes_the_place_of_the_one_before() -> None:
    newer = replace(desired(NEWER, 2), push=2, change=9)
    known = images(replace(PUSH, change=3), replace(desired(push=3, tag="3"), change=4))
    assert known.last == 4
    known.add([newer])
    assert known.last == 9
    assert known.of([PUSH.name], [1]) == [newer]
    assert [one.push for one in known.newest_not_in([])] == [2]
    assert [one.push for one in known.newest_not_in([PUSH.name])] == [3]
    assert DesiredImages(HOSTS).last == 0
    assert DesiredImages(HOSTS).newest_not_in([]) == []


def test_the_newest_pushes_of_all_tags_of_a_repository_are_given_in_the_order_of_their_changes() -> None:
    other = replace(PUSH, registry="other", push=2)
    second, elsewhere = desired(push=3, tag="2"), replace(desired(push=4), repository="test/web")
    known = images(PUSH, other, second, elsewhere)
    assert known.of_repository("production", "test/app") == [PUSH, second]
    newer = replace(desired(NEWER, 5), push=5)
    known.add([newer])
    assert known.of_repository("production", "test/app") == [second, newer]
    assert known.of_repository("other", "test/app") == [other]
    assert known.of_repository("other", "test/web") == []


def test_what_became_the_newest_since_a_change_is_given_in_its_order() -> None:
    known = images(replace(PUSH, change=3), replace(desired(push=3, tag="3"), change=4))
    assert [[one.push for one in known.since(change)] for change in (0, 3, 4)] == [[1, 3], [3], []]


def test_a_rollout_whose_targets_are_gone_is_settled_though_nobody_runs_its_name() -> None:
    waiting = rollout(RolloutState.WAITING, due_at=at(100))
    history = History({1: waiting})
    wanted = concerning(images(PUSH, desired(push=7, tag="7")), [], history)
    assert [one.push for one in wanted] == [1, 7]
    assert plan(wanted, Fleet(), history, at(900)).settle == (waiting,)


def test_what_a_person_forced_stays_open_while_its_target_is_not_to_be_seen() -> None:
    history = History(overrides=frozenset((Override("host solo/web", 1),)))
    wanted = concerning(images(PUSH, desired(push=7, tag="7")), [], history)
    assert plan(wanted, Fleet(), history, at(900)).closed_overrides == frozenset()


def test_a_name_of_a_registry_that_is_no_more_concerns_nothing() -> None:
    assert images(PUSH).of([PushedName("gone", "test/app", "1")], [99]) == []
