"""What failed first spares the others."""

from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

LEFT_ALONE = Verdict(
    "left_alone",
    "was left alone, because others failed before it",
    "nothing until the next push; --force brings it to this one",
    is_overridable=True,
)


def judge(case: Case) -> Verdict | None:
    """Leave a target alone when others spoke against the image, or failed before it for the last time."""
    if case.has_ended:
        return None
    is_stopped = case.rollout is not None and case.rollout.is_stopped
    was_left_alone = case.last_of_push is not None and case.last_of_push.left_alone
    return LEFT_ALONE if is_stopped or (was_left_alone and case.is_over) else None
