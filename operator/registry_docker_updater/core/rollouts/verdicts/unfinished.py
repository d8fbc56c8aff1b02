"""What was begun is finished first."""

from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

UNFINISHED = Verdict(
    "unfinished",
    "is on its way from one container to the next: what interrupted that is being put right",
    "it is looked at again when its host says that it has ended",
    is_pending=True,
)


def judge(case: Case) -> Verdict | None:
    """Wait while what the target will run is open."""
    return UNFINISHED if case.target.is_unfinished else None
