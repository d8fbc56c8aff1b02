"""What repeats is said once a minute."""

import logging
from dataclasses import dataclass

from integration.conftest import until
from integration.log.lines import EVIL, Log
from registry_docker_updater.cli.log import LineFormatter, Repeats
from registry_docker_updater.log_context import ROUTINE, UNLIKE_OTHERS, about
from registry_docker_updater.settings.model import Log as LogSettings


@dataclass
class Said:
    """What passes the filter of repeats, at a time that is set."""

    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.repeats = Repeats(lambda: self.seconds)

    def is_logged(self, message: str, *args: object, **given: object) -> bool:
        record = logging.LogRecord("any", logging.INFO, "", 0, message, args, None)
        record.__dict__.update(given)
        return self.repeats.filter(record)

    def sums(self, **given: bool) -> list[str]:
        return [LineFormatter().format(one).partition("INFO ")[2] for one in self.repeats.sums(**given)]


def test_what_is_said_again_is_left_out_for_a_minute() -> None:
    said = Said()
    assert [said.is_logged("down: %s", "a") for _ in range(3)] == [True, False, False]
    assert said.is_logged("down: %s", "b")
    with about(rollout=1):
        assert said.is_logged("down: %s", "a")
    assert [said.is_logged("accepted", **UNLIKE_OTHERS) for _ in range(3)] == [True, True, True]
    said.seconds = 59.9
    assert [said.is_logged("down: %s", "b"), said.sums()] == [False, []]
    assert [said.is_logged("scanned %d", n, **ROUTINE) for n in range(3)] == [True, False, False]


def test_what_was_left_out_is_summed_up_when_its_minute_is_over_though_nothing_more_comes() -> None:
    said = Said()
    for number in range(5):
        said.is_logged("scanned %d", number, **ROUTINE)
        with about(event=3, rollout=1):
            said.is_logged("down: %s", EVIL)
    said.seconds = 30.0
    assert said.is_logged("another")
    said.is_logged("another")
    said.seconds = 60.0
    scanned, down = said.sums()
    assert scanned == "scanned 4 (repeated 4 times)"
    assert down.startswith("event 3, rollout 1: down: no route\\n2026")
    assert down.endswith("(repeated 4 times)")
    assert said.sums() == []
    said.seconds = 90.0
    assert said.sums() == ["another (repeated once)"]
    said.seconds = 1000.0
    assert said.sums() == []
    assert not said.repeats._said


def test_what_goes_on_is_said_once_a_minute_by_a_line_or_by_its_sum() -> None:
    said = Said()
    heard = []
    for second in range(185):
        said.seconds = float(second)
        if said.is_logged("down"):
            heard.append((second, "down"))
        heard += [(second, one) for one in said.sums()]
    assert heard == [
        (0, "down"),
        (60, "down (repeated 60 times)"),
        (120, "down (repeated 60 times)"),
        (180, "down (repeated 60 times)"),
    ]


def test_what_comes_again_after_its_minute_is_said_at_once_where_there_is_nothing_to_sum_up() -> None:
    said = Said()
    assert said.is_logged("down")
    said.seconds = 60.0
    assert said.is_logged("down")
    assert not said.is_logged("down")


def test_no_more_is_remembered_of_what_was_said_than_fits_and_all_that_was_left_out_is_counted() -> None:
    said = Said()
    for number in range(10_000):
        said.is_logged(f"{number}")
        said.is_logged(f"{number}")
    assert len(said.repeats._said) == 2000
    assert len(said.sums()) == 8000
    assert len(said.repeats._said) == 2000
    assert len(said.sums(is_end=True)) == 2000


def test_sums_are_written_by_themselves_and_at_the_end(log: Log) -> None:
    seconds = [0.0]
    log.logs._handler.repeats._steady = lambda: seconds[-1]
    for _ in range(3):
        logging.getLogger("any").warning("down")
    assert len(log()) == 1
    seconds.append(60.0)
    until(lambda: len(log()) == 2)
    logging.getLogger("any").warning("down")
    log.logs._handler.close()
    assert [line.partition("Z ")[2] for line in log()] == [
        "WARNING down",
        "WARNING down (repeated 2 times)",
        "WARNING down (repeated once)",
    ]


def test_what_is_not_logged_any_more_is_not_summed_up_either(log: Log) -> None:
    for _ in range(3):
        logging.getLogger("registry_docker_updater").info("scanned")
    log.logs.change(LogSettings(level="warning"))
    log.logs._handler.close()
    assert len(log()) == 1


def test_at_debug_nothing_is_left_out_and_nothing_is_said_of_libraries(log: Log) -> None:
    ours = logging.getLogger("registry_docker_updater")
    log.logs.change(LogSettings(level="debug"))
    ours.debug("again")
    ours.info("again")
    ours.info("again")
    logging.getLogger("urllib3").debug("Authorization: Bearer")
    assert [line.partition("Z ")[2] for line in log()] == ["DEBUG again", "INFO again", "INFO again"]
