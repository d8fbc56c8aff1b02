"""A push comes to its end on a target once."""

from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

DONE = Verdict(
    "done",
    "this push has been dealt with here",
    "nothing until the next push; --force brings it to this one",
    is_overridable=True,
)


def judge(case: Case) -> Verdict | None:
    """Leave a target alone on which this push has ended, unless a person insists."""
    return DONE if case.has_ended and not case.is_overridden else None
