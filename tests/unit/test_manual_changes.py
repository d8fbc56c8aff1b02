"""What a person changed after a push, and what only was not known yet."""

import pytest
from ansible_collections.registry.docker_updater.plugins.module_utils.manual_changes import changed_after

from unit.builders import NEW, NEWER, OLD

PUSHED, ASKED = 1000.0, 1100.0


@pytest.mark.parametrize(
    ("digests", "known", "age", "answer"),
    [
        ([OLD], [OLD], 10, False),
        ([OLD], [NEW, OLD], 10, False),
        ([OLD, NEWER], [NEWER], 10, False),
        ([NEWER], [OLD], 99, True),
        ([NEWER], [OLD], 101, False),
        ([NEWER], None, 10, False),
        ([NEWER], [], 10, True),
        ([], [OLD], 10, True),
        ([], [], 10, False),
        ([NEWER], [OLD], None, False),
    ],
)
def test_who_runs_something_else_since_after_the_push_was_changed_by_a_person(
    digests: list[str], known: list[str] | None, age: float | None, answer: bool
) -> None:
    assert changed_after({"digests": digests, "age": age}, known, PUSHED, ASKED) is answer


def test_an_update_that_is_unfinished_is_no_persons_doing() -> None:
    target = {"digests": [], "age": 10, "state": "unfinished"}
    assert not changed_after(target, [OLD], PUSHED, ASKED)
