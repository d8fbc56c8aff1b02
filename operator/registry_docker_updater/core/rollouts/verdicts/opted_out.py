"""Who opts out is left alone, whatever else is said."""

from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

OPTED_OUT = Verdict(
    "opted_out",
    "is not to be updated: enable is false",
    "nothing until its label, the inventory or the settings say otherwise",
    is_by_rule=True,
    is_meant=True,
)


def judge(case: Case) -> Verdict | None:
    """Leave a target alone of which anybody says that it is not enabled."""
    return None if case.rules.is_enabled else OPTED_OUT
