"""What is told of a new container that does not prove itself, also when the process that saw it was killed."""

import tempfile
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.container.containers import Containers
from ansible_collections.registry.docker_updater.plugins.module_utils.container.decisions.swap import RUNNING
from ansible_collections.registry.docker_updater.plugins.module_utils.container.finish import begin, repair
from ansible_collections.registry.docker_updater.plugins.module_utils.container.journal import Journal

from unit.test_container_crashes import AT_ONCE, Killed, PlayedContainers, swap_of

_BEFORE_THE_END = range(7, 11)


class BadImage(PlayedContainers):
    """Containers of the new image end as soon as they are started."""

    def _start(self, one: dict[str, Any]) -> None:
        super()._start(one)
        if one["Image"] == "new":
            one["State"] |= {"Status": "exited", "Running": False, "ExitCode": 1}


def _result(number: int) -> dict[str, Any]:
    """What becomes of an update whose process is killed before its change with that ``number``; 0 is none."""
    containers = BadImage()
    swap = swap_of(containers, "app", "always", RUNNING)
    containers.end_at(iter([(number, "kill", "before")] if number else []))
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, "engine")
        played = cast("Containers", containers)
        try:
            return begin(played, journal, swap, AT_ONCE)
        except Killed:
            (result,) = repair(played, journal, AT_ONCE)
            return result


def test_the_last_lines_of_its_log_stay_with_the_digest_that_is_not_tried_again() -> None:
    """Whoever lost the connection meanwhile hears of them at the next try."""
    containers = BadImage()
    swap = swap_of(containers, "app", "always", RUNNING)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(folder, "engine")
        begin(cast("Containers", containers), journal, swap, AT_ONCE)
        refusal = Journal(folder, "engine").refusal("app", swap.wanted["digest"])
        assert refusal
        assert refusal["log"] == ["cannot work"]
        journal.refuse("app", "sha256:other", "of a version before", ())
        (path,) = Path(folder).rglob("app.refused.json")
        path.write_text(path.read_text().replace('"log": []', '"log": "x"'))
        assert (journal.refusal("app", "sha256:other") or {})["log"] == []


def test_the_last_lines_of_its_log_are_told() -> None:
    result = _result(0)
    assert (result["outcome"], result["log"]) == ("rolled_back", ["cannot work"])


@pytest.mark.parametrize("number", _BEFORE_THE_END)
def test_so_they_are_by_the_process_that_goes_on_with_the_way_back(number: int) -> None:
    result = _result(number)
    assert (result["outcome"], result["log"]) == ("rolled_back", ["cannot work"])
