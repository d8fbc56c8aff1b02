"""What gauges count of what waits for people, and since when."""

from datetime import datetime

from integration.keeping import ANN, HOSTS, push, record
from integration.waiting import look
from registry_docker_updater.core.rollouts.desired import DesiredImages
from registry_docker_updater.core.rollouts.verdicts import BY_NAME, CURRENT
from registry_docker_updater.storage.actions import decide
from registry_docker_updater.storage.storage import Storage
from registry_docker_updater.views.current import overview_of
from registry_docker_updater.views.gauges import Watched
from unit.builders import HOST, NEWER, at, container, fleet, labelled, whole

WEB = labelled(container(since=at(-60)), approval="required")
OTHER = labelled(container("other", image=f"{HOST}/test/app:2", since=at(-60)), approval="2")


def read(storage: Storage, now: datetime) -> dict[tuple[str, ...], float]:
    def look_at() -> object:
        return overview_of(storage, HOSTS, DesiredImages(HOSTS), storage.fleet.load(), lambda: now)

    watched = Watched(storage, look_at, list, list, dict, 1, lambda: 0)  # type: ignore[arg-type]
    return {(one.name, *one.labels): one.value for one in watched.readings()}


def test_pushes_that_wait_for_approval_are_counted_with_when_the_first_of_them_began_to(
    storage: Storage,
) -> None:
    storage.fleet.apply(whole(fleet(WEB, OTHER)))
    found = read(storage, at(5))
    assert found["waiting_for_approval",] == 0
    assert ("oldest_waiting_for_approval_timestamp_seconds",) not in found
    for seconds, one in (
        (10, push(when=at(10))),
        (20, push(NEWER, at(20))),
        (30, push(when=at(30), tag="2")),
    ):
        record(storage, one, now=at(seconds))
        look(storage, HOSTS, at(seconds))
    found = read(storage, at(40))
    assert found["waiting_for_approval",] == 2
    assert found["oldest_waiting_for_approval_timestamp_seconds",] == at(10).timestamp()
    assert found["targets_behind", "approval"] == 2
    decide(storage, 2, [WEB.key], ANN, at(50), is_approval=True)
    found = read(storage, at(60))
    assert found["waiting_for_approval",] == 1
    assert found["oldest_waiting_for_approval_timestamp_seconds",] == at(30).timestamp()


def test_every_verdict_on_what_is_behind_has_its_count(storage: Storage) -> None:
    counted = {name[1] for name in read(storage, at(0)) if name[0] == "targets_behind"}
    assert counted == {*BY_NAME, "updating"} - {CURRENT.name}
