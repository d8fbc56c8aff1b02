"""Nothing is to be done where it was done."""

from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

CURRENT = Verdict("current", "already runs this digest", "nothing until the next push")


def judge(case: Case) -> Verdict | None:
    """Leave a target alone that runs the digest, however it came to."""
    return CURRENT if case.target.runs(case.desired.digest) else None
