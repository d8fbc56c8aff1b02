"""The operator does not fight people: a push is for what was running when it came."""

from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

CHANGED = Verdict(
    "changed",
    "was changed after the push, and is left alone until the next one",
    "nothing until the next push; --force brings it to this one",
    is_overridable=True,
    is_meant=True,
)


def judge(case: Case) -> Verdict | None:
    """Leave a target alone that a person changed after the push, unless a person insists."""
    was_ours = case.last is not None and any(map(case.target.runs, case.last.possible_digests))
    is_changed = case.target.since > case.desired.received_at and not was_ours
    return CHANGED if is_changed and not case.is_overridden else None
