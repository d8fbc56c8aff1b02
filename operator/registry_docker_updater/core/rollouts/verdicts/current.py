"""Nothing is to be done where it was done."""

from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

CURRENT = Verdict("current", "already runs this digest", "nothing until the next push")


def judge(case: Case) -> Verdict | None:
    """Leave a target alone that runs the digest, however it came to; one that follows is to have the name of the tag, too."""
    is_named = case.target.image_name in case.desired.image_names
    return CURRENT if is_named and case.target.runs(case.desired.digest) else None
