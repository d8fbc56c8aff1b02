"""A digest that was rolled back on a target is not tried there again."""

from registry_docker_updater.core.rollouts.history import Refusal
from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

REFUSED = Verdict(
    "refused",
    "this digest was rolled back here before",
    "nothing until another digest is pushed; --force tries this one again",
    is_overridable=True,
)


def judge(case: Case) -> Verdict | None:
    """Leave a target alone that refused the digest, unless a person insists."""
    is_refused = Refusal(case.target.key, case.desired.digest) in case.history.refusals
    return REFUSED if is_refused and not case.is_overridden else None
