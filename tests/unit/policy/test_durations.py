"""How people write how long something takes."""

from datetime import timedelta

import pytest

from registry_docker_updater.core.policy.durations import read_duration
from registry_docker_updater.core.policy.rules import BadRule


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        (" 1.5 h ", timedelta(minutes=90)),
        ("3d", timedelta(days=3)),
        ("365d", timedelta(days=365)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, duration: timedelta) -> None:
    assert read_duration(text) == duration


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2", "'2' is not a duration such as 10s, 15m or 1h"),
        ("-2h", "'-2h' is not a duration"),
        ("2w", "'2w' is not a duration"),
        ("٣d", "is not a duration"),
        ("9" * 400 + "d", "is not a duration"),
        ("366d", "'366d' is longer than a year"),
    ],
)
def test_what_is_none_is_told(text: str, problem: str) -> None:
    with pytest.raises(BadRule) as caught:
        read_duration(text)
    assert problem in str(caught.value)
