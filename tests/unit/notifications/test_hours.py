"""Hours in which people are left alone, and the time of a digest, where somebody is."""

from datetime import UTC, datetime, time

import pytest

from registry_docker_updater.core.notifications.hours import Daily, QuietHours

BERLIN = "Europe/Berlin"


def utc(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "next_at"),
    [
        (utc(22, 6, 59), utc(22, 7)),
        (utc(22, 7), utc(23, 7)),
        (utc(22, 23, 30), utc(23, 7)),
    ],
)
def test_a_digest_is_due_at_its_time_where_people_are(now: datetime, next_at: datetime) -> None:
    assert Daily(time(8), BERLIN).next(now) == next_at


def test_a_digest_keeps_its_time_when_summer_time_begins_and_ends() -> None:
    assert Daily(time(8), BERLIN).next(utc(28, 8, month=3)) == utc(29, 6, month=3)
    assert Daily(time(8), BERLIN).next(utc(24, 8, month=10)) == utc(25, 7, month=10)


def test_a_time_that_a_day_does_not_have_is_when_clocks_have_gone_forward() -> None:
    assert Daily(time(2, 30), BERLIN).next(utc(28, 12, month=3)) == utc(29, 1, month=3)


def test_a_digest_is_due_on_the_other_side_of_the_date_line_too() -> None:
    assert Daily(time(8), "Pacific/Kiritimati").next(utc(22, 12)) == utc(22, 18)
    assert Daily(time(8), "Pacific/Pago_Pago").next(utc(22, 18)) == utc(22, 19)


def test_quiet_hours_that_end_when_clocks_go_back_do_not_last_a_day_longer() -> None:
    night = QuietHours(time(22), time(2, 30), BERLIN)
    assert night.until(utc(25, 0, 10, month=10)) == utc(25, 0, 30, month=10)
    assert night.until(utc(25, 1, 10, month=10)) == utc(25, 1, 30, month=10)


NIGHT = QuietHours(time(22), time(7), BERLIN)
NOON = QuietHours(time(12), time(13))


@pytest.mark.parametrize(
    ("hours", "now", "until"),
    [
        (NIGHT, utc(22, 20, 59), None),
        (NIGHT, utc(22, 21), utc(23, 6)),
        (NIGHT, utc(22, 23, 30), utc(23, 6)),
        (NIGHT, utc(23, 5, 59), utc(23, 6)),
        (NIGHT, utc(23, 6), None),
        (NOON, utc(22, 11, 59), None),
        (NOON, utc(22, 12), utc(22, 13)),
        (NOON, utc(22, 13), None),
    ],
)
def test_quiet_hours_end_at_their_end_also_over_midnight(
    hours: QuietHours, now: datetime, until: datetime | None
) -> None:
    assert hours.until(now) == until
