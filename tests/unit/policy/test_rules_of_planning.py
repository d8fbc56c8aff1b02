"""What owners and people say is heeded by the planner: who waits, for what, until when, and whose word ends that."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from registry_docker_updater.core.events.pushes import KeptPush
from registry_docker_updater.core.fleet.targets import Target
from registry_docker_updater.core.policy.decisions import Decision
from registry_docker_updater.core.policy.freezes import Freeze, Freezes, Scope
from registry_docker_updater.core.policy.policies import Policies, Policy
from registry_docker_updater.core.policy.reading import read_rules
from registry_docker_updater.core.rollouts.history import Delay, History, LastAttempt, Override
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.outlook import overview
from registry_docker_updater.core.rollouts.planner import judge, plan
from registry_docker_updater.core.rollouts.rollout import RolloutState
from registry_docker_updater.core.rollouts.verdicts import BY_NAME, DUE, Case, Verdict, broken_by_force
from registry_docker_updater.core.rollouts.verdicts.window import together
from unit.builders import HOST, NEW, NEWER, NOON, OLD, at, container, desired, fleet, host, rollout, service

WEB = container()
PUSH = desired()  # at 60 s


def labelled(target: Target = WEB, **labels: str) -> Target:
    """A target with labels, of whose names `_` stands for `-`."""
    return replace(
        target, labels=tuple(sorted((name.replace("_", "-"), value) for name, value in labels.items()))
    )


def verdict(
    target: Target, history: History | None = None, seconds: float = 120, others: tuple[Target, ...] = ()
) -> Verdict:
    return judge(target, PUSH, history or History(), fleet(target, *others), at(seconds))


def insisted(target: Target = WEB) -> History:
    return History(overrides=frozenset((Override(target.key, PUSH.push),)))


def approved(*people: str, keys: tuple[str, ...] = (WEB.key,), yes: bool = True) -> History:
    words = tuple(
        Decision(number, PUSH.push, frozenset(keys), person, at(100), yes, None if yes else "too late today")
        for number, person in enumerate(people)
    )
    return History(decisions={PUSH.push: words})


def frozen(scope: Scope = Scope.EVERYTHING, of: str = "", until: float | None = 900) -> History:
    end = None if until is None else at(until)
    return History(freezes=Freezes((Freeze(1, scope, of, NOON, end, "end of year", "ann"),)))


def test_without_rules_nothing_waits() -> None:
    assert verdict(WEB) is DUE
    assert verdict(labelled(notify="team-a", serial="1", order="2")) is DUE


@pytest.mark.parametrize("target", [labelled(enable="false"), labelled(enable="no", approval="required")])
def test_who_opts_out_is_left_alone(target: Target) -> None:
    said = verdict(target)
    assert (said.name, said.is_pending, said.is_overridable, said.is_meant) == (
        "opted_out",
        False,
        False,
        True,
    )
    assert verdict(target, insisted()).name == "opted_out"


def test_an_own_label_beats_a_pattern_in_the_settings() -> None:
    policies = Policies((Policy(read_rules((("enable", "true"),), "policies.0."), (), ("test/*",)),))
    assert verdict(labelled(enable="false"), History(policies=policies)).name == "opted_out"
    assert verdict(WEB, History(policies=policies)) is DUE


def test_what_is_only_watched_is_never_touched() -> None:
    said = verdict(labelled(monitor_only="true"), insisted())
    assert (said.name, said.is_pending, said.is_overridable) == ("watched", False, False)


@pytest.mark.parametrize("labels", [{"windw": "mon-fri"}, {"window": "when it rains"}, {"serial": "some"}])
def test_what_nobody_can_read_makes_a_target_wait_and_names_the_label(labels: dict[str, str]) -> None:
    said = verdict(labelled(WEB, **labels), insisted())
    (name,) = labels
    assert (said.name, said.is_pending, said.is_overridable) == ("unreadable", True, False)
    assert f"registry-docker-updater.{name}" in said.sentence


def test_many_things_that_nobody_can_read_are_counted() -> None:
    said = verdict(labelled(a="1", b="2", c="3", d="4", e="5"))
    assert said.sentence.endswith("; and 2 more")


def test_approval_is_waited_for_with_whom_it_takes() -> None:
    target = labelled(approval="2", approvers="bob, eve", four_eyes="true", approval_deadline="1h")
    said = judge(target, replace(PUSH, actor="ann"), approved("bob"), fleet(target), at(120))
    assert said.sentence == (
        "waits for approval by 1 person, one of bob, eve, not whoever pushed it, after bob, until 2026-11-22 13:01 UTC"
    )
    assert (said.is_pending, said.is_overridable, said.at) == (True, False, at(3660))
    assert verdict(labelled(approval="2")).sentence == "waits for approval by 2 people"


def test_where_nobody_knows_who_pushed_four_eyes_wait_for_one_person_more() -> None:
    target = labelled(approval="required", approvers="bob, eve", four_eyes="true")
    assert verdict(target).sentence == (
        "waits for approval by 2 people (one more, as nobody knows who pushed it), one of bob, eve"
    )
    assert verdict(target, approved("bob")).name == "approval"
    assert verdict(target, approved("bob", "eve")) is DUE


def test_nobody_can_insist_on_what_is_to_be_approved() -> None:
    target = labelled(approval="required")
    history = replace(insisted(), decisions={})
    assert verdict(target, history).name == "approval"


def test_what_is_approved_goes() -> None:
    assert verdict(labelled(approval="required"), approved("bob")) is DUE
    assert verdict(labelled(approval="required"), approved("bob", keys=("service/y",))).name == "approval"


def test_what_is_refused_is_left_alone_with_the_reason() -> None:
    said = verdict(labelled(approval="required"), approved("bob", yes=False))
    assert (said.name, said.sentence, said.is_pending) == (
        "declined",
        "was refused by bob: too late today",
        False,
    )


def test_a_refusal_without_a_reason_says_who() -> None:
    word = Decision(1, PUSH.push, frozenset((WEB.key,)), "bob", at(100), is_approval=False)
    said = verdict(labelled(approval="required"), History(decisions={PUSH.push: (word,)}))
    assert said.sentence == "was refused by bob"


def test_an_approval_that_nobody_gave_in_time_lapses() -> None:
    target = labelled(approval="required", approval_deadline="1h")
    said = verdict(target, seconds=3660)
    assert (said.name, said.is_pending, said.is_meant) == ("lapsed", False, False)


@pytest.mark.parametrize(
    ("scope", "of"),
    [
        (Scope.EVERYTHING, ""),
        (Scope.HOST, "solo"),
        (Scope.GROUP, "production"),
        (Scope.REPOSITORY, "test/*"),
    ],
)
def test_what_is_frozen_waits_until_that_ends(scope: Scope, of: str) -> None:
    known = fleet(WEB, hosts=(host("solo", groups=("production",)),))
    said = judge(WEB, PUSH, frozen(scope, of), known, at(120))
    assert (said.name, said.is_pending, said.is_overridable, said.at) == ("frozen", True, True, at(900))
    assert said.sentence == "is frozen by ann until 2026-11-22 12:15 UTC: end of year"
    assert judge(WEB, PUSH, frozen(scope, of), known, at(900)) is DUE


def test_a_freeze_without_an_end_has_no_time_and_of_several_the_last_counts() -> None:
    assert verdict(WEB, frozen(until=None)).at is None
    two = Freezes((*frozen(until=300).freezes.all, *frozen(until=900).freezes.all))
    assert verdict(WEB, History(freezes=two)).at == at(900)


def test_a_person_who_insists_breaks_a_freeze_a_window_an_age_and_a_soak() -> None:
    target = labelled(minimum_age="2h", window="sat 00:00-01:00", soak="1h")
    history = replace(frozen(), overrides=insisted().overrides)
    assert verdict(target).is_overridable
    assert verdict(target, history) is DUE


def test_what_a_person_breaks_who_insists_is_each_freeze_window_age_and_soak_and_nothing_else() -> None:
    target = labelled(minimum_age="2h", window="sat 00:00-01:00", soak="1h", approval="required", typo="x")

    def broken(target: Target, history: History) -> list[str]:
        return [one.name for one in broken_by_force(Case(target, PUSH, history, fleet(target), at(120)))]

    assert broken(target, frozen()) == ["frozen", "soaking", "too_young", "window"]
    assert broken(target, replace(frozen(), overrides=insisted().overrides)) == []
    assert broken(WEB, History()) == []


def test_a_push_is_to_be_old_enough() -> None:
    target = labelled(minimum_age="2h")
    said = verdict(target, seconds=7259)
    assert (said.name, said.at) == ("too_young", at(7260))
    assert said.sentence == "waits until the push is old enough, at 2026-11-22 14:01 UTC"
    assert verdict(target, seconds=7260) is DUE


def test_newer_pushes_begin_anew_and_not_for_ever() -> None:
    target = labelled(replace(WEB, since=NOON - timedelta(days=1)), minimum_age="2h", longest_wait="3h")
    push = replace(PUSH, push=5)
    history = History(delays={push.name: (Delay(3, at(60 - 2 * 3600)), Delay(5, at(60)))})
    assert judge(target, push, history, fleet(target), at(120)).at == at(60 + 3600)


def test_only_the_pushes_that_it_waited_for_itself_delay_a_target() -> None:
    target = labelled(replace(WEB, since=NOON - timedelta(days=1)), minimum_age="2h", longest_wait="3h")
    push = replace(PUSH, push=5)
    delays = {push.name: (Delay(2, at(-9000)), Delay(4, at(-6000)))}
    got_the_third = {target.key: LastAttempt(3, Outcome.UPDATED, frozenset((OLD,)), at(-8000))}
    for last, ready_at in (({}, at(-9000 + 3 * 3600)), (got_the_third, at(-6000 + 3 * 3600))):
        said = judge(target, push, History(last=last, delays=delays), fleet(target), at(120))
        assert said.at == ready_at
    # What came before it began to run what it runs made it wait no longer.
    fresh = replace(target, since=at(59))
    assert judge(fresh, push, History(delays=delays), fleet(fresh), at(120)).at == at(7260)


def test_a_window_is_waited_for() -> None:
    # NOON is a Sunday.
    target = labelled(window="mon-fri 22:00-04:00 Europe/Berlin")
    said = verdict(target)
    opens_at = datetime(2026, 11, 23, 21, tzinfo=UTC)
    assert (said.name, said.at, said.is_pending) == ("window", opens_at, True)
    assert said.sentence == (
        "waits for its window (mon-fri 22:00-04:00 Europe/Berlin), which opens at 2026-11-23 21:00 UTC"
    )
    assert judge(target, PUSH, History(), fleet(target), opens_at) is DUE


def test_windows_of_several_places_are_to_be_open_together() -> None:
    policies = Policies((Policy(read_rules((("window", "11:00-14:00"),), "policies.0.")),))
    target = labelled(window="mon 13:00-15:00")
    history = History(policies=policies)
    said = verdict(target, history)
    assert said.at == datetime(2026, 11, 23, 13, tzinfo=UTC)
    assert "mon 13:00-15:00, and 11:00-14:00" in said.sentence


@dataclass(frozen=True)
class Never:
    """A window that opens no more."""

    text: str = "never"

    def closes_at(self, now: datetime) -> datetime | None:
        del now
        return None

    def opens_at(self, now: datetime) -> datetime | None:
        del now
        return None


def test_a_window_that_opens_no_more_is_open_together_with_none() -> None:
    assert together((Never(), *read_rules((("window", "mon 13:00-15:00"),), "").windows), NOON) is None


def test_when_it_is_looked_at_again_is_known_of_what_waits_by_a_rule() -> None:
    known = fleet(labelled(minimum_age="2h"))
    (one,) = overview(known, [PUSH], [HOST], History(), at(120)).behind.values()
    assert (one.verdict.name, one.next_at) == ("too_young", at(7260))


def test_windows_that_are_never_open_together_say_so() -> None:
    policies = Policies((Policy(read_rules((("window", "tue 11:00-14:00"),), "policies.0.")),))
    said = verdict(labelled(window="mon 13:00-15:00"), History(policies=policies))
    assert (said.name, said.at) == ("window", None)
    assert said.sentence == (
        "waits for its windows, which are never open together: mon 13:00-15:00, and tue 11:00-14:00"
    )


def test_a_window_that_never_opens_is_one_that_nobody_can_read() -> None:
    assert verdict(labelled(window="cron 0 0 30 2 * for 1h")).name == "unreadable"


PROD = labelled(container("prod", on="far", image=f"{HOST}/test/app:1"), soak="1h", order="2")


def test_production_follows_test_when_it_has_run_well_there_for_long_enough() -> None:
    test = labelled(container("test", digest=NEW, since=at(90)), order="1")
    said = verdict(PROD, others=(test,))
    assert (said.name, said.at) == ("soaking", at(3690))
    assert said.sentence == (
        "waits until test at host solo has run this digest for long enough, at 2026-11-22 13:01:30 UTC"
    )
    assert verdict(PROD, seconds=3690, others=(test,)) is DUE


def test_what_came_to_test_under_another_name_counts_too() -> None:
    test = container("test", image=f"{HOST}/other/app:9", digest=NEW, since=at(90))
    assert verdict(PROD, seconds=3690, others=(test,)) is DUE


def test_production_waits_while_nothing_before_it_runs_the_digest() -> None:
    for other in (container("test"), container("test", digest=NEWER), labelled(container("t"), order="2")):
        assert verdict(PROD, others=(other,), seconds=9999).name == "soaking"
    assert verdict(PROD).sentence.endswith("where nothing runs this digest")
    behind = verdict(PROD, others=(container("a"), container("b")), seconds=9999)
    assert behind.sentence.endswith("where not all run this digest that are to")


def test_what_follows_and_did_not_come_to_the_tag_is_before_production_too() -> None:
    follows = {"follow": "semver ^1.4"}
    push = desired(tag="1.5.0")
    there = replace(container("t1", image=f"{HOST}/test/app:1.5.0", digest=NEW), since=at(90))
    stays = labelled(container("t2", image=f"{HOST}/test/app:1.4.0"), **follows)
    prod = labelled(container("p", on="far", image=f"{HOST}/test/app:1.4.0"), soak="1h", order="2", **follows)
    for others, name in (((there, stays), "soaking"), ((there,), "due")):
        assert judge(prod, push, History(), fleet(prod, *others), at(9999)).name == name


def test_what_opted_out_or_restarts_is_nobody_to_wait_for_or_to_trust() -> None:
    well = labelled(container("test", digest=NEW, since=at(90)), order="1")
    out, watched = (labelled(container("out"), enable="no"), labelled(container("w"), monitor_only="yes"))
    assert verdict(PROD, others=(well, out, watched), seconds=9999) is DUE
    assert verdict(PROD, others=(replace(well, state="restarting"),), seconds=9999).name == "soaking"


def test_the_inventory_of_every_manager_counts_for_a_service() -> None:
    api = service()
    known = fleet(api, hosts=(host("m2", policy=(("approval", "required"),)),))
    assert judge(api, PUSH, History(), known, at(120)).name == "approval"


def test_who_is_to_approve_is_asked_before_anything_else_makes_it_wait() -> None:
    target = labelled(approval="required", window="mon 13:00-15:00", minimum_age="2h")
    assert verdict(target, frozen()).name == "approval"


def test_what_was_held_goes_on_when_the_rules_allow_it_again() -> None:
    last = {WEB.key: LastAttempt(1, Outcome.SKIPPED, frozenset((NEW,)), at(100), held=True)}
    target = labelled(window="mon 13:00-15:00")
    history = History({1: rollout(RolloutState.WAITING)}, last)
    assert verdict(target, history).name == "window"
    assert verdict(WEB, history) is DUE


def test_what_failed_for_the_last_time_is_not_tried_again_because_others_wait() -> None:
    failed = {WEB.key: LastAttempt(1, Outcome.FAILED, frozenset((NEW,)), at(100), given_up=True)}
    waits = rollout(RolloutState.WAITING, due_at=None, waits=("window",))
    assert verdict(WEB, History({1: waits}, failed)).name == "done"


def test_a_run_goes_on_while_its_targets_may_be_updated_and_is_looked_at_when_the_first_window_closes() -> (
    None
):
    begun = LastAttempt(1, Outcome.FAILED, frozenset((NEW,)), at(100))
    target = labelled(window="sun 11:00-13:00")
    history = History({1: rollout(RolloutState.RUNNING)}, {target.key: begun})
    planned = plan([PUSH], fleet(target), history, at(120))
    assert (planned.hold, planned.wake_at) == ({}, at(3600))
    closed = plan([PUSH], fleet(target), history, at(3600))
    assert set(closed.hold) == {7}
    assert closed.hold[7].startswith("waits for its window (sun 11:00-13:00)")


def test_a_freeze_holds_a_run_and_not_one_that_a_person_insists_on() -> None:
    begun = LastAttempt(1, Outcome.FAILED, frozenset((NEW,)), at(100))
    history = replace(frozen(), rollouts={1: rollout(RolloutState.RUNNING)}, last={WEB.key: begun})
    assert plan([PUSH], fleet(WEB), history, at(120)).hold == {
        7: "is frozen by ann until 2026-11-22 12:15 UTC: end of year"
    }
    assert plan([PUSH], fleet(WEB), replace(history, overrides=insisted().overrides), at(120)).hold == {}


def test_a_person_breaks_the_freezes_that_there_are_and_none_that_comes_later() -> None:
    for said_at, name in ((at(-1), "frozen"), (NOON, "due"), (at(50), "due")):
        word = Override(WEB.key, PUSH.push, said_at)
        assert verdict(WEB, replace(frozen(), overrides=frozenset((word,)))).name == name


def test_a_run_is_held_though_its_targets_are_to_run_something_else_by_now() -> None:
    begun = LastAttempt(1, Outcome.FAILED, frozenset((NEW,)), at(100))
    newer = desired(OLD, 2, at(110))
    kept = KeptPush(1, "production", "test/app", "1", NEW, "ann", at(60))
    history = replace(
        frozen(), rollouts={1: rollout(RolloutState.RUNNING)}, last={WEB.key: begun}, running_pushes={1: kept}
    )
    assert set(plan([newer], fleet(WEB), history, at(120)).hold) == {7}


def test_a_run_goes_on_by_the_approval_of_its_own_push_when_a_newer_one_comes() -> None:
    begun = LastAttempt(1, Outcome.FAILED, frozenset((NEW,)), at(100))
    kept = KeptPush(1, "production", "test/app", "1", NEW, "ann", at(60))
    target = labelled(approval="required", minimum_age="1s")
    history = replace(
        approved("bob"),
        rollouts={1: rollout(RolloutState.RUNNING)},
        last={target.key: begun},
        running_pushes={1: kept},
    )
    assert plan([desired(NEWER, 2, at(120))], fleet(target), history, at(120)).hold == {}


@pytest.mark.parametrize(
    "last",
    [
        None,
        LastAttempt(1, Outcome.SKIPPED, frozenset((NEW,)), at(100), held=True),
        LastAttempt(1, Outcome.UPDATED, frozenset((NEW,)), at(100)),
        LastAttempt(0, Outcome.FAILED, frozenset((NEW,)), at(100)),
    ],
)
def test_what_is_not_in_a_run_holds_none(last: LastAttempt | None) -> None:
    history = replace(
        frozen(),
        rollouts={1: rollout(RolloutState.RUNNING)},
        last={WEB.key: last} if last else {},
    )
    assert plan([PUSH], fleet(WEB), history, at(120)).hold == {}


def test_a_run_whose_person_insists_is_not_looked_at_when_its_window_closes() -> None:
    begun = LastAttempt(1, Outcome.FAILED, frozenset((NEW,)), at(100))
    target = labelled(window="sun 11:00-13:00")
    history = History({1: rollout(RolloutState.RUNNING)}, {target.key: begun}, overrides=insisted().overrides)
    assert plan([PUSH], fleet(target), history, at(120)).wake_at is None


def test_every_verdict_has_a_name_of_its_own() -> None:
    assert all(name == one.name for name, one in BY_NAME.items())
    assert DUE in BY_NAME.values()
