"""Updates begin in the windows that owners name."""

from datetime import datetime
from functools import lru_cache

from registry_docker_updater.core.moments import minute
from registry_docker_updater.core.policy.rules import Opening
from registry_docker_updater.core.rollouts.verdicts.case import Case, Verdict

WINDOW = Verdict(
    "window",
    "waits for its window",
    "it goes on when that opens",
    is_pending=True,
    is_overridable=True,
    is_by_rule=True,
)
# Windows of several places are looked through so far for a time in which all are open.
_OPENINGS = 50


def judge(case: Case) -> Verdict | None:
    """Wait until all windows are open that are named for the target, unless a person insists."""
    windows = case.rules.windows
    if case.is_overridden or all(one.closes_at(case.now) for one in windows):
        return None
    named = ", and ".join(one.text for one in windows)
    opens_at = together(windows, case.now)
    if opens_at is None:
        return WINDOW.saying(f"waits for its windows, which are never open together: {named}")
    return WINDOW.saying(f"{WINDOW.sentence} ({named}), which opens at {minute(opens_at)}", opens_at)


# All targets of a fleet are judged at one moment, and many have the same windows.
@lru_cache(maxsize=1024)
def together(windows: tuple[Opening, ...], now: datetime) -> datetime | None:
    """Return when all of ``windows`` are open next; None where nobody finds such a time."""
    moment = now
    for _ in range(_OPENINGS):
        opens = [one.opens_at(moment) for one in windows]
        known = [one for one in opens if one is not None]
        if len(known) < len(opens):
            return None
        latest = max(known, default=moment)
        if latest == moment:
            return moment
        moment = latest
    return None
