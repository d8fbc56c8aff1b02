"""A push comes to its end on a target once."""

from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

DONE = Verdict("this push has been dealt with here", is_overridable=True)


def judge(case: Case) -> Verdict | None:
    """Leave a target alone on which this push has ended, unless a person insists."""
    return DONE if case.has_ended and not case.is_overridden else None
