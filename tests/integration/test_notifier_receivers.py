"""Which receivers are told what, when: teams, quiet hours, digests, beginnings."""

from dataclasses import replace
from datetime import time
from pathlib import Path

from integration.keeping import HOSTS, ended, record
from integration.keeping import end as end_run
from integration.office import HOUR, Office
from registry_docker_updater.core.fleet.index import Fleet
from registry_docker_updater.core.notifications.hours import Daily, QuietHours
from registry_docker_updater.core.notifications.news import USUAL_TOPICS, Topic
from registry_docker_updater.core.notifications.receivers import Gets, Receiver, Receivers
from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.plans import Start
from registry_docker_updater.storage import actions
from registry_docker_updater.storage.storage import Storage
from unit.builders import at, container, fleet

TEAMS = fleet(container("web"), container("db", "far"))


def labelled(known: Fleet, **teams: str) -> Fleet:
    return Fleet(
        known.hosts,
        {
            key: replace(one, notify=(teams[one.name],) if one.name in teams else ())
            for key, one in known.targets.items()
        },
    )


def test_each_team_gets_a_message_of_its_own_and_one_that_hangs_holds_up_no_other(
    storage: Storage, tmp_path: Path
) -> None:
    known = labelled(TEAMS, web="team-a", db="team-b")
    office = Office(storage, tmp_path, Receivers({"default": Receiver("default", Gets.THE_REST)}), known)
    office.roll_out(Outcome.UPDATED, key=container("web").key)
    office.roll_out(Outcome.UPDATED, key=container("db", "far").key)
    office.notifier.reconcile(office.now, ())
    assert len(office.tasks) == 2, "side by side"
    office.tasks.pop()()
    assert [one["receiver"] for one in office.team.messages] == ["team-b"]
    office.roll_out(Outcome.UPDATED, key=container("web").key)
    office.notifier.reconcile(office.now, ())
    assert len(office.tasks) == 1, "team-a is still being told"


def test_in_quiet_hours_a_failure_is_told_and_the_rest_at_their_end_in_one_message(
    storage: Storage, tmp_path: Path
) -> None:
    quiet = Receiver("default", Gets.EVERYTHING, quiet=QuietHours(time(11), time(13)))
    office = Office(storage, tmp_path, Receivers({"default": quiet}))
    office.roll_out(Outcome.UPDATED)
    office.roll_out(Outcome.FAILED)
    office.roll_out(Outcome.UPDATED)
    office.look()
    assert office.team.rollouts == [[2]]
    office.start()
    office.keep_looking(HOUR + 1)
    assert office.team.rollouts == [[2], [1, 3]]


def test_a_digest_is_one_message_a_day(storage: Storage, tmp_path: Path) -> None:
    daily = Receiver("default", Gets.EVERYTHING, digest=Daily(time(14)))
    office = Office(storage, tmp_path, Receivers({"default": daily}))
    for hour in range(4):
        office.roll_out(Outcome.UPDATED)
        office.keep_looking((hour + 1) * HOUR - 1)
    office.keep_looking(30 * HOUR)
    assert office.team.rollouts == [[1, 2, 3], [4]]
    assert {one["sent_for"] for one in office.team.messages} == {"digest"}


def test_that_a_run_begins_is_told_to_those_who_want_it_and_kept_for_nobody_else(
    storage: Storage, tmp_path: Path
) -> None:
    eager = Receiver("eager", Gets.EVERYTHING, (*USUAL_TOPICS, Topic.STARTED))
    office = Office(storage, tmp_path, Receivers({"eager": eager}))
    record(storage)
    (desired,) = storage.events.desired(HOSTS)
    start = Start(desired, (container(),), ())
    begun = actions.begin_run(storage, start, at(1))
    office.notifier.began(begun, start, at(1))
    office.look(1)
    assert [(one["receiver"], one["items"][0]["topic"]) for one in office.team.messages] == [
        ("eager", "started")
    ]
    end_run(storage, at(5), ended(Outcome.UPDATED))
    office.look(4)
    assert sorted((one["receiver"], one["items"][0]["topic"]) for one in office.team.messages[1:]) == [
        ("default", "image updated"),
        ("eager", "image updated"),
    ]
    office.known = Receivers()
    office.start()
    office.notifier.began(begun, start, at(6))
    assert storage.news.unrouted(1) == ()
