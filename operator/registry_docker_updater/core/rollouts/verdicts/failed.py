"""What failed is tried again after a pause, and not for ever."""

from registry_docker_updater.core.rollouts.outcomes import Outcome
from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict
from registry_docker_updater.core.rollouts.verdicts.done import DONE

LATER = Verdict(
    "failed",
    "failed before, and waits for its next try",
    "it is tried again when the rollout is due, and as soon as a host that could not be reached is back",
    is_pending=True,
)
HELD = Verdict(
    "held",
    "was not begun in the last run, because something spoke against it by then",
    "it is looked at again first",
    is_pending=True,
)


def judge(case: Case) -> Verdict | None:
    """Wait for the next try of the rollout; a host that came back since the last needs no patience."""
    last = case.last_of_push
    if last is None or case.has_ended:
        return None
    is_unreachable = last.outcome is Outcome.UNREACHABLE
    if is_unreachable and _is_back(case):
        return None
    if case.is_over:
        return LATER if is_unreachable else DONE
    due_at = case.rollout.due_at if case.rollout else None
    if due_at and due_at > case.now:
        return HELD if last.held else LATER
    return None


def _is_back(case: Case) -> bool:
    """Tell whether a host of the target has come back since it could not be reached."""
    hosts = (case.fleet.hosts.get(name) for name in case.target.hosts)
    since = case.last.at if case.last else case.now
    return any(host and host.is_reachable and host.back_since and host.back_since > since for host in hosts)
