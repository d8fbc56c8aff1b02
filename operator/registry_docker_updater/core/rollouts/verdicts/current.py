"""Nothing is to be done where it was done, and somebody heard of it."""

from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

CURRENT = Verdict("current", "already runs this digest", "nothing until the next push")


def judge(case: Case) -> Verdict | None:
    """Leave a target alone that runs the digest, however it came to; one that follows is to have the name of the tag, too."""
    if not case.desired.is_run_by(case.target) or (case.last_of_push and case.last_of_push.is_unheard):
        return None
    return CURRENT
