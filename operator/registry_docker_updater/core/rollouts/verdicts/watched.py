"""What is only watched is told of, and not updated."""

from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

WATCHED = Verdict(
    "watched",
    "would be updated, and is only watched: monitor-only is true",
    "it is told, and nothing else happens until its label, the inventory or the settings say otherwise",
    is_by_rule=True,
    is_meant=True,
)


def judge(case: Case) -> Verdict | None:
    """Leave a target alone that is only watched."""
    return WATCHED if case.rules.is_watched else None
