"""What nobody can read may mean that nothing is to be updated."""

from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

UNREADABLE = Verdict(
    "unreadable",
    "waits because nobody can read what is said of it",
    "it is looked at again when that is put right, or gone",
    is_pending=True,
    is_by_rule=True,
)
_NAMED = 3


def judge(case: Case) -> Verdict | None:
    """Wait while anything is said of the target that nobody can read: its owner meant something by it."""
    problems = case.rules.problems
    if not problems:
        return None
    more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
    return UNREADABLE.saying(f"{UNREADABLE.sentence}: {'; '.join(problems[:_NAMED])}{more}")
